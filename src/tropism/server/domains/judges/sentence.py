"""One plain sentence on how far a judge can be trusted."""

from __future__ import annotations

from tropism.stats.agreement import Estimate, Table

_CHANCE, _GOOD = 0.0, 0.6


def sentence(judge: str, human: str, table: Table, kappa: Estimate | None) -> str:
    """What the figures mean; the lower end of kappa's interval decides, for it is what is sure."""
    if table.n == 0:
        return (
            f"No completion has values of both {judge!r} and {human!r}: log {human!r} on completions that are judged."
        )
    same = f"{judge!r} and {human!r} say the same of {table.both + table.neither} of {table.n} completions"
    if kappa is None:
        return f"{same}, but of all of them: without both good and bad ones it cannot be told from chance."
    figures = f"kappa is {kappa.middle:.2f} ({kappa.start:.2f} to {kappa.end:.2f})"
    return f"{same}; {figures}: {_meaning(kappa)}."


def _meaning(kappa: Estimate) -> str:
    if kappa.start > _GOOD:
        return "good agreement"
    if kappa.end < _CHANCE:
        return "less agreement than by chance; is one of the keys the wrong way round?"
    if kappa.start <= _CHANCE:
        return "not told from chance; log more, or do not rely on this judge"
    if kappa.end <= _GOOD:
        return "better than chance, but weak"
    return "better than chance; log more to know how good"
