"""What should answer a chat: a simple model of a use case, its attached models, their parts and the tests of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

from tropism import APIStatusError, ConflictError, InternalServerError, NotFoundError, UnprocessableEntityError
from tropism.wire.ab_tests import FeedbackType

ECHOES = ("echo-a", "echo-b", "echo-c")
VECTORS = "vectors"
"""An embedding model: it can be attached, and even be the default, but cannot chat."""


@dataclass(frozen=True)
class Refusal:
    """An error, and what its message says, as a regular expression."""

    kind: type[APIStatusError]
    says: str

    def is_meant_by(self, error: APIStatusError) -> bool:
        return isinstance(error, self.kind) and re.search(self.says, str(error)) is not None


NOT_ATTACHED = Refusal(NotFoundError, "is not attached to use case")


@dataclass
class Attached:
    """How a use case uses a model."""

    is_wanted: bool = True
    fallbacks: list[str] = field(default_factory=list)


@dataclass(eq=False)
class RunningTest:
    """An A/B test, whom it has drawn, and what it should have counted."""

    key: str
    models: tuple[str, ...]
    split: float
    kind: FeedbackType
    shadow: float
    drawn: dict[UUID, int] = field(default_factory=dict)
    """The first variant of each unit that was seen in it."""
    takes: dict[UUID, bool] = field(default_factory=dict)
    """Whether its split takes a unit."""
    assigned: list[tuple[str, UUID]] = field(default_factory=list)
    fallen: Counter[str] = field(default_factory=Counter)
    """How often another model has answered for a variant."""
    failed: int = 0
    """Choices of requests that nobody answered, if they were in it: what has no answer does not say where it went."""
    compared: int = 0

    def routes(self, unit: UUID | None, n: int, *, is_split: bool) -> Iterator[Route]:
        """One for each variant that the unit may have; a unit that was seen has its own."""
        known = self.drawn.get(unit) if unit else None
        for first in range(len(self.models)) if known is None else [known]:
            turns = [first + turn * (self.kind == "preference") for turn in range(n)]
            models = tuple(self.models[turn % len(self.models)] for turn in turns)
            yield Route(models, self, first, is_split)

    def after(self, model: str) -> str:
        """Whose answer a variant's is compared with."""
        return self.models[(self.models.index(model) + 1) % len(self.models)]


@dataclass(frozen=True, eq=False)
class Route:
    """The models that should answer, one per choice. `first` is the variant that was drawn, if one was.

    With `is_split`, the splits of the tests have sent the request here.
    """

    models: tuple[str, ...]
    test: RunningTest | None = None
    first: int | None = None
    is_split: bool = False


Expected: TypeAlias = Mapping[Route, tuple[str, ...] | Refusal]
"""By the ways that a request may take, who answers it there, or how it is refused."""


@dataclass
class Case:
    """A use case."""

    key: str
    attached: dict[str, Attached] = field(default_factory=dict)
    default: str | None = None
    tests: list[RunningTest] = field(default_factory=list)
    """Those that run, oldest first."""
    answers: int = 0

    def attach(self, model: str) -> None:
        self.attached.setdefault(model, Attached()).is_wanted = True

    def detach(self, model: str) -> None:
        del self.attached[model]
        self.default = None if self.default == model else self.default

    def refuses_detaching(self, model: str) -> Refusal | None:
        if model not in self.attached:
            return NOT_ATTACHED
        if any(model in test.models for test in self.tests):
            return Refusal(ConflictError, "is in the running A/B test")
        if any(model in each.fallbacks for each in self.attached.values()):
            return Refusal(ConflictError, "is a fallback of")
        return None

    def refuses_fallbacks(self, model: str, fallbacks: Sequence[str] | None) -> Refusal | None:
        if not fallbacks:
            return None
        if model == VECTORS:
            return Refusal(UnprocessableEntityError, "it takes no fallbacks")
        if len({model, *fallbacks}) != len(fallbacks) + 1:
            return Refusal(UnprocessableEntityError, "each fallback once, and not the model itself")
        for each in fallbacks:
            if each not in self.attached:
                return NOT_ATTACHED
            if each == VECTORS:
                return Refusal(UnprocessableEntityError, "cannot answer a chat")
        return None

    def refuses_test(self, test: RunningTest) -> Refusal | None:
        if not set(test.models) <= set(self.attached):
            return NOT_ATTACHED
        if VECTORS in test.models:
            return Refusal(UnprocessableEntityError, "cannot be tested against a generation model")
        if test.shadow and test.kind == "metric":
            return Refusal(UnprocessableEntityError, "`shadow` is for preference tests")
        return None

    def change(self, model: str, is_default: bool | None, is_wanted: bool | None, fallbacks: list[str] | None) -> None:
        """What is None stays as it is."""
        mine = self.attached[model]
        mine.is_wanted = mine.is_wanted if is_wanted is None else is_wanted
        mine.fallbacks = mine.fallbacks if fallbacks is None else fallbacks
        if is_default:
            self.default = model
        elif is_default is False and self.default == model:
            self.default = None

    def expected(self, unit: UUID | None, named: str | None, forced: str | None, n: int, running: Set[str]) -> Expected:
        """What may come of a request; more than one thing only where it is drawn, and its unit was not seen before."""
        routes = self._routes(unit, named, forced, n)
        if isinstance(routes, Refusal):
            return {Route(()): routes}
        return {route: self._answer(route, running) for route in routes}

    def _routes(self, unit: UUID | None, named: str | None, forced: str | None, n: int) -> list[Route] | Refusal:
        if named and named not in self.attached:
            return NOT_ATTACHED
        if not forced:
            return [Route((named,) * n)] if named else list(self._drawn(unit, n))
        test = next((test for test in self.tests if test.key == forced), None)
        if test is None:
            return Refusal(NotFoundError, "is running in use case")
        if not named:
            return list(test.routes(unit, n, is_split=False))
        if named not in test.models:
            return Refusal(ConflictError, "is not a variant of A/B test")
        return [Route((named,) * n, test)]

    def _drawn(self, unit: UUID | None, n: int) -> Iterator[Route]:
        for test in self.tests:
            takes = test.takes.get(unit) if unit else None
            if test.split > 0 and takes is not False:
                yield from test.routes(unit, n, is_split=True)
            if test.split == 1 or takes:
                return
        yield Route((self.default,) * n if self.default else (), is_split=True)

    def _answer(self, route: Route, running: Set[str]) -> tuple[str, ...] | Refusal:
        """Who answers on this way: the models, or the first of their fallbacks that can."""
        if not route.models:
            return Refusal(NotFoundError, "has no default model")
        if VECTORS in route.models:
            return Refusal(UnprocessableEntityError, "it cannot chat")
        found: list[str] = []
        for model in route.models:
            able = [each for each in (model, *self.attached[model].fallbacks) if self.is_able(each, running)]
            if not able:
                return Refusal(InternalServerError, "taken offline for this use case|is not deployed")
            found.append(able[0])
        return tuple(found)

    def is_able(self, model: str, running: Set[str]) -> bool:
        return model in running and self.attached[model].is_wanted

    def learn(self, route: Route, unit: UUID | None) -> None:
        """What was seen of a unit holds for as long as the test runs."""
        if unit is None:
            return
        if route.test and route.first is not None:
            route.test.drawn[unit] = route.first
        for test in self.tests if route.is_split else ():
            test.takes[unit] = test is route.test
            if test is route.test:
                return
