"""A real engine with echo models, and the command line in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from tropism import Tropism
from tropism.cli import call
from tropism.testing import RunningServer, run_server


@dataclass(frozen=True)
class Ran:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.out)


Command = Callable[..., Ran]


@pytest.fixture(scope="session")
def engine() -> Iterator[RunningServer]:
    """One engine for all commands: two echo models, a use case `support`, a feedback key and an A/B test."""
    with run_server(echo_models=("echo", "parrot")) as server:
        with Tropism(server.base_url, server.api_key) as client:
            client.use_cases.create("support")
            client.set_default_use_case("support")
            client.models.attach("echo", wait=True, make_default=True)
            client.models.attach("parrot", wait=True)
            client.feedback.register_key("helpful", kind="bool")
            client.feedback.link("helpful")
        yield server


@pytest.fixture
def tropism(engine: RunningServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.setenv("TROPISM_BASE_URL", engine.base_url)
    monkeypatch.setenv("TROPISM_API_KEY", engine.api_key)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: object) -> Ran:
        capfd.readouterr()
        code = call([str(argument) for argument in arguments])
        return Ran(code, *capfd.readouterr())

    return run


@pytest.fixture
def completion_id(engine: RunningServer) -> str:
    """A fresh completion in `support`."""
    with Tropism(engine.base_url, engine.api_key) as client:
        answer = client.chat.create([{"role": "user", "content": "hello"}], model="echo", use_case="support")
    return str(answer.id)
