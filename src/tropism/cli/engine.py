"""The options that every command shares: which engine, whose key, which use case, and how to print."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from cyclopts import Group, Parameter

from tropism.sdk.client import Tropism
from tropism.sdk.errors import TropismError

DEFAULT_URL = "http://127.0.0.1:8080"
KEY_OF_LOCAL_ENGINE = Path(".tropism/admin.key")
OPTIONS = Group("Engine and output", sort_key=100)

UseCase = Annotated[
    str, Parameter(name=["--use-case", "-u"], env_var="TROPISM_USE_CASE", help="The use case's key or id.")
]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Engine:
    """The engine to talk to, and how to print what it says."""

    base_url: Annotated[str, Parameter(env_var="TROPISM_BASE_URL", group=OPTIONS)] = DEFAULT_URL
    """Where the engine is."""
    api_key: Annotated[str | None, Parameter(env_var="TROPISM_API_KEY", group=OPTIONS)] = None
    """Your key; on the engine's own machine, the admin's is found in `.tropism`."""
    json: Annotated[bool, Parameter(name="--json", negative="", group=OPTIONS, show_default=False)] = False
    """Print JSON."""

    def client(self) -> Tropism:
        return Tropism(self.base_url or DEFAULT_URL, self.api_key or self._key_of_local_engine())

    def is_local(self) -> bool:
        return urlsplit(self.base_url or DEFAULT_URL).hostname in ("localhost", "127.0.0.1", "::1")

    def _key_of_local_engine(self) -> str:
        # An admin's key goes to the engine that made it, never to another machine.
        if self.is_local() and KEY_OF_LOCAL_ENGINE.is_file():
            return KEY_OF_LOCAL_ENGINE.read_text().strip()
        raise TropismError(
            f"No api key. Give --api-key, set TROPISM_API_KEY, or be where a local engine keeps {KEY_OF_LOCAL_ENGINE}."
        )


DEFAULT = Engine()
