"""Hypothesis attaches, detaches, starts, feeds and ends; a simple model says what must come of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.torture.machines import live
from tests.torture.recount import recount

from tropism import ConflictError, NotFoundError, Tropism
from tropism.server.clock import Clock
from tropism.server.database.engines import only_reading
from tropism.server.database.session import Reading
from tropism.server.identity.principal import SYSTEM
from tropism.testing import RunningServer, run_server
from tropism.wire.ab_tests import ABTest

MODELS = ("echo-a", "echo-b", "echo-c")
STEPS = 25
RUNNING = ("warmup", "in_progress")


@pytest.fixture
def own() -> Iterator[RunningServer]:
    with run_server(echo_models=MODELS) as server:
        yield server


class Life(RuleBasedStateMachine):
    """A use case of its own with a key, on a server that others have used before."""

    server: RunningServer

    def __init__(self) -> None:
        super().__init__()
        self.client = Tropism(self.server.base_url, self.server.api_key)
        self.case, self.key = f"case-{uuid4().hex[:12]}", f"key-{uuid4().hex[:12]}"
        self.client.use_cases.create(self.case)
        self.client.set_default_use_case(self.case)
        self.client.feedback.register_key(self.key)
        self.client.feedback.link(self.key)
        self.attached: dict[str, bool] = {}
        """Whether each is the default."""
        self.running: dict[str, tuple[str, ...]] = {}
        self.ended: dict[str, ABTest] = {}
        self.values: dict[UUID, tuple[str, str, float | None]] = {}
        """Of each completion its test, its variant and its value."""
        self.attach("echo-a", make_default=True)
        self.attach("echo-b", make_default=False)
        self.start(["echo-a", "echo-b"], most=1_000, auto_deploy=False)

    def teardown(self) -> None:
        self.client.close()

    @rule(model=st.sampled_from(MODELS), make_default=st.booleans())
    def attach(self, model: str, make_default: bool) -> None:
        self.client.models.attach(model, make_default=make_default)
        if make_default:
            self.attached = dict.fromkeys(self.attached, False)
        self.attached[model] = make_default or self.attached.get(model, False)

    @rule(model=st.sampled_from(MODELS))
    def detach(self, model: str) -> None:
        if model not in self.attached:
            with pytest.raises(NotFoundError):
                self.client.models.detach(model)
        elif any(model in variants for variants in self.running.values()):
            with pytest.raises(ConflictError, match="running A/B test"):
                self.client.models.detach(model)
        else:
            self.client.models.detach(model)
            del self.attached[model]

    @rule(model=st.sampled_from(MODELS), value=st.booleans())
    def choose(self, model: str, value: bool) -> None:
        """Make a model the default, or no default."""
        if model not in self.attached:
            with pytest.raises(NotFoundError):
                self.client.models.update(model, is_default=value)
            return
        self.client.models.update(model, is_default=value)
        if value:
            self.attached = dict.fromkeys(self.attached, False)
        self.attached[model] = value

    @rule(
        models=st.lists(st.sampled_from(MODELS), min_size=2, max_size=3, unique=True),
        most=st.integers(2, 40),
        auto_deploy=st.booleans(),
    )
    def start(self, models: list[str], most: int, auto_deploy: bool) -> None:
        key = f"test-{uuid4().hex[:12]}"
        given: dict[str, Any] = {"max_feedbacks": most, "auto_deploy": auto_deploy}
        if set(models) <= set(self.attached):
            self.client.ab_tests.create(key, self.key, models, **given)
            self.running[key] = tuple(models)
        else:
            with pytest.raises(NotFoundError):
                self.client.ab_tests.create(key, self.key, models, **given)
            with pytest.raises(NotFoundError):
                self.client.ab_tests.get(key)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), number=st.integers(1, 4))
    def log(self, data: st.DataObject, number: int) -> None:
        test = data.draw(st.sampled_from(sorted(self.running)))
        for _ in range(number):
            model = data.draw(st.sampled_from(self.running[test]))
            made = self.client.interactions.create("x", model=model, prompt="y", ab_campaign=test)
            self.values[made.completion_id] = (test, model, None)

    @precondition(lambda self: self.values)
    @rule(data=st.data(), values=st.lists(st.integers(-3, 3), min_size=1, max_size=6))
    def rate(self, data: st.DataObject, values: list[int]) -> None:
        for value in values:
            id = data.draw(st.sampled_from(sorted(self.values)))
            test, model, _ = self.values[id]
            self.client.feedback.log_metric(value, id, self.key)
            if test in self.running:
                self.values[id] = (test, model, float(value))
                self._may_have_ended(test)

    @precondition(lambda self: self.running or self.ended)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted({**self.running, **self.ended})))
        if key in self.running:
            self.ended[key] = self.client.ab_tests.cancel(key)
            assert self.ended[key].status == "cancelled"
            del self.running[key]
        else:
            with pytest.raises(ConflictError, match="already"):
                self.client.ab_tests.cancel(key)

    def _may_have_ended(self, key: str) -> None:
        """When a test is decided is the statistics' business; what follows from its end is ours."""
        found = self.client.ab_tests.get(key)
        if found.status in RUNNING:
            return
        assert (found.status, found.report.outcome is None) == ("done", False)
        self.ended[key] = found
        del self.running[key]
        winner = found.report.winner
        if found.auto_deploy and winner is not None and winner in self.attached:
            shown = {each.model.key: each.is_default for each in self.client.use_cases.get().model_services}
            if shown[winner]:  # not where somebody has chosen another default meanwhile
                self.attached = {model: model == winner for model in self.attached}

    @invariant()
    def attachments_are_as_they_should_be(self) -> None:
        shown = {each.model.key: each.is_default for each in self.client.use_cases.get().model_services}
        assert shown == self.attached
        assert sum(shown.values()) <= 1

    @invariant()
    def running_tests_count_what_was_said(self) -> None:
        shown = {test.key: test for test in self.client.ab_tests.list()}
        assert set(shown) == {*self.running, *self.ended}
        for key, variants in self.running.items():
            assert shown[key].status in RUNNING
            for variant in shown[key].report.variants:
                mine = [value for test, model, value in self.values.values() if (test, model) == (key, variant.variant)]
                assert variant.variant in variants
                assert (variant.assigned, variant.feedbacks) == (len(mine), sum(value is not None for value in mine))
        assert {key: shown[key] for key in self.ended} == self.ended, "what has ended never changes"

    @invariant()
    def counters_are_those_of_the_log(self) -> None:
        engine = only_reading(self.server.database)
        with engine.connect() as connection:
            recount(Reading(connection, SYSTEM, Clock()))
        engine.dispose()


def test_the_life_of_tests_and_attachments(own: RunningServer, request: pytest.FixtureRequest) -> None:
    Life.server = own
    live(Life, request, STEPS)
