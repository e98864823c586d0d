"""The guard before the models of outside providers: when one is registered, and when it is asked."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from tests.chat.upstream import run_upstream

import tropism
from tropism import AsyncTropism, Tropism
from tropism.egress.policy import allowing
from tropism.engines.openai import custom
from tropism.engines.protocol import EngineError, Message, ModelSource, Prompt
from tropism.server.processes.run import running
from tropism.server.settings import Settings
from tropism.testing import run_server

HELLO = Prompt(messages=[Message(role="user", content="Hi")])


def source(endpoint: str) -> ModelSource:
    return ModelSource(
        key="m", kind="Generation", endpoint=endpoint, external_model_id="m", egress=allowing(["public"])
    )


@pytest.mark.parametrize(
    "endpoint", ["http://169.254.169.254/v1", "http://0x7f.1/v1", "http://[::ffff:10.0.0.1]/v1", "http://a:b@c/v1"]
)
def test_a_model_inside_is_not_registered(client: Tropism, endpoint: str) -> None:
    with pytest.raises(tropism.UnprocessableEntityError) as caught:
        client.models.add_external("inside", "m", "no key", "custom", endpoint=endpoint, key="inside")
    assert caught.value.param == "endpoint"
    assert "inside" not in [model.key for model in client.models.list()]


def test_a_model_on_this_machine_is_one_by_default() -> None:
    with run_upstream() as upstream, run_server() as server, Tropism(server.base_url, server.api_key) as client:
        client.models.add_external("local", "m", "no key", "custom", endpoint=upstream.url, key="local")
        assert client.models.deploy("local", wait=True).online == "ONLINE"


async def test_a_model_on_this_machine_is_none_where_the_operator_says_so(tmp_path: Path) -> None:
    settings = Settings(
        data=tmp_path, port=0, admin_api_key="tk_x", bundled_models=False, egress_allow=("public",), drain_seconds=1
    )
    async with running(settings) as url, AsyncTropism(url, "tk_x") as client:
        with pytest.raises(tropism.UnprocessableEntityError, match="loopback address.*TROPISM_EGRESS_ALLOW"):
            await client.models.add_external("local", "m", "no key", "custom", endpoint="http://127.0.0.1:11434/v1")


async def test_an_engine_does_not_start_inside() -> None:
    with pytest.raises(EngineError, match="is not allowed: '10.0.0.1' leads to a private address"):
        await custom(source("http://10.0.0.1/v1")).start()


async def test_an_engine_does_not_connect_inside_by_a_name() -> None:
    try:
        socket.getaddrinfo(socket.gethostname(), 80)
    except OSError:
        pytest.skip("this machine's name is not known to itself")
    engine = custom(source(f"http://{socket.gethostname()}:9/v1"))
    await engine.start()
    with pytest.raises(EngineError, match="is not allowed: .* leads to a (loopback|private|link-local) address"):
        async for _ in engine.generate(HELLO):
            pass
    await engine.close()
