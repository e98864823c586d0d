"""The pages that need no key: the OpenAPI document, and a reader for it that works without a network."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from tropism.server.web.openapi import document
from tropism.wire.api import ENDPOINTS

PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Tropism API</title><link rel="stylesheet" href="/docs/files/swagger-ui.css"></head>
<body>
<div id="reader"></div>
<script src="/docs/files/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
SCRIPT = 'SwaggerUIBundle({url: "/openapi.json", dom_id: "#reader", deepLinking: true, persistAuthorization: true});\n'
# Nothing from elsewhere may run beside a form that takes an api key.
POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"


def _reader() -> Path:
    """The files of Swagger UI. Its package is found without importing it: that would look for other frameworks."""
    spec = find_spec("swagger_ui")
    assert spec is not None, "an extra `server` without swagger-ui-py"
    assert spec.origin is not None
    return Path(spec.origin).parent / "static"


def routes() -> list[BaseRoute]:
    api = msgspec.json.encode(document(ENDPOINTS))

    async def openapi(_: Request) -> Response:
        return Response(api, media_type="application/json")

    async def page(_: Request) -> Response:
        return Response(PAGE, headers={"content-security-policy": POLICY}, media_type="text/html")

    async def script(_: Request) -> Response:
        return Response(SCRIPT, media_type="text/javascript")

    return [
        Route("/openapi.json", openapi),
        Route("/docs", page),
        Route("/docs/start.js", script),
        Mount("/docs/files", StaticFiles(directory=_reader())),
    ]
