"""Hypothesis changes variants, goes back, and tests them; a list of versions says what each must be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.torture.machines import live

from tropism import ConflictError, NotFoundError, Tropism, UnprocessableEntityError
from tropism.testing import RunningServer, run_server

STEPS = 20
PROMPTS = st.sampled_from(["Be brief.", "Be kind to {{ name }}.", "{% if vip %}Bow.{% endif %}", "", "{{ 1 + 1 }}"])
PARAMETERS = st.sampled_from([{}, {"temperature": 0.5}, {"temperature": 0.5, "max_tokens": 3}])
HELLO = [{"role": "user", "content": "one two three four five"}]
Version = tuple[str | None, dict[str, Any], int | None]


@pytest.fixture
def own() -> Iterator[RunningServer]:
    with run_server(echo_models=("echo",)) as server:
        yield server


class Variants(RuleBasedStateMachine):
    """Two variants of one model, in a use case of their own: the first is its default."""

    server: RunningServer

    def __init__(self) -> None:
        super().__init__()
        self.client = Tropism(self.server.base_url, self.server.api_key)
        unique = uuid4().hex[:12]
        self.client.use_cases.create(f"case-{unique}")
        self.client.set_default_use_case(f"case-{unique}")
        self.client.feedback.register_key(f"key-{unique}")
        self.client.feedback.link(f"key-{unique}")
        self.key, self.default = f"key-{unique}", f"v0-{unique}"
        self.test: str | None = None
        self.versions: dict[str, list[Version]] = {}
        for key in (self.default, f"v1-{unique}"):
            self.client.models.add_variant("echo", key, system_prompt="Be brief.")
            self.client.models.attach(key, make_default=key == self.default, wait=True)
            self.versions[key] = [("Be brief.", {}, None)]

    def teardown(self) -> None:
        self.client.close()

    def _key(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.versions)))

    def _changed(self, key: str, new: Version, change: Any) -> None:
        """A change is refused while a test runs, and where it changes nothing; else it is the next version."""
        if self.test is not None or new[:2] == self.versions[key][-1][:2]:
            with pytest.raises(ConflictError):
                change()
        else:
            self.versions[key].append(new)
            assert change().version == len(self.versions[key])

    @rule(data=st.data(), text=PROMPTS)
    def rewrite(self, data: st.DataObject, text: str) -> None:
        key = self._key(data)
        if "1 + 1" in text:
            with pytest.raises(UnprocessableEntityError, match="no template that can be used"):
                self.client.models.update_variant(key, system_prompt=text)
            return
        new = (text or None, self.versions[key][-1][1], None)
        self._changed(key, new, lambda: self.client.models.update_variant(key, system_prompt=text))

    @rule(data=st.data(), parameters=PARAMETERS)
    def tune(self, data: st.DataObject, parameters: Any) -> None:
        key = self._key(data)
        new = (self.versions[key][-1][0], parameters, None)
        self._changed(key, new, lambda: self.client.models.update_variant(key, parameters=parameters))

    @rule(data=st.data(), number=st.integers(1, 8))
    def go_back(self, data: st.DataObject, number: int) -> None:
        key = self._key(data)
        if number > len(self.versions[key]):
            with pytest.raises((NotFoundError, ConflictError)):
                self.client.models.roll_back(key, number)
            return
        text, parameters, _ = self.versions[key][number - 1]
        self._changed(key, (text, parameters, number), lambda: self.client.models.roll_back(key, number))

    @rule(data=st.data())
    def choose(self, data: st.DataObject) -> None:
        self.default = self._key(data)
        self.client.models.update(self.default, is_default=True)

    @precondition(lambda self: self.test is None)
    @rule()
    def start(self) -> None:
        self.test = f"test-{uuid4().hex[:12]}"
        self.client.ab_tests.create(self.test, self.key, sorted(self.versions), 0.0)

    @precondition(lambda self: self.test is not None)
    @rule()
    def cancel(self) -> None:
        assert self.test is not None
        self.client.ab_tests.cancel(self.test)
        self.test = None

    @rule(data=st.data(), is_named=st.booleans(), args=st.sampled_from([None, {"name": "Ada"}, {"vip": True}]))
    def ask(self, data: st.DataObject, is_named: bool, args: Any) -> None:
        key = self._key(data) if is_named else self.default
        text, parameters, _ = self.versions[key][-1]
        wants = {gap for gap in ("name", "vip") if f" {gap} " in (text or "")}
        call = {"model": key if is_named else None, "system_prompt_args": args}
        if wants - set(args or {}):
            with pytest.raises(UnprocessableEntityError, match="is undefined"):
                self.client.chat.create(HELLO, **call)
            return
        choice = self.client.chat.create(HELLO, **call).choices[0]
        logged = self.client.interactions.get(choice.completion_id)
        assert (logged.model, logged.model_version) == (key, len(self.versions[key]))
        assert logged.parameters.temperature == parameters.get("temperature")
        assert logged.completion == ("one two three" if "max_tokens" in parameters else HELLO[0]["content"])

    @invariant()
    def versions_are_as_they_were_made(self) -> None:
        for key, expected in self.versions.items():
            shown = self.client.models.versions(key)
            assert [(it.version, it.system_prompt, it.restored) for it in shown] == [
                (number, text, restored) for number, (text, _, restored) in reversed([*enumerate(expected, 1)])
            ]
            now = self.client.models.get(key)
            assert (now.version, now.system_prompt) == (len(expected), expected[-1][0])
            assert (now.parameters and now.parameters.temperature) == expected[-1][1].get("temperature")


def test_the_life_of_variants(own: RunningServer, request: pytest.FixtureRequest) -> None:
    Variants.server = own
    live(Variants, request, STEPS)
