"""The vLLM engine with a server that somebody else has started: found, used, watched, and left alone."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.engines import vllm_stand_in
from tests.engines.test_vllm import LIMITS, States, adapter, refused, text

from tropism.egress.policy import allowing
from tropism.engines.protocol import EngineUnavailable, ModelSource
from tropism.engines.vllm import VllmEngine

KEY = "sk-of-the-server"
DYNAMIC = {"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True"}


class Elsewhere:
    """A server on a port, which can be started anew."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str, **environment: str) -> None:
        words = ["serve", str(self._folder), "--port", str(self.port), "--api-key", KEY, "--enable-lora", *options]
        command = [sys.executable, vllm_stand_in.__file__, *words]
        self._process = subprocess.Popen(command, env={**os.environ, **(environment or DYNAMIC)})
        for _ in range(200):
            if self.is_healthy():
                return
            time.sleep(0.05)
        raise TimeoutError

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()

    def is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health") as answer:
                return bool(answer.status == 200)
        except urllib.error.URLError:
            return False

    def ask(self, route: str, body: Any = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{route}", data)
        request.add_header("Authorization", f"Bearer {KEY}")
        with urllib.request.urlopen(request) as answer:
            said = answer.read().decode()
            return json.loads(said) if said.startswith("{") else said

    @property
    def models(self) -> list[str]:
        return [card["id"] for card in self.ask("/v1/models")["data"]]


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Elsewhere]:
    server = Elsewhere(tmp_path)
    yield server
    server.stop()


def source(there: Elsewhere, **more: Any) -> ModelSource:
    given = {"endpoint": f"http://127.0.0.1:{there.port}/v1", "api_key": KEY, "context": 512, **more}
    return ModelSource(key="m", kind="Generation", **given)


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
async def test_it_is_found_however_its_url_is_written(there: Elsewhere, path: str) -> None:
    there.start()
    engine = VllmEngine(source(there, endpoint=f"http://127.0.0.1:{there.port}{path}"), limits=LIMITS)
    await engine.start()
    assert (await text(engine)).endswith(" hello there")
    await engine.close()
    assert there.is_healthy(), "it is not ours to end"


async def test_its_adapters_are_ours_and_those_of_others(there: Elsewhere, tmp_path: Path) -> None:
    there.start("--served-model-name", "llama")
    theirs = {"lora_name": "theirs", "lora_path": str(adapter(tmp_path, "theirs").parent / "model")}
    there.ask("/v1/load_lora_adapter", theirs)
    one, two = adapter(tmp_path, "one"), adapter(tmp_path, "two")
    engine = VllmEngine(source(there, adapters=[one]), limits=LIMITS)
    await engine.start()
    assert await text(engine, one) == "one hello there"
    assert len(there.models) == 3
    assert await engine.take_adapters([two]) == {}
    assert await text(engine, two) == "two hello there"
    assert len(there.models) == 3
    another = VllmEngine(source(there, adapters=[two]), limits=LIMITS)
    await another.start()  # which finds it loaded
    assert await text(another, two) == "two hello there"
    await another.close()
    await engine.close()
    assert len(there.models) == 3, "another engine may use them"
    assert "theirs" in there.models


async def test_a_server_that_was_started_anew_gets_its_adapters_again(there: Elsewhere, tmp_path: Path) -> None:
    there.start()
    one, states = adapter(tmp_path, "one"), States()
    engine = VllmEngine(
        source(there, adapters=[one]), on_state=lambda *state: states.append(state), limits=replace(LIMITS, pulse=60)
    )
    await engine.start()
    there.stop()
    there.start()
    with pytest.raises(EngineUnavailable, match="was started anew; try again"):
        await text(engine, one)
    assert await text(engine, one) == "one hello there"
    assert [state for state, _ in states] == ["restarting", "online"]
    await engine.close()


async def test_a_server_that_is_away_is_waited_for(there: Elsewhere) -> None:
    there.start()
    states = States()
    engine = VllmEngine(source(there), on_state=lambda *state: states.append(state), limits=LIMITS)
    await engine.start()
    there.stop()
    async with asyncio.timeout(10):
        while len(states) < LIMITS.restarts + 3:  # more often than it would try a process of ours
            await asyncio.sleep(0.05)
    assert {state for state, _ in states} == {"restarting"}
    assert "cannot be reached" in str(states[-1][1])
    there.start()
    async with asyncio.timeout(10):
        while states[-1] != ("online", None):
            await asyncio.sleep(0.05)
    assert (await text(engine)).endswith(" hello there")
    await engine.close()


async def test_what_is_wrong_with_it_is_said(there: Elsewhere, tmp_path: Path) -> None:
    assert "cannot be reached" in await refused(source(there))
    there.start("--served-model-name", "llama", "qwen", "--max-model-len", "256")
    assert "refused the API key" in await refused(source(there, api_key="wrong"))
    assert "serves 'llama', 'qwen'; give compute_config the `served_name`" in await refused(source(there))
    named = source(there, external_model_id="qwen")
    assert "reads 256 tokens at most, and `max_seq_len` is 512" in await refused(named)
    assert "not allowed" in await refused(replace(named, egress=allowing(("public",))))
    engine = VllmEngine(replace(named, context=256), limits=LIMITS)
    await engine.start()
    assert await text(engine) == "qwen hello there"
    await engine.close()


async def test_one_that_loads_no_adapters_still_answers_as_the_base(there: Elsewhere, tmp_path: Path) -> None:
    there.start(VLLM_LOGGING_LEVEL="INFO")
    one = adapter(tmp_path, "one")
    engine = VllmEngine(source(there, adapters=[one]), limits=LIMITS)
    await engine.start()
    with pytest.raises(EngineUnavailable, match="start it with VLLM_ALLOW_RUNTIME_LORA_UPDATING=True"):
        await text(engine, one)
    assert (await text(engine)).endswith(" hello there")
    await engine.close()
