"""Hypothesis gives attached models their parts and takes them away; a simple model says who answers each chat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.evaluation.judge import eventually
from tests.torture.machines import live
from tests.torture.recount import recount
from tests.torture.routed import ECHOES, NOT_ATTACHED, VECTORS, Case, Expected, Refusal, Route, RunningTest

from tropism import APIStatusError, ConflictError, Tropism
from tropism.server.clock import Clock
from tropism.server.database.engines import only_reading
from tropism.server.database.session import Reading
from tropism.server.identity.principal import SYSTEM
from tropism.testing import RunningServer, run_server
from tropism.wire.ab_tests import FeedbackType
from tropism.wire.chat import ChatCompletion

STEPS = 35
HELLO = [{"role": "user", "content": "one two three"}]
MODELS = (*ECHOES, VECTORS)
MODEL, PLACE, NUMBER = st.sampled_from(MODELS), st.integers(0, 1), st.sampled_from([1, 1, 2])
WISH, ATTACHED = st.sampled_from([None, None, True, False]), st.sampled_from([None, None, None, True, False])
FALLBACKS = st.none() | st.lists(st.sampled_from(ECHOES), max_size=2, unique=True) | st.lists(MODEL, max_size=3)
SOMEBODY = st.tuples(st.sampled_from(["nobody", "user", "session", "both"]), st.integers(0, 2))
CALLERS = st.lists(SOMEBODY, min_size=1, max_size=6)
KINDS = st.sampled_from([("metric", 0.0), ("preference", 0.0), ("preference", 1.0), ("metric", 1.0)])
"""Of tests: what they count, and the share of shadows."""


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningServer]:
    monkeypatch.setattr("tropism.sdk.send.RETRIES", 0)  # who asks again a model that is not there only waits
    with run_server(echo_models=ECHOES) as server, Tropism(server.base_url, server.api_key) as client:
        nowhere = "http://127.0.0.1:9/v1"  # nobody asks it anything
        client.models.add_external(VECTORS, VECTORS, "sk", "custom", nowhere, kind="Embedding")
        yield server


class Routing(RuleBasedStateMachine):
    """Two use cases that share their models, and the same few users and sessions in both."""

    server: RunningServer

    def __init__(self) -> None:
        super().__init__()
        self.client = Tropism(self.server.base_url, self.server.api_key)
        self.units = [uuid4() for _ in range(3)]
        self.keys = {kind: f"{kind}-{uuid4().hex[:12]}" for kind in ("metric", "preference")}
        self.cases = [Case(f"case-{uuid4().hex[:12]}") for _ in range(2)]
        for key in self.keys.values():
            self.client.feedback.register_key(key)
        self.tests: list[str] = []
        """The keys of all tests that there ever were in this life."""
        self.running: set[str] = set()
        for model in MODELS:
            self.deploy(model)
        for place, case in enumerate(self.cases):
            self.client.use_cases.create(case.key)
            for key in self.keys.values():
                self.client.feedback.link(key, use_case=case.key)
            for model in ECHOES:
                self.attach(place, model, make_default=model == ECHOES[place], fallbacks=None)
            for model, fallbacks in zip(ECHOES, (["echo-b"], ["echo-a"], ["echo-a", "echo-b"]), strict=True):
                self.change(place, model, None, None, None, fallbacks)
        self.start(0, [*ECHOES[:2]], 0.5, ("metric", 0.0))
        self.attach(1, VECTORS, make_default=False, fallbacks=None)
        self.start(1, [*ECHOES[:2]], 0.5, ("preference", 1.0))

    def teardown(self) -> None:
        self.client.close()

    def _refused(self, refusal: Refusal | None, call: Callable[[], object]) -> bool:
        """Make a call, which is refused in this way, or goes well. Whether it was refused."""
        if refusal is None:
            call()
            return False
        with pytest.raises(refusal.kind, match=refusal.says):
            call()
        return True

    @rule(place=PLACE, model=MODEL, make_default=st.booleans(), fallbacks=FALLBACKS)
    def attach(self, place: int, model: str, make_default: bool, fallbacks: list[str] | None) -> None:
        case = self.cases[place]
        given: Any = {"make_default": make_default, "fallbacks": fallbacks, "use_case": case.key}
        call = partial(self.client.models.attach, model, wait=True, wait_timeout=20, **given)
        if not self._refused(case.refuses_fallbacks(model, fallbacks), call):
            self.running.add(model)
            case.attach(model)
            case.change(model, make_default or None, None, fallbacks)

    @rule(place=PLACE, model=MODEL)
    def detach(self, place: int, model: str) -> None:
        case = self.cases[place]
        call = partial(self.client.models.detach, model, use_case=case.key)
        if not self._refused(case.refuses_detaching(model), call):
            case.detach(model)

    @rule(place=PLACE, model=MODEL, attached=ATTACHED, is_default=WISH, is_wanted=WISH, fallbacks=FALLBACKS)
    def change(
        self,
        place: int,
        model: str,
        attached: bool | None,
        is_default: bool | None,
        is_wanted: bool | None,
        fallbacks: list[str] | None,
    ) -> None:
        """All that an update may say, and any of it together."""
        case = self.cases[place]
        refusal = case.refuses_fallbacks(model, fallbacks)
        if attached is False:
            refusal = case.refuses_detaching(model)
        elif model not in case.attached and not attached:
            refusal = NOT_ATTACHED
        given: Any = {"is_default": is_default, "attached": attached, "desired_online": is_wanted}
        call = partial(self.client.models.update, model, **given, fallbacks=fallbacks, use_case=case.key)
        if self._refused(refusal, call):
            return
        if attached is False:
            case.detach(model)
            return
        if attached:
            case.attach(model)
            self.running.add(model)
        case.change(model, is_default, is_wanted, fallbacks)

    @rule(model=MODEL)
    def deploy(self, model: str) -> None:
        self.client.models.deploy(model, wait=True)
        self.running.add(model)

    @rule(model=MODEL)
    def terminate(self, model: str) -> None:
        if any(model in case.attached and case.attached[model].is_wanted for case in self.cases):
            with pytest.raises(ConflictError, match="serves"):
                self.client.models.terminate(model)
        self.client.models.terminate(model, force=True)
        self.running.discard(model)

    @rule(
        place=PLACE,
        models=st.lists(st.sampled_from(ECHOES), min_size=2, unique=True) | st.lists(MODEL, min_size=2, unique=True),
        split=st.sampled_from([0.0, 0.5, 0.5, 1.0]),
        kind=KINDS,
    )
    def start(self, place: int, models: list[str], split: float, kind: tuple[FeedbackType, float]) -> None:
        case, test = self.cases[place], RunningTest(f"test-{uuid4().hex[:12]}", tuple(models), split, *kind)
        given: Any = {"feedback_type": test.kind, "shadow": test.shadow, "use_case": case.key}
        call = partial(self.client.ab_tests.create, test.key, self.keys[test.kind], models, split, **given)
        self.tests.append(test.key)
        if not self._refused(case.refuses_test(test), call):
            case.tests.append(test)

    @rule(data=st.data(), place=PLACE)
    def cancel(self, data: st.DataObject, place: int) -> None:
        case = self.cases[place]
        if case.tests:
            test = data.draw(st.sampled_from([test.key for test in case.tests]))
            assert self.client.ab_tests.cancel(test).status == "cancelled"
            case.tests = [each for each in case.tests if each.key != test]

    @rule(place=PLACE, callers=CALLERS, n=NUMBER)
    def ask(self, place: int, callers: list[tuple[str, int]], n: int) -> None:
        self._ask(self.cases[place], callers, n)

    @rule(place=PLACE, callers=CALLERS, n=NUMBER, model=MODEL)
    def ask_a_model(self, place: int, callers: list[tuple[str, int]], n: int, model: str) -> None:
        self._ask(self.cases[place], callers, n, model)

    @rule(data=st.data(), place=PLACE, callers=CALLERS, n=NUMBER, model=st.none() | MODEL)
    def ask_a_test(
        self, data: st.DataObject, place: int, callers: list[tuple[str, int]], n: int, model: str | None
    ) -> None:
        """One that runs, has ended, was refused, or belongs to the other use case."""
        case = self.cases[place]
        here = [test.key for test in case.tests]
        self._ask(case, callers, n, model, data.draw(st.sampled_from([*here * 4, *self.tests])))

    def _ask(
        self, case: Case, callers: list[tuple[str, int]], n: int, model: str | None = None, test: str | None = None
    ) -> None:
        for who, number in callers:
            user = self.units[number] if who in ("user", "both") else None
            session = self.units[number - 1] if who in ("session", "both") else None
            call: Any = {"model": model, "ab_campaign": test, "n": n, "user": user, "session_id": session}
            expected = case.expected(user or session, model, test, n, self.running)
            try:
                answer = self.client.chat.create(HELLO, use_case=case.key, **call)
            except APIStatusError as error:
                self._failed(error, expected)
            else:
                self._answered(case, answer, expected, user or session)

    def _failed(self, error: APIStatusError, expected: Expected) -> None:
        refusals = [found for found in expected.values() if isinstance(found, Refusal)]
        assert any(each.is_meant_by(error) for each in refusals), (error, expected)
        for test in {route.test for route in expected if route.test}:
            test.failed += max(len(route.models) for route in expected)

    def _answered(self, case: Case, answer: ChatCompletion, expected: Expected, unit: UUID | None) -> None:
        logged = [self.client.interactions.get(choice.completion_id, use_case=case.key) for choice in answer.choices]
        assigned = tuple(each.assigned_model or each.model for each in logged)
        tests = {each.ab_test for each in logged}
        found = [each for each in expected if each.models == assigned and {each.test and each.test.key} == tests]
        assert len(found) == 1, (assigned, tests, expected)
        route = found[0]
        assert tuple(each.model for each in answer.choices) == tuple(each.model for each in logged) == expected[route]
        case.answers += len(logged)
        case.learn(route, unit)
        if route.test:
            route.test.assigned += [(model, unit or answer.id) for model in route.models]
            route.test.fallen += Counter(each.assigned_model for each in logged if each.assigned_model)
        self._compared(case, answer, route)

    def _compared(self, case: Case, answer: ChatCompletion, route: Route) -> None:
        """In a test with shadows, another variant is asked the same, unless it is more than one choice already."""
        id = answer.choices[0].shadow_completion_id
        if not route.test or not route.test.shadow or len(route.models) > 1:
            assert id is None
            return
        assert id is not None
        other = route.test.after(route.models[0])
        if case.is_able(other, self.running):
            route.test.compared += 1
            case.answers += 1
            test = route.test
            eventually(lambda: self.client.ab_tests.get(test.key).report.shadow.completions == test.compared)
            shadow = self.client.interactions.get(id, use_case=case.key)
            assert (shadow.model, shadow.ab_test, shadow.source) == (other, route.test.key, "AUTOMATION")

    @invariant()
    def all_is_shown_as_it_should_be(self) -> None:
        for case in self.cases:
            shown = {each.model.key: each for each in self.client.use_cases.get(case.key).model_services}
            assert set(shown) == set(case.attached)
            for key, each in shown.items():
                mine = case.attached[key]
                assert (each.is_default, each.desired_online, each.fallbacks) == (
                    key == case.default,
                    mine.is_wanted,
                    mine.fallbacks,
                )
                assert (each.online != "OFFLINE") == case.is_able(key, self.running)

    @invariant()
    def tests_count_who_was_drawn(self) -> None:
        for case in self.cases:
            shown = self.client.ab_tests.list(active=True, use_case=case.key)
            assert [each.key for each in shown] == [test.key for test in case.tests]
            for test, each in zip(case.tests, shown, strict=True):
                assert (tuple(each.models), each.report.shadow.completions) == (test.models, test.compared)
                variants = each.report.variants
                units = [len({u for model, u in test.assigned if model == it.variant}) for it in variants]
                assigned = Counter(model for model, _ in test.assigned)
                assert [it.assigned for it in variants] == [assigned[it.variant] for it in variants]
                assert [it.assigned_units for it in variants] == units
                assert [it.fallbacks for it in variants] == [test.fallen[it.variant] for it in variants]
                assert all(it.errors >= it.fallbacks for it in variants)
                assert sum(it.errors - it.fallbacks for it in variants) <= test.failed

    @invariant()
    def what_was_refused_is_not_in_the_log(self) -> None:
        for case in self.cases:
            assert self.client.interactions.list(page={"first": 1}, use_case=case.key).total_count == case.answers


def test_the_parts_of_attached_models(own: RunningServer, request: pytest.FixtureRequest) -> None:
    Routing.server = own
    live(Routing, request, STEPS)
    engine = only_reading(own.database)
    try:
        with engine.connect() as connection:
            recount(Reading(connection, SYSTEM, Clock()))
    finally:
        engine.dispose()
