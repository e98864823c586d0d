"""Let a request in if its limits have room for it; count afterwards what it has really used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from tropism.server.context import Context
from tropism.server.errors import TooManyCalls
from tropism.server.limits import headers, leases
from tropism.server.limits.ledger import Account, Ledger
from tropism.server.limits.windows import told
from tropism.server.snapshot import ServedLimit
from tropism.wire.limits import Measure

Amounts = Mapping[Measure, int]
BYTES_OF_A_TOKEN = 4
"""Roughly, for text that was not counted by its model's own tokens."""


def tokens_in(text: str) -> int:
    """About how many tokens a text has, before or without its model's word."""
    return -(-len(text.encode(errors="replace")) // BYTES_OF_A_TOKEN)


@dataclass(slots=True)
class Held:
    """What is held for one request. It ends in `use` or `give_back`; whatever comes after adds to what was used."""

    ledger: Ledger
    accounts: Sequence[Account]
    need: Amounts
    reserved: list[tuple[Account, int]] = field(default_factory=list)

    def use(self, amounts: Amounts) -> list[leases.Spend]:
        """Count what was used instead of what was held; store the result with the answer."""
        self.give_back()
        spends = [(account, amounts.get(account.limit.measure, 0)) for account in self.accounts]
        for account, units in spends:
            account.used += units
        process_id = self.ledger.process_id
        return [leases.Spend(account.window, process_id, units) for account, units in spends if units]

    def give_back(self) -> None:
        """Nothing of it is needed any more."""
        for account, units in self.reserved:
            account.held -= units
        self.reserved.clear()


async def admit(context: Context, use_case_id: UUID, need: Amounts) -> Held | None:
    """Hold what the request may need, or refuse it; None where no limit holds for it."""
    found = context.snapshot.limits
    if not found:
        return None
    who = (context.principal.key_id, context.principal.user_id, use_case_id)
    limits = [limit for subject in who if subject is not None for limit in found.get(subject, ())]
    return await _admit(context, limits, need) if limits else None


async def _admit(context: Context, limits: Sequence[ServedLimit], need: Amounts) -> Held:
    ledger = context.services.limits
    held = Held(ledger, ledger.accounts(limits), need)
    try:
        await _hold(held)
    finally:
        context.headers.update(headers.of(held.accounts, ledger.now_ms))
    return held


async def _hold(held: Held) -> None:
    """All or nothing: between the look at the accounts and the change of them nobody else gets a turn."""
    needed = [(account, units) for account in held.accounts if (units := held.need.get(account.limit.measure, 0))]
    while short := _short(needed, held.ledger.now_ms):
        if await held.ledger.lacks(*short):
            raise _refused(*short, held.ledger.now_ms)
    for account, units in needed:
        account.held += units
    held.reserved = needed


def _short(needed: Sequence[tuple[Account, int]], now_ms: int) -> tuple[Account, int] | None:
    return next(((account, units) for account, units in needed if account.free(now_ms) < units), None)


def _refused(account: Account, units: int, now_ms: int) -> TooManyCalls:
    limit = account.limit
    what = f"{told(limit.measure, limit.amount)} per {limit.period}"
    if units > limit.amount and limit.measure != "requests":
        needed = told(limit.measure, units)
        return TooManyCalls(
            f"this request may need {needed}, more than the limit of the {limit.kind} allows at all ({what}); "
            "ask for fewer with max_tokens",
            retry_after=_seconds(account, units, now_ms),
        )
    return TooManyCalls(
        f"the limit of the {limit.kind} is reached: {what}; it begins anew in "
        f"{headers.duration(account.ends_ms - now_ms)}",
        retry_after=_seconds(account, units, now_ms),
    )


def _seconds(account: Account, units: int, now_ms: int) -> int:
    """When it is worth another try: sooner than the end if others may give back what they hold."""
    rest = max(1, -(-(account.ends_ms - now_ms) // 1000))
    gone = account.used + account.others_used + (account.held if account.limit.measure == "requests" else 0)
    if gone + units > account.limit.amount:
        return rest
    return min(rest, leases.SECONDS if account.others > account.others_used else 1)
