"""What the reports accept: sums that can be, of as many variants as a test may have."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from tropism.stats.plan import Plan
from tropism.stats.sums import Sums


def check_default(variants: int, default: int | None) -> None:
    """Raises ValueError unless `default` is None or one of the variants."""
    if default is not None and not 0 <= default < variants:
        raise ValueError(f"default must be the index of one of {variants} variants, not {default}")


def check_sums(variants: Sequence[Sums], plan: Plan) -> None:
    """Raises ValueError for a wrong number of variants, or sums that no feedback of the key could have."""
    plan.pair_alpha(len(variants))
    for sums in variants:
        if not all(map(isfinite, sums.row())):
            raise ValueError(f"sums must be finite: {sums}")
        if not 0 <= sums.units <= sums.n or (sums.units == 0) != (sums.n == 0):
            raise ValueError(f"each unit has at least one feedback: {sums}")
        if plan.kind == "bool" and not 0 <= sums.s <= sums.n:
            raise ValueError(f"the values of a bool key lie between 0 and 1: {sums}")


def are_rates(variants: Sequence[Sums], plan: Plan) -> bool:
    """Whether the units are single bool values, so that counts say everything."""
    return plan.kind == "bool" and not any(sums.clustered for sums in variants)
