"""Where something is used: ISO 3166 codes of countries, and "EU" for its member states."""

from __future__ import annotations

from collections.abc import Iterable

from rushes.errors import UsageError

_EU = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK "
_OTHERS = (
    "AD AE AF AG AI AL AM AO AQ AR AS AU AW AX AZ BA BB BD BF BH BI BJ BL BM BN BO BQ BR BS BT "
    "BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX DJ DM DO DZ EC EG EH ER ET "
    "FJ FK FM FO GA GB GD GE GF GG GH GI GL GM GN GP GQ GS GT GU GW GY HK HM HN HT ID IL IM IN "
    "IO IQ IR IS JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LY MA MC MD "
    "ME MF MG MH MK ML MM MN MO MP MQ MR MS MU MV MW MX MY MZ NA NC NE NF NG NI NO NP NR NU NZ "
    "OM PA PE PF PG PH PK PM PN PR PS PW PY QA RE RS RU RW SA SB SC SD SG SH SJ SL SM SN SO SR "
    "SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC "
    "VE VG VI VN VU WF WS YE YT ZA ZM ZW "
)

EU = frozenset(_EU.split())
"""The 27 member states, as of 2026-11."""

COUNTRIES = EU | frozenset(_OTHERS.split())
"""ISO 3166-1 alpha-2."""

COMMON = {"UK": "GB", "USA": "US", "EL": "GR"}


def read_territory(text: str) -> str:
    """The code of a country, or "EU" or "WORLD".

    Raises:
        UsageError: there is no such code.
    """
    code = COMMON.get(text.strip().upper(), text.strip().upper())
    if code in COUNTRIES or code in ("EU", "WORLD"):
        return code
    raise UsageError(
        f"there is no territory {text!r}",
        hint="use ISO 3166 codes such as DE or US, EU for the union, WORLD for everywhere",
    )


def find_excluded(territories: Iterable[str], excluded: Iterable[str]) -> str | None:
    """The first territory of use that a licence leaves out; None where it leaves out none.

    A union that is left out leaves out its members, and a member that is left out the union.
    """
    left_out = list(excluded)
    for territory in territories:
        if left_out and territory == "WORLD":
            return territory
        if any(_overlaps(territory, code) for code in left_out):
            return territory
    return None


def _overlaps(one: str, other: str) -> bool:
    return one == other or (one == "EU" and other in EU) or (other == "EU" and one in EU)
