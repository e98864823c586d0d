"""One `vllm serve` process of ours: how it starts, how it is seen to be well, and why it ended."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from tropism.engines.children import passed_on
from tropism.engines.protocol import EngineError, ModelSource
from tropism.engines.vllm_command import command
from tropism.engines.vllm_http import VllmHttp
from tropism.engines.vllm_limits import Limits
from tropism.engines.vllm_output import reason

_SCRIPT = Path(__file__).with_name("vllm_child.py")
_TAIL = 64 * 2**10
_LOOK_SECONDS = 0.2
_PASSED_ON = ("VLLM_", "NCCL_", "RAY_", "TORCH", "TRITON_", "XDG_CACHE_HOME", "GLOO_", "MKL_")


class VllmProcess:
    """Made by `launch`. It listens on a unix socket in a folder of ours, since some of vLLM's routes ask for no key."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        where = "/tmp" if len(tempfile.gettempdir()) > 60 else None
        self._home = Path(tempfile.mkdtemp(prefix="tropism-", dir=where))
        self.socket = self._home / "vllm.sock"
        self.key = secrets.token_urlsafe(32)
        self.http = VllmHttp.at_socket(self.socket, self.key)
        self.pid: int | None = None
        self._child: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._tail = b""
        self._killed_because: str | None = None

    @classmethod
    async def launch(cls, source: ModelSource, limits: Limits) -> VllmProcess:
        """Start it and return when it answers; raise `EngineError` with the reason if it never does."""
        it = cls(limits)
        try:
            await it._start(command(source, it.socket))
            async with asyncio.timeout(limits.start):
                await it._until_it_answers()
        except TimeoutError:
            await it.close()
            raise EngineError(f"vLLM did not start within {limits.start:g} seconds") from None
        except BaseException:
            await it.close()
            raise
        it._tasks.append(asyncio.create_task(it._watch()))
        return it

    async def ended(self) -> str:
        """Wait until it is gone, and say why."""
        assert self._child
        assert self._child.stdout
        said = await self._child.stdout.readline()
        await self._child.wait()
        await asyncio.wait(self._tasks[:1], timeout=1)  # the rest of its output
        code = int(said) if said.strip() else -signal.SIGKILL
        return self._killed_because or reason(code, self._tail.decode(errors="replace"))

    async def close(self) -> None:
        """Ask it to end, insist if it does not, and leave no process of it."""
        if self._child:
            assert self._child.stdin
            self._child.stdin.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._limits.stop + 2):
                    await self._child.wait()
            self._kill()
            await self._child.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.http.close()
        shutil.rmtree(self._home, ignore_errors=True)

    async def _start(self, arguments: list[str]) -> None:
        pipe = asyncio.subprocess.PIPE
        self._child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", str(_SCRIPT)),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            env=self._environment(),
            start_new_session=True,  # which makes it the leader of a process group, too
        )
        self._tasks.append(asyncio.create_task(self._read_output()))
        assert self._child.stdin
        assert self._child.stdout
        told = {"command": arguments, "seconds": self._limits.stop}
        self._child.stdin.write(json.dumps(told).encode() + b"\n")
        self.pid = int(await self._child.stdout.readline() or 0) or None

    def _environment(self) -> dict[str, str]:
        ours = {"VLLM_API_KEY": self.key, "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True"}
        quiet = {"VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"}
        return passed_on(*_PASSED_ON) | quiet | ours

    async def _until_it_answers(self) -> None:
        ended = asyncio.create_task(self.ended())
        try:
            while not await self.http.is_healthy(self._limits.health):
                await asyncio.wait([ended], timeout=_LOOK_SECONDS)
                if ended.done():
                    raise EngineError(f"vLLM cannot serve the model: {ended.result()}")
        finally:
            ended.cancel()

    async def _watch(self) -> None:
        """A server that says it is broken, or says nothing, is ended; whoever waits for that starts another."""
        silent = 0
        while silent < self._limits.silences:
            await asyncio.sleep(self._limits.pulse)
            silent = 0 if await self.http.is_healthy(self._limits.health) else silent + 1
        self._killed_because = "it did not say that it is healthy, and was ended"
        self._kill()

    async def _read_output(self) -> None:
        assert self._child
        assert self._child.stderr
        while part := await self._child.stderr.read(_TAIL):
            self._tail = (self._tail + part)[-_TAIL:]

    def _kill(self) -> None:
        assert self._child
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
