"""What we ask of a vLLM server besides answers: whether it is well, what it serves, and to take or leave adapters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from tropism.egress.guard import checked_url, connector
from tropism.egress.policy import Egress, EgressRefused
from tropism.engines.openai_wire import error_message, shorten
from tropism.engines.protocol import EngineError, EngineUnavailable
from tropism.engines.provider_errors import network_error

_LONGEST = 4 * 2**20
_NO_ROUTE = "it loads no adapters at run time; start it with VLLM_ALLOW_RUNTIME_LORA_UPDATING=True and --enable-lora"


class Card(msgspec.Struct, frozen=True):
    """A model that the server has. An adapter names its base as `parent`."""

    id: str
    parent: str | None = None
    max_model_len: int | None = None


class _Cards(msgspec.Struct, frozen=True):
    data: list[Card]


_read_cards = msgspec.json.Decoder(_Cards).decode


class VllmHttp:
    """One server, by its root URL; its OpenAI routes are below `/v1`."""

    def __init__(self, root: URL, key: str, connections: aiohttp.BaseConnector) -> None:
        self._root = root
        headers = {"Content-Type": "application/json", "User-Agent": "tropism"}
        headers |= {"Authorization": f"Bearer {key}"} if key else {}
        self._session = aiohttp.ClientSession(
            connector=connections, headers=headers, cookie_jar=aiohttp.DummyCookieJar()
        )

    @classmethod
    def at_socket(cls, socket: Path, key: str) -> VllmHttp:
        """A server of ours."""
        return cls(URL("http://vllm"), key, aiohttp.UnixConnector(str(socket), limit=0))

    @classmethod
    def at_url(cls, url: str, key: str, egress: Egress) -> VllmHttp:
        """A server elsewhere. Its URL may be written with or without `/v1`."""
        try:
            parsed = checked_url(url, egress)
        except EgressRefused as error:
            raise EngineError(f"the vLLM server's URL is not allowed: {error.strerror}") from None
        except ValueError as error:
            raise EngineError(f"the vLLM server's URL: {error}") from None
        return cls(root_of(parsed), key, connector(parsed, egress, ttl_dns_cache=60))

    @property
    def base_url(self) -> str:
        """What an engine for OpenAI's wire takes as its endpoint."""
        return str(self._root / "v1")

    async def close(self) -> None:
        await self._session.close()

    async def is_healthy(self, seconds: float) -> bool:
        """Say whether it answers and says that it works."""
        try:
            status, _ = await self._ask("GET", "health", seconds=seconds)
        except EngineError:
            return False
        return status == 200

    async def models(self, seconds: float) -> Sequence[Card]:
        """What it serves, adapters included."""
        status, body = await self._ask("GET", "v1/models", seconds=seconds)
        if status in (401, 403):
            raise EngineError(f"the vLLM server refused the API key (status {status})")
        try:
            assert status == 200
            return _read_cards(body).data
        except (AssertionError, msgspec.DecodeError):
            raise EngineError(f"what is at the URL is no vLLM server: GET /v1/models answered {status}") from None

    async def load(self, name: str, folder: str, seconds: float) -> str | None:
        """Have it load an adapter from a folder that it sees; return why not."""
        told = {"lora_name": name, "lora_path": folder}
        status, body = await self._ask("POST", "v1/load_lora_adapter", told, seconds=seconds)
        return None if status == 200 else _refusal(status, body)

    async def unload(self, name: str, seconds: float) -> str | None:
        """Have it forget an adapter; return why not."""
        status, body = await self._ask("POST", "v1/unload_lora_adapter", {"lora_name": name}, seconds=seconds)
        return None if status == 200 else _refusal(status, body)

    async def _ask(
        self, method: str, route: str, body: Mapping[str, Any] | None = None, *, seconds: float
    ) -> tuple[int, bytes]:
        timeout = aiohttp.ClientTimeout(total=seconds)
        data = msgspec.json.encode(body) if body is not None else None
        request = self._session.request(method, self._root / route, data=data, timeout=timeout, allow_redirects=False)
        try:
            async with request as response:
                return response.status, await response.content.read(_LONGEST)
        except aiohttp.ClientError as error:
            raise network_error(error) from error
        except TimeoutError:
            raise EngineUnavailable(f"the vLLM server did not answer within {seconds:g} seconds") from None


def root_of(url: URL) -> URL:
    """The URL below which `health` and `v1` are."""
    path = url.path.rstrip("/").removesuffix("/v1")
    return url.with_path(path or "/").with_query(None)


def _refusal(status: int, body: bytes) -> str:
    said = error_message(body)
    if status in (404, 405) and said in ("Not Found", "Method Not Allowed"):
        return _NO_ROUTE
    return shorten(said) or f"it answered {status}"
