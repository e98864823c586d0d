"""What the llama.cpp engine does when its process dies, hangs, cannot start, or loses its parent."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tropism.engines.bundled import find
from tropism.engines.llama_cpp import Limits, LlamaCppEngine
from tropism.engines.protocol import (
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    Message,
    ModelSource,
    Prompt,
    State,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

States = list[tuple[State, str | None]]
LIMITS = Limits(start=30, silence=1, health=0.5, restarts=2, first_pause=0.05)


def source(path: Path | None) -> ModelSource:
    return ModelSource(key="m", kind="Generation", path=path, slots=2, context=512)


def ask(text: str = "Hi", **choices: Any) -> Prompt:
    return Prompt(messages=[Message(role="user", content=text)], **choices)


async def text_of(engine: LlamaCppEngine, prompt: Prompt) -> str:
    return "".join([piece.text async for piece in engine.generate(prompt)])


@pytest.fixture(scope="module")
def states() -> States:
    return []


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(smollm2: Path, states: States) -> AsyncIterator[LlamaCppEngine]:
    engine = LlamaCppEngine(source(smollm2), on_state=lambda *state: states.append(state), limits=LIMITS)
    await engine.start()
    yield engine
    await engine.close()


# Dying


async def test_a_process_that_dies_fails_its_requests_and_comes_back(engine: LlamaCppEngine, states: States) -> None:
    states.clear()
    stream = engine.generate(ask("Write a very long story.", stream=True))
    await anext(stream)
    assert engine.pid
    os.kill(engine.pid, signal.SIGKILL)
    with pytest.raises(EngineUnavailable, match="ended before its answer"):
        [piece async for piece in stream]
    assert await text_of(engine, ask(max_tokens=3))
    assert [state for state, _ in states] == ["restarting", "online"]
    assert "SIGKILL" in str(states[0][1])


async def test_requests_that_come_during_a_restart_wait_for_it(engine: LlamaCppEngine) -> None:
    assert engine.pid
    os.kill(engine.pid, signal.SIGSEGV)
    while engine.pid:
        await asyncio.sleep(0.01)
    assert all(await asyncio.gather(*(text_of(engine, ask(max_tokens=3)) for _ in range(4))))


async def test_a_process_that_cannot_start_again_stays_down_with_the_reason(smollm2: Path, tmp_path: Path) -> None:
    states: States = []
    path = tmp_path / "model.gguf"
    path.symlink_to(smollm2)
    engine = LlamaCppEngine(source(path), on_state=lambda *state: states.append(state), limits=LIMITS)
    await engine.start()
    path.unlink()
    assert engine.pid
    os.kill(engine.pid, signal.SIGKILL)
    async with asyncio.timeout(10):
        while not states or states[-1][0] != "error":
            await asyncio.sleep(0.01)
    assert [state for state, _ in states] == ["restarting", "restarting", "error"]
    with pytest.raises(EngineUnavailable, match=r"the model is down: the file 'model\.gguf' cannot be read"):
        await text_of(engine, ask())
    await engine.close()


# Hanging


async def test_a_stopped_process_is_killed_and_replaced(engine: LlamaCppEngine, states: States) -> None:
    states.clear()
    assert engine.pid
    os.kill(engine.pid, signal.SIGSTOP)
    with pytest.raises(EngineTimeout, match="silent for 1 seconds"):
        await text_of(engine, ask())
    assert await text_of(engine, ask(max_tokens=3))
    assert ("restarting", "it hung and was killed") in states


async def test_a_process_that_stops_in_the_middle_of_an_answer_is_killed_too(engine: LlamaCppEngine) -> None:
    stream = engine.generate(ask("Write a very long story.", stream=True))
    await anext(stream)
    assert engine.pid
    os.kill(engine.pid, signal.SIGSTOP)
    with pytest.raises(EngineTimeout):
        [piece async for piece in stream]
    assert await text_of(engine, ask(max_tokens=3))


async def test_a_busy_process_is_not_taken_for_a_hung_one(engine: LlamaCppEngine) -> None:
    before = engine.pid
    # Longer than the allowed silence in all, with requests waiting for their turn.
    await asyncio.gather(*(text_of(engine, ask(f"Count to {n}.", max_tokens=30)) for n in range(8)))
    assert engine.pid == before


# Not starting


async def test_a_missing_file_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"'no\.gguf' cannot be read: No such file"):
        await LlamaCppEngine(source(tmp_path / "no.gguf")).start()


async def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot be read"):
        await LlamaCppEngine(source(tmp_path)).start()


async def test_a_file_that_is_no_gguf_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(EngineError, match=r"'model\.gguf' is not a GGUF file"):
        await LlamaCppEngine(source(tmp_path / "model.gguf")).start()


@pytest.mark.parametrize(
    ("size", "reason"), [(20_000_000, "corrupted or incomplete"), (3_000, "key-value"), (10, "header")]
)
async def test_a_cut_file_is_said_quickly_and_without_our_folders(tmp_path: Path, size: int, reason: str) -> None:
    with find("smollm2-135m-instruct").open("rb") as whole:
        (tmp_path / "model.gguf").write_bytes(whole.read(size))
    begin = time.monotonic()
    with pytest.raises(EngineError, match=reason) as raised:
        await LlamaCppEngine(source(tmp_path / "model.gguf")).start()
    assert time.monotonic() - begin < 5
    assert str(tmp_path) not in str(raised.value)


# The surroundings


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_the_process_learns_no_secret_of_ours(smollm2: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROPISM_SECRET_KEY", "do not tell")
    engine = LlamaCppEngine(source(smollm2))
    await engine.start()
    assert b"do not tell" not in Path(f"/proc/{engine.pid}/environ").read_bytes()
    assert len(Path(f"/proc/{engine.pid}/cmdline").read_bytes().split(b"\0")) == 4
    await engine.close()


async def test_only_we_can_reach_the_process_and_nothing_of_it_stays(
    smollm2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", tempfile.mkdtemp(dir="/tmp"))
    engine = LlamaCppEngine(source(smollm2))
    await engine.start()
    (folder,) = Path(tempfile.gettempdir()).iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    await engine.close()
    assert not folder.exists()
    folder.parent.rmdir()


@pytest.mark.skipif(sys.platform != "linux", reason="stopped processes end with their parent on Linux only")
@pytest.mark.parametrize("stopped", [False, True])
async def test_the_process_ends_with_its_parent(smollm2: Path, stopped: bool) -> None:
    program = f"""
import asyncio, sys
sys.path[:] = {sys.path!r}
from pathlib import Path
from tropism.engines.llama_cpp import LlamaCppEngine
from tropism.engines.protocol import ModelSource

async def main():
    engine = LlamaCppEngine(ModelSource(key="m", kind="Generation", path=Path({str(smollm2)!r}), slots=1))
    await engine.start()
    print(engine.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        if stopped:
            os.kill(pid, signal.SIGSTOP)
        parent.kill()
    async with asyncio.timeout(5):
        while _runs(pid):
            await asyncio.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        # A dead process that nobody has asked about yet is still listed, as a zombie.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
