"""A real server for all tests, and a way to call it through either face of the SDK."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Iterator
from operator import attrgetter
from typing import Any
from uuid import uuid4

import pytest

from tropism import AsyncTropism, Tropism
from tropism.testing import RunningServer, run_server
from tropism.testing.database import POSTGRES

ECHOES = ("echo-a", "echo-b", "echo-c")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--postgres", action="store_true", help="keep everything in PostgreSQL instead of SQLite")
    parser.addoption("--times", type=int, default=2, help="how often tests/torture kills an engine")
    parser.addoption("--seed", type=int, default=20, help="of the dice of tests/torture")


@pytest.fixture(scope="session", autouse=True)
def database_server(request: pytest.FixtureRequest) -> Iterator[None]:
    """With `--postgres`, a PostgreSQL server for the whole run, on which every test server has its own database."""
    if not request.config.getoption("postgres") or POSTGRES in os.environ:
        yield
        return
    from tests.postgres import postgres_server

    with postgres_server() as url:
        os.environ[POSTGRES] = url
        yield
        del os.environ[POSTGRES]


@pytest.fixture(autouse=True)
def _sqlite_only(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("postgres") and request.node.get_closest_marker("sqlite"):
        pytest.skip("looks into the SQLite file itself")


@pytest.fixture(scope="session")
def server() -> Iterator[RunningServer]:
    """One server for the whole run, with three echo models."""
    with run_server(echo_models=ECHOES) as running:
        yield running


@pytest.fixture
def client(server: RunningServer) -> Iterator[Tropism]:
    """A client without a default use case."""
    with Tropism(server.base_url, server.api_key) as client:
        yield client


@pytest.fixture
def use_case(client: Tropism) -> str:
    """A fresh use case, with `echo-a` as default, `echo-b` attached, and the keys of this use case linked.

    `{use_case}-stars` is a scalar key, `{use_case}-thumbs` a bool key.
    """
    key = f"case-{uuid4().hex[:12]}"
    client.use_cases.create(key, team="default")  # other tests put the admin into more teams
    client.models.attach("echo-a", make_default=True, wait=True, use_case=key)
    client.models.attach("echo-b", wait=True, use_case=key)
    for name, kind in (("stars", "scalar"), ("thumbs", "bool")):
        client.feedback.register_key(f"{key}-{name}", kind=kind)  # type: ignore[arg-type]
        client.feedback.link(f"{key}-{name}", use_case=key)
    return key


class Both:
    """Calls `resource.method` on the sync or the async client, so that one test covers both faces."""

    def __init__(self, client: Any, runner: asyncio.Runner) -> None:
        self._client, self._runner = client, runner

    def __call__(self, operation: str, *args: Any, **kwargs: Any) -> Any:
        return self.wait(attrgetter(operation)(self._client)(*args, **kwargs))

    def wait(self, result: Any) -> Any:
        return self._runner.run(result) if inspect.iscoroutine(result) else result

    def items(self, stream: Any) -> list[Any]:
        """Everything that a stream gives."""

        async def collect() -> list[Any]:
            return [item async for item in stream]

        return self._runner.run(collect()) if hasattr(stream, "__aiter__") else list(stream)

    def first(self, stream: Any) -> Any:
        """The first thing that a stream gives; then it is closed."""

        async def take() -> Any:
            async with stream:
                return await anext(aiter(stream))

        if hasattr(stream, "__aiter__"):
            return self._runner.run(take())
        with stream:
            return next(iter(stream))


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest, server: RunningServer) -> Iterator[Both]:
    """Call operations through the sync client, then through the async one."""
    with asyncio.Runner() as runner:
        if request.param == "sync":
            with Tropism(server.base_url, server.api_key) as client:
                yield Both(client, runner)
        else:
            aclient = AsyncTropism(server.base_url, server.api_key)
            yield Both(aclient, runner)
            runner.run(aclient.close())
