"""What an answer says of limits, in the headers that OpenAI's clients know."""

from __future__ import annotations

from collections.abc import Sequence

from tropism.server.limits.ledger import Account
from tropism.server.limits.windows import from_units


def of(accounts: Sequence[Account], now_ms: int) -> dict[str, str]:
    """Of each measure the limit with the least left, as `x-ratelimit-limit-requests` and its like."""
    tightest: dict[str, Account] = {}
    for account in accounts:
        measure = account.limit.measure
        if measure not in tightest or account.left < tightest[measure].left:
            tightest[measure] = account
    return {name: text for account in tightest.values() for name, text in _of_one(account, now_ms)}


def _of_one(account: Account, now_ms: int) -> list[tuple[str, str]]:
    measure = account.limit.measure
    return [
        (f"x-ratelimit-limit-{measure}", f"{from_units(measure, account.limit.amount):.12g}"),
        (f"x-ratelimit-remaining-{measure}", f"{from_units(measure, account.left):.12g}"),
        (f"x-ratelimit-reset-{measure}", duration(account.ends_ms - now_ms)),
    ]


def duration(milliseconds: int) -> str:
    """As OpenAI writes it: `6m0s`, `12s`, `450ms`."""
    if milliseconds < 1000:
        return f"{max(0, milliseconds)}ms"
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{seconds}s"
