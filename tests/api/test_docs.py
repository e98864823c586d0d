"""The docs page: all that it needs comes from this server."""

from __future__ import annotations

import re

import httpx2


def test_every_file_of_the_page_is_served(anyone: httpx2.Client) -> None:
    page = anyone.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    files = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert any(file.endswith(".css") for file in files)
    assert sum(file.endswith(".js") for file in files) >= 2
    for file in files:
        answer = anyone.get(file)
        assert answer.status_code == 200, file
        assert {"css": "text/css", "js": "text/javascript"}[file.rpartition(".")[2]] in answer.headers["content-type"]
        assert answer.content
    started = anyone.get("/docs/start.js").text
    assert "/openapi.json" in started
    assert anyone.get("/openapi.json").headers["content-type"] == "application/json"


def test_nothing_from_elsewhere_may_run_beside_a_key(anyone: httpx2.Client) -> None:
    page = anyone.get("/docs")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert not re.search(r"https?://", page.text)
