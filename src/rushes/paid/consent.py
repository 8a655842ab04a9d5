"""What the policy lets be paid, and lets leave."""

from __future__ import annotations

from collections.abc import Sequence

from rushes.catalogue.allowance import Allowance
from rushes.catalogue.remote import Remote
from rushes.errors import PolicyRefused


def check_consent(remote: Remote, allowance: Allowance, leaves: Sequence[str]) -> None:
    """Refuse what the policy does not let be paid, or be sent.

    Args:
        leaves: what would: prompt, frames, audio.

    Raises:
        PolicyRefused: names the key of the policy.
    """
    if not remote.is_paid:
        return  # the policy lists its server, which is judged before
    if allowance.paid == "never":
        raise PolicyRefused(
            f"{remote.name} is paid, and the policy lets nothing be paid",
            where="policy.paid",
            hint='paid = "ask" or "fallback", providers, send, budget_usd; nothing was sent',
        )
    if remote.provider not in allowance.providers:
        raise PolicyRefused(
            f"{remote.name} is {remote.provider}'s, which the policy does not name",
            where="policy.providers",
            hint=f"providers = [{remote.provider!r}] names it; nothing was sent",
        )
    for kind in leaves:
        if kind not in allowance.send:
            raise PolicyRefused(
                f"{remote.name} would be sent {kind}, which the policy does not let leave",
                where="policy.send",
                hint=f'send = ["{kind}"] lets it; nothing was sent',
            )
