"""Comparisons between two variants, counted: who was preferred how often, and by how many users."""

from __future__ import annotations

from dataclasses import dataclass

from tropism.stats.sums import Sums


@dataclass(frozen=True, slots=True)
class PairCounts:
    """Comparisons of one variant with another: won, lost, tied with both good, tied with both bad.

    users: where one user (or session) compares more than once, the sums over users of n = decisive comparisons and
        s = wins - losses; None if every comparison stands for itself. A user with ties only is no unit of it.
    `+` merges replicas. Comparisons of a variant with itself do not belong here. Raises ValueError for counts below
    zero, or that are not those of `users`.
    """

    wins: int = 0
    losses: int = 0
    ties_good: int = 0
    ties_bad: int = 0
    users: Sums | None = None

    def __post_init__(self) -> None:
        if min(self.wins, self.losses, self.ties_good, self.ties_bad) < 0:
            raise ValueError(f"counts cannot be negative: {self}")
        if self.users is not None and (self.users.n, self.users.s) != (self.decisive, self.wins - self.losses):
            raise ValueError(f"the users' comparisons are not those counted: {self}")

    def __add__(self, other: PairCounts) -> PairCounts:
        return PairCounts(
            self.wins + other.wins,
            self.losses + other.losses,
            self.ties_good + other.ties_good,
            self.ties_bad + other.ties_bad,
            None if self.users is other.users is None else self.units + other.units,
        )

    def flipped(self) -> PairCounts:
        """The same comparisons seen from the other variant."""
        users = None if self.users is None else self.users.negated()
        return PairCounts(self.losses, self.wins, self.ties_good, self.ties_bad, users)

    @property
    def decisive(self) -> int:
        """Comparisons that were not tied."""
        return self.wins + self.losses

    @property
    def ties(self) -> int:
        """Tied comparisons, good or bad: neutral for the decision."""
        return self.ties_good + self.ties_bad

    @property
    def total(self) -> int:
        """All comparisons."""
        return self.decisive + self.ties

    @property
    def units(self) -> Sums:
        """`users`, or each decisive comparison as a unit of its own."""
        if self.users is not None:
            return self.users
        n, s = self.decisive, self.wins - self.losses
        return Sums(n, n, s, n, s, n, n, s, n, s)
