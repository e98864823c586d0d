"""The vLLM engine with a server of its own: what it is started with, its adapters, its deaths, and what is left of it.

The server is a stand-in (vllm_stand_in.py): a process and a socket as with the real one, and no GPU.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.engines.vllm_stand_in import as_program

from tropism.engines.protocol import (
    EngineError,
    EngineRejected,
    EngineUnavailable,
    Message,
    ModelSource,
    Prompt,
    State,
    Usage,
)
from tropism.engines.vllm import VllmEngine
from tropism.engines.vllm_limits import Limits

States = list[tuple[State, str | None]]
LIMITS = Limits(start=30, stop=2, pulse=0.2, health=0.5, silences=2, restarts=3, first_pause=0.05)
Source = Callable[..., ModelSource]


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """A model whose weights nobody reads, on the stand-in."""
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "config.json").write_text("{}")

    def make(*arguments: str, **more: Any) -> ModelSource:
        program = (str(as_program(tmp_path)), *arguments)
        return ModelSource(key="m", kind="Generation", weights=folder, program=program, context=512, **more)

    return make


@pytest.fixture
def states() -> States:
    return []


@pytest_asyncio.fixture
async def engine(source: Source, states: States, tmp_path: Path) -> AsyncIterator[VllmEngine]:
    told = source(adapters=[adapter(tmp_path, "one")])
    engine = VllmEngine(told, on_state=lambda *state: states.append(state), limits=LIMITS)
    await engine.start()
    yield engine
    await engine.close()


def adapter(tmp_path: Path, name: str, rank: int = 8) -> Path:
    """An adapter as a training leaves it: a file for llama.cpp, and beside it a folder in PEFT's format."""
    folder = tmp_path / name / "model"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps({"r": rank}))
    (folder.parent / "adapter.gguf").touch()
    return folder.parent / "adapter.gguf"


def started(source: ModelSource) -> dict[str, Any]:
    """What the server was started with, and its second process."""
    assert source.weights
    told: dict[str, Any] = json.loads((source.weights / "started.json").read_text())
    return told


def runs(pid: int) -> bool:
    try:
        # A dead process that nobody has asked about yet is still listed, as a zombie.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def gone(*pids: int) -> None:
    async with asyncio.timeout(5):
        while any(runs(pid) for pid in pids):
            await asyncio.sleep(0.02)


async def text(engine: VllmEngine, adapter: Path | None = None, said: str = "hello there", **more: Any) -> str:
    prompt = Prompt(messages=[Message(role="user", content=said)], adapter=adapter, **more)
    return "".join([piece.text async for piece in engine.generate(prompt)])


# Answers


@pytest.mark.parametrize("stream", [False, True])
async def test_it_answers_with_the_tokens_that_vllm_counted(engine: VllmEngine, stream: bool) -> None:
    prompt = Prompt(messages=[Message(role="user", content="hello there")], stream=stream, seed=1, stop=["x"])
    pieces = [piece async for piece in engine.generate(prompt)]
    assert "".join(piece.text for piece in pieces) == "base hello there"
    assert (len(pieces) > 3) is stream
    assert [piece.finish_reason for piece in pieces if piece.finish_reason] == ["stop"]
    assert [piece.usage for piece in pieces if piece.usage] == [Usage(prompt_tokens=2, completion_tokens=3)]


async def test_an_embedding_model_makes_vectors(source: Source) -> None:
    told = replace(source(), kind="Embedding")
    engine = VllmEngine(told, limits=LIMITS)
    await engine.start()
    made = await engine.embed(["a", "bcd"])
    await engine.close()
    assert [list(vector) for vector in made.vectors] == [[1.0, 1.0], [3.0, 1.0]]
    assert "--enable-lora" not in started(told)["argv"]


async def test_a_prompt_that_is_too_long_is_refused_in_vllms_words(engine: VllmEngine, states: States) -> None:
    with pytest.raises(EngineRejected, match="maximum context length is 512 tokens"):
        await text(engine, said="x " * 600)
    assert states == []


async def test_the_compute_config_is_what_it_is_started_with(source: Source) -> None:
    told = source("--distributed-executor-backend", "ray", "-pp", "2", devices=8, cache=1000)
    engine = VllmEngine(told, limits=LIMITS)
    await engine.start()
    await engine.close()
    words = started(told)["argv"]
    options = dict(zip(words, words[1:], strict=False))
    assert words[0] == str(told.weights)
    assert options["--tensor-parallel-size"] == "8"
    assert options["--max-model-len"] == "512"
    assert options["--load-format"] == "safetensors"
    assert int(options["--num-gpu-blocks-override"]) * int(options["--block-size"]) >= 1000
    assert words[-4:] == ["--distributed-executor-backend", "ray", "-pp", "2"], "the operator's own come last, and win"


async def test_nobody_else_reaches_the_server(engine: VllmEngine, source: Source) -> None:
    words = started(source())["argv"]
    socket = Path(words[words.index("--uds") + 1])
    assert socket.is_socket()
    assert socket.parent.stat().st_mode & 0o077 == 0
    assert "--port" not in words


# Adapters


async def test_adapters_come_and_go_while_the_server_runs(engine: VllmEngine, tmp_path: Path) -> None:
    one, two, pid = adapter(tmp_path, "one"), adapter(tmp_path, "two"), engine.pid
    assert await text(engine, one) == "one hello there"
    with pytest.raises(EngineRejected, match=r"runs without the adapter 'adapter\.gguf'"):
        await text(engine, two)
    assert await engine.take_adapters([one, two]) == {}
    assert [await text(engine, each) for each in (one, two, None)] == [
        "one hello there",
        "two hello there",
        "base hello there",
    ]
    assert await engine.take_adapters([two]) == {}
    assert await text(engine, two) == "two hello there"
    with pytest.raises(EngineRejected, match="runs without the adapter"):
        await text(engine, one)
    assert engine.pid == pid


async def test_a_refused_adapter_takes_down_nothing_else(engine: VllmEngine, tmp_path: Path) -> None:
    one, wide = adapter(tmp_path, "one"), adapter(tmp_path, "wide", rank=128)
    refused = await engine.take_adapters([one, wide])
    assert refused == {wide: "vLLM did not take the adapter: LoRA rank 128 is greater than max_lora_rank 64."}
    with pytest.raises(EngineUnavailable, match="LoRA rank 128"):
        await text(engine, wide)
    assert await text(engine, one) == "one hello there"
    adapter(tmp_path, "wide", rank=8)
    assert await engine.take_adapters([one, wide]) == {}
    assert await text(engine, wide) == "wide hello there"


# Dying


async def test_a_server_that_dies_comes_back_with_its_adapters(
    engine: VllmEngine, states: States, source: Source, tmp_path: Path
) -> None:
    first, core = engine.pid, started(source())["core"]
    assert first
    stream = engine.generate(Prompt(messages=[Message(role="user", content="x " * 200)], stream=True))
    await anext(stream)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(EngineUnavailable, match="ended before its answer; try again"):
        [piece async for piece in stream]
    assert await text(engine, adapter(tmp_path, "one")) == "one hello there"
    assert [state for state, _ in states] == ["restarting", "online"]
    assert states[0][1] == "its process was ended by SIGKILL, perhaps for lack of memory"
    assert engine.pid != first
    await gone(first, core)


@pytest.mark.parametrize("mood", ["dead", "hangs"])
async def test_a_server_that_is_not_healthy_is_replaced(
    source: Source, states: States, mood: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_STAND_IN", mood)
    engine = VllmEngine(source(), on_state=lambda *state: states.append(state), limits=LIMITS)
    await engine.start()
    assert await text(engine) == "base hello there"
    async with asyncio.timeout(10):
        while ("online", None) not in states:
            await asyncio.sleep(0.05)
    await engine.close()
    assert states[0] == ("restarting", "it did not say that it is healthy, and was ended")


async def test_one_that_keeps_dying_is_given_up(
    engine: VllmEngine, states: States, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_STAND_IN", "no_memory")
    assert engine.pid
    os.kill(engine.pid, signal.SIGKILL)
    async with asyncio.timeout(20):
        while not states or states[-1][0] != "error":
            await asyncio.sleep(0.05)
    assert "No available memory for the cache blocks" in str(states[-1][1])
    with pytest.raises(EngineUnavailable, match="No available memory for the cache blocks"):
        await text(engine)


@pytest.mark.parametrize("stopped", [False, True])
async def test_closing_leaves_no_process(source: Source, stopped: bool) -> None:
    engine = VllmEngine(source(), limits=LIMITS)
    await engine.start()
    pid, core = engine.pid, started(source())["core"]
    assert pid
    if stopped:
        os.kill(pid, signal.SIGSTOP)
    await engine.close()
    await gone(pid, core)
    with pytest.raises(EngineUnavailable, match="it was closed"):
        await text(engine)


async def test_the_server_ends_with_whoever_started_it(source: Source) -> None:
    told = source()
    program = f"""
import asyncio, sys
sys.path[:] = {sys.path!r}
from pathlib import Path
from tropism.engines.protocol import ModelSource
from tropism.engines.vllm import VllmEngine

async def main():
    source = ModelSource(key="m", kind="Generation", weights=Path({str(told.weights)!r}), program={told.program!r})
    engine = VllmEngine(source)
    await engine.start()
    print(engine.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert runs(pid)
        parent.kill()
    await gone(pid, started(told)["core"])


# Not starting


async def refused(source: ModelSource, limits: Limits = LIMITS) -> str:
    engine = VllmEngine(source, limits=limits)
    with pytest.raises(EngineError) as caught:
        await engine.start()
    await engine.close()
    return str(caught.value)


async def test_without_vllm_it_says_how_to_get_it(source: Source) -> None:
    why = await refused(replace(source(), program=("no-such-vllm",)))
    assert "there is no program 'no-such-vllm'" in why
    assert "TROPISM_VLLM" in why


async def test_the_cause_is_found_in_what_vllm_prints(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_STAND_IN", "no_memory")
    assert await refused(source()) == (
        "vLLM cannot serve the model: ValueError: No available memory for the cache blocks. Try increasing "
        "`gpu_memory_utilization` when initializing the engine."
    )


async def test_an_option_that_vllm_does_not_know_is_named(source: Source) -> None:
    assert await refused(source("--no-such-option")) == (
        "vLLM cannot serve the model: vllm serve: error: unrecognized arguments: --no-such-option"
    )


async def test_one_that_is_too_slow_is_ended(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_STAND_IN", "slow")
    told = source()
    assert "did not start within 1.5 seconds" in await refused(told, replace(LIMITS, start=1.5))
    await gone(started(told)["core"])


async def test_a_model_without_safetensors_is_refused(source: Source, tmp_path: Path) -> None:
    assert "there is none of this one" in await refused(replace(source(), weights=None))
    assert "the folder 'lost'" in await refused(replace(source(), weights=tmp_path / "lost"))
