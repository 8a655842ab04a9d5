"""Costs: the worked examples, the arithmetic at its edges, and that money stays decimal."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rushes.catalogue.hosted import read_hosted
from rushes.catalogue.prices import find_price, read_prices
from rushes.errors import UsageError
from rushes.ledger import NodeRow
from rushes.route.cost import (
    CostInputs,
    Kind,
    api_usd,
    find_payback,
    find_volume,
    own_usd,
)
from rushes.route.cost_plot import draw_cost
from rushes.route.cost_report import build_document, report_cost
from rushes.route.figures import Figure, parse_figure, parse_share, show_number, show_usd
from rushes.route.measured import measure_seconds

D = Decimal
KINDS: tuple[Kind, ...] = ("rented", "owned")


def exact(value: str | int) -> Figure:
    return Figure.exact(D(value))


RENTED = CostInputs(api=exact("0.05"), rent=exact(2))
OWNED = CostInputs(api=exact("0.20"), price=exact(1600), items=exact(240))


def test_1440_usd_a_month_against_5_cents_is_28800_videos_one_every_90_seconds() -> None:
    volume = find_volume(RENTED, "rented")
    assert volume.items == volume.low == volume.high == 28_800
    assert volume.seconds_between == volume.needed == 90
    assert volume.reachable is None


@pytest.mark.parametrize(
    ("seconds", "reachable", "cards"), [("90", True, 1), ("90.01", False, None), ("45", True, 1)]
)
def test_a_break_even_needs_its_capacity(seconds: str, reachable: bool, cards: int | None) -> None:
    volume = find_volume(replace(RENTED, seconds=exact(seconds)), "rented")
    assert (volume.reachable, volume.cards) == (reachable, cards)


def test_people_are_paid_by_more_cards() -> None:
    inputs = replace(RENTED, seconds=exact(80), people=exact(500))
    volume = find_volume(inputs, "rented")
    assert volume.items == 38_800
    assert not volume.reachable
    assert volume.cards == 3, "each card makes 32,400 and gains 180 USD over its rent"
    made = D(3 * 32_400)
    assert own_usd(inputs, "rented", made) <= api_usd(inputs, made)
    made = D(2 * 32_400)
    assert own_usd(inputs, "rented", made) > api_usd(inputs, made)


def test_a_card_of_1600_that_saves_1_60_a_day_pays_in_1000_days_not_in_a_week() -> None:
    payback = find_payback(OWNED)
    assert payback.days == payback.all_in == 1000


def test_power_lengthens_that_and_may_undo_it() -> None:
    powered = replace(OWNED, watts=exact(350), power=exact("0.30"), seconds=exact(60))
    payback = find_payback(powered)
    assert payback.days == 1000
    assert payback.all_in == D("1008.8"), "8 items of 60 s take 0.0467 kWh, 1.4 cents a day"
    always = replace(OWNED, watts=exact(350), power=exact("0.30"), utilisation=D(1))
    assert find_payback(always).all_in is None


def test_clips_of_hosted_video_are_paid_by_the_second() -> None:
    line = find_price("sora-2", read_prices())
    assert (line.per, line.amount * 5) == ("second", D("0.50"))


def test_utilisation_is_capacity_not_rent() -> None:
    half = replace(RENTED, seconds=exact(90), utilisation=D("0.5"))
    assert half.capacity is not None
    assert half.capacity.likely == 14_400
    assert find_volume(half, "rented").items == 28_800
    assert not find_volume(half, "rented").reachable


def test_an_api_that_costs_less_than_power_is_never_beaten() -> None:
    dear = CostInputs(
        api=exact("0.001"), price=exact(1600), months=D(36), watts=exact(1000),
        power=exact(1), seconds=exact(60),
    )  # fmt: skip
    volume = find_volume(dear, "owned")
    assert volume.items is None
    assert volume.cards is None


figures = st.decimals(D("0.01"), D(1000), places=2).flatmap(
    lambda low: st.decimals(low, D(2000), places=2).map(
        lambda high: Figure(low, (low + high) / 2, high)
    )
)
inputs_of = st.builds(
    CostInputs,
    api=figures,
    rent=figures,
    price=figures,
    months=st.decimals(1, 60, places=0),
    gpus=st.integers(1, 8),
    seconds=st.none() | figures,
    watts=figures,
    power=figures,
    people=st.none() | figures,
    items=figures,
)


@given(inputs_of, st.sampled_from(KINDS))
def test_the_break_even_is_the_first_volume_at_which_own_cards_cost_no_more(
    inputs: CostInputs, kind: Kind
) -> None:
    volume = find_volume(inputs, kind)
    low, high = volume.low, volume.high
    if volume.items is None:
        assert high is None
        return
    assert low is not None
    assert low <= volume.items
    assert high is None or volume.items <= high
    alone = replace(inputs, seconds=None) if kind == "rented" else inputs
    items = D(volume.items)
    fixed, each = alone.fixed_usd(kind, "likely"), alone.item_usd(kind, "likely")
    assert fixed + items * each <= api_usd(alone, items)
    assert items == 0 or fixed + (items - 1) * each > api_usd(alone, items - 1)


@given(inputs_of, figures)
def test_a_dearer_api_never_raises_the_break_even(inputs: CostInputs, more: Figure) -> None:
    assume(more.likely >= inputs.api.likely)
    before, after = find_volume(inputs, "rented").items, find_volume(
        replace(inputs, api=Figure.exact(more.likely)), "rented"
    ).items  # fmt: skip
    assert before is not None
    assert after is not None
    assert after <= before


@given(inputs_of)
def test_money_stays_decimal(inputs: CostInputs) -> None:
    report = report_cost(inputs, [], 0, D("0.1"))
    pending: list[object] = [build_document(report)]
    while pending:
        value = pending.pop()
        assert not isinstance(value, float)
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list | tuple):
            pending += value


@given(inputs_of)
def test_the_plot_is_svg_with_a_line_for_each(inputs: CostInputs) -> None:
    root = ET.fromstring(draw_cost(inputs, KINDS))
    lines = [e for e in root if e.tag.endswith("polyline")]
    assert len(lines) == 3
    assert all("nan" not in (e.get("points") or "").lower() for e in lines)
    crossings = [e for e in root if e.tag.endswith("circle")]
    assert len(crossings) == sum(bool(find_volume(inputs, kind).items) for kind in KINDS)


def test_figures_as_people_write_them() -> None:
    assert parse_figure("0.04..0.06") == Figure(D("0.04"), D("0.05"), D("0.06"))
    assert parse_figure("$1_600") == exact(1600)
    for wrong in ("", "x", "-1", "2..1", "1..2..3", "nan", "inf", "1e99"):
        assert parse_figure(wrong) is None, wrong
    assert parse_share("60%") == parse_share("0.6") == D("0.6")
    assert parse_share("160%") is parse_share("x") is None
    assert show_number(D("28800.0")) == "28,800"
    assert show_usd(D("0.05")) == "0.05 USD"
    assert show_usd(D("0.0123")) == "0.0123 USD"


@given(st.decimals(0, 10**6, places=4), st.decimals(0, 1, places=3))
def test_widening_keeps_the_order(value: Decimal, share: Decimal) -> None:
    wide = Figure.exact(value).widen(share)
    assert 0 <= wide.low <= wide.likely == value <= wide.high


def test_every_price_says_where_and_when() -> None:
    lines = read_prices()
    for line in lines.values():
        assert line.source
        assert line.age_days(date(2026, 11, 21)) >= 0
    assert {model.price for model in read_hosted()} <= set(lines)


def test_a_price_list_of_ones_own(tmp_path: Path) -> None:
    mine = tmp_path / "prices.toml"
    entry = '[[prices]]\nname = "veo-3.1"\nusd = "{}"\nper = "second"\nsource = "us"\ndate = "{}"\n'
    mine.write_text(entry.format("0.38", "2026-11-01"))
    lines = read_prices(mine)
    assert lines["veo-3.1"].amount == D("0.38")
    assert "sora-2" in lines
    for usd, day in (
        ("-1", "2026-11-01"),
        ("NaN", "2026-11-01"),
        ("x", "2026-11-01"),
        ("1", "May"),
    ):
        mine.write_text(entry.format(usd, day))
        with pytest.raises(UsageError, match=r"price of 'veo-3\.1'"):
            read_prices(mine)
    mine.write_text("[[prices]]\nname = 1\n")
    with pytest.raises(UsageError, match="price list is wrong"):
        read_prices(mine)
    with pytest.raises(UsageError, match="cannot be read"):
        read_prices(tmp_path / "none.toml")


def node(run: str, stage: str, seconds: float, **more: object) -> NodeRow:
    row = {
        "run": run, "key": "k", "stage": stage, "model": "m", "shot": "s", "attempt": 0, "seed": 1,
        "started_at": 0.0, "seconds": seconds, "predicted_peak_bytes": None, "peak_bytes": 0,
        "usd": 0.0, "resumed_step": None, "loads": "{}", "passed": None, "error": None, **more,
    }  # fmt: skip
    return NodeRow(**row)  # type: ignore[arg-type]


def test_seconds_are_those_of_whole_takes() -> None:
    rows = [node(f"r{n}", "denoise", float(n)) for n in range(1, 12)]
    rows += [node(f"r{n}", "decode_video", 1.0) for n in range(1, 12)]
    rows += [
        node("half", "decode_video", 99.0),
        node("bad", "denoise", 99.0, error="OutOfMemory: x"),
        node("resumed", "denoise", 99.0, resumed_step=3),
        node("other", "denoise", 99.0, model="n"),
    ]
    figure, takes = measure_seconds(rows, "m")
    assert takes == 11
    assert (figure.low, figure.likely, figure.high) == (3, 7, 11)
    with pytest.raises(UsageError, match="no finished take of 'x'"):
        measure_seconds(rows, "x")
