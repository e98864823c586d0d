"""The web UI: the files of its build, and its one page for every path that is not the API's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from tropism.wire.api import ENDPOINTS

IN_THE_WHEEL = Path(__file__).parent / "built_ui"
IN_A_CHECKOUT = Path(__file__).parents[4] / "ui" / "dist"
NOT_BUILT = (
    "The web UI is not built here. A wheel of Tropism carries it; in a checkout, `make ui` builds it, then start again."
)
NOT_BUILT_PAGE = f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Tropism</title></head>
<body><p>{NOT_BUILT} The API works: <a href="/docs">its reference</a>.</p></body>
</html>
"""
TAKEN = {row.path.split("/")[1] for row in ENDPOINTS} | {"docs", "openapi.json"}
"""First words of paths that are none of the UI's: an unknown one of these is said to be unknown."""

# Scripts come from our files only. Styles may stand in the page: the component kit writes its variables there.
POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SAFE = {"content-security-policy": POLICY, "x-content-type-options": "nosniff", "referrer-policy": "same-origin"}


@dataclass(frozen=True, slots=True)
class Built:
    """One file of the build, and the same packed with gzip if the build has made it."""

    file: Path
    packed: Path | None
    headers: dict[str, str]

    def response(self, accepted: str) -> Response:
        headers = self.headers | {"vary": "accept-encoding"}
        media_type = guess_type(self.file.name)[0]
        if self.packed is not None and "gzip" in accepted:
            return FileResponse(self.packed, headers=headers | {"content-encoding": "gzip"}, media_type=media_type)
        return FileResponse(self.file, headers=headers, media_type=media_type)


class Page(Route):
    """Any path that is not the API's, for reading."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return Match.NONE, {}
        return (Match.NONE, {}) if scope["path"].split("/")[1] in TAKEN else super().matches(scope)


def folder() -> Path | None:
    """Where the built UI is; None if it is not built."""
    return next((each for each in (IN_THE_WHEEL, IN_A_CHECKOUT) if (each / "index.html").is_file()), None)


def routes() -> list[BaseRoute]:
    """Only files that were there at the start are served, by a look at a dict: no path leads anywhere else."""
    root = folder()
    files = dict(_files(root)) if root else {}

    async def page(request: Request) -> Response:
        found = files.get(request.path_params["path"] or "index.html")
        if found is None:
            if "text/html" not in request.headers.get("accept", ""):
                raise HTTPException(404)
            found = files.get("index.html")
        if found is None:
            return HTMLResponse(NOT_BUILT_PAGE, 503, SAFE)
        return found.response(request.headers.get("accept-encoding", ""))

    return [Page("/{path:path}", page)]


def _files(root: Path) -> Iterator[tuple[str, Built]]:
    for file in root.rglob("*"):
        if file.is_file() and file.suffix != ".gz":
            name = file.relative_to(root).as_posix()
            packed = file.with_name(f"{file.name}.gz")
            yield name, Built(file, packed if packed.is_file() else None, SAFE | {"cache-control": _kept(name)})


def _kept(name: str) -> str:
    """What is in `assets` has a hash of its content in its name, and never changes."""
    return "public, max-age=31536000, immutable" if name.startswith("assets/") else "no-cache"
