"""One child process that serves one model with llama.cpp: how it starts, how it is spoken to and why it ended."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp
from yarl import URL

from tropism.engines.children import ending, passed_on, without_folders
from tropism.engines.http_client import HttpClient, Response
from tropism.engines.protocol import EngineError

_URL = URL("http://llama")
_SCRIPT = Path(__file__).with_name("llama_child.py")

_STAMP = re.compile(r"^[\d.]+ [A-Z] +(?:\w{3} +)?(?:\w+: +)*")
_SAYS_NOTHING = (
    *("failed to load model", "exiting due to", "Failed to init server", "trying to fit params"),
    *("please consider", "for example:", "task id ="),
)
_TAIL = 8 * 2**10


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaConfig:
    """What the child is told on its standard input, besides where to listen."""

    model: str
    adapters: list[str]
    embedding: bool
    slots: int
    context: int
    threads: int


class LlamaProcess:
    """Made by `launch`; serves until it dies or is closed."""

    def __init__(self) -> None:
        # A socket's path may have about a hundred characters, and some temporary folders are longer than that.
        where = "/tmp" if len(tempfile.gettempdir()) > 60 else None
        self._folder = Path(tempfile.mkdtemp(prefix="tropism-", dir=where))
        self._tail = b""
        self._process: asyncio.subprocess.Process | None = None
        self._errors: asyncio.Task[None] | None = None
        self._killed_because: str | None = None
        key = secrets.token_urlsafe(32)
        socket = str(self._folder / "llama.sock")
        self._address = {"key": key, "socket": socket}
        # Never kept open: the child spends a thread on every open connection, and a local one costs nothing to make.
        connector = aiohttp.UnixConnector(socket, limit=0, force_close=True)
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._client = HttpClient(connector, headers)
        self.heard = 0.0
        """When it last sent anything about a prompt, by the event loop's clock."""
        self.replaced = asyncio.Event()
        """It is known to be dead, and new requests go elsewhere."""

    @classmethod
    async def launch(cls, config: LlamaConfig, seconds: float) -> LlamaProcess:
        """Start a child and return when it is ready; raise `EngineError` with the reason if it never is."""
        it = cls()
        try:
            await it._start(config)
            async with asyncio.timeout(seconds):
                if not await it._is_ready():
                    raise EngineError(f"the model cannot be loaded: {await it.ended()}")
        except TimeoutError:
            it.kill("it was too slow")
            await it.close()
            raise EngineError(f"the model was not loaded within {seconds:g} seconds") from None
        except BaseException:
            await it.close()
            raise
        return it

    @property
    def pid(self) -> int | None:
        """The process's id, once it has started."""
        return self._process.pid if self._process else None

    async def ask(self, route: str, body: bytes | None, timeout: aiohttp.ClientTimeout) -> Response:
        """Post a body, or get what the route shows. Raises aiohttp's errors."""
        method = "GET" if body is None else "POST"
        return await self._client.request(method, _URL.with_path(route), body or b"", timeout)

    async def ended(self) -> str:
        """Wait until the process is gone, and say why."""
        assert self._process
        assert self._errors
        code = await self._process.wait()
        # Something that inherited standard error could keep it open.
        await asyncio.wait([self._errors], timeout=1)
        return self._killed_because or _reason(code, self._tail.decode(errors="replace"))

    async def is_healthy(self, seconds: float) -> bool:
        """Say whether it answers at all."""
        try:
            async with asyncio.timeout(seconds):
                with await self.ask("/health", None, aiohttp.ClientTimeout()) as response:
                    return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    def kill(self, reason: str) -> None:
        """End it at once."""
        if self._process and self._process.returncode is None:
            self._killed_because = reason
            self._process.kill()

    async def close(self) -> None:
        """Ask it to end, insist if it does not, and free everything."""
        if self._process:
            await self._end(self._process)
        if self._errors:
            self._errors.cancel()
            await asyncio.wait([self._errors])
        await self._client.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _start(self, config: LlamaConfig) -> None:
        # -P keeps this folder off the child's path, where our modules would hide others of the same name. A session
        # of its own keeps a Ctrl-C that is meant for us from reaching it before its requests have ended.
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", str(_SCRIPT)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
            start_new_session=True,
        )
        self._errors = asyncio.create_task(self._read_errors())
        assert self._process.stdin
        # On standard input and not as an argument, since everyone on the machine may read arguments.
        self._process.stdin.write(json.dumps(asdict(config) | self._address).encode() + b"\n")

    async def _is_ready(self) -> bool:
        assert self._process
        assert self._process.stdout
        return await self._process.stdout.readline() == b"ready\n"

    async def _read_errors(self) -> None:
        assert self._process
        assert self._process.stderr
        while part := await self._process.stderr.read(_TAIL):
            self._tail = (self._tail + part)[-_TAIL:]

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin
        process.stdin.close()
        try:
            async with asyncio.timeout(2):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _environment() -> dict[str, str]:
    # Threads that wait by spinning stand still for seconds when another program wants the cores.
    return {"GOMP_SPINCOUNT": "2000", **passed_on("GGML_")}


def _reason(code: int, output: str) -> str:
    lines = dict.fromkeys(without_folders(_STAMP.sub("", line)).strip() for line in output.splitlines())
    telling = [line for line in lines if line and not any(words in line for words in _SAYS_NOTHING)]
    end = ending(code)
    # A signal says enough; where there is none, even a vague line is better than a number.
    said = "; ".join((telling or [line for line in lines if line and not end])[-3:])
    if "libgomp" in said:
        said += " (install the system package libgomp1)"
    return f"{end}: {said}" if said and end else said or end or f"its process ended with code {code}"
