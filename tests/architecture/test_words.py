"""Take a word of the API and you know its places: wire, sdk, the server's domain, its tests."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import tropism.resources
from tropism import AsyncTropism, Tropism
from tropism.wire.api import ENDPOINTS
from tropism.wire.endpoint import Endpoint

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "tropism"
WIRE = sorted(path.stem for path in (PACKAGE / "wire").glob("*.py"))


def _rows(word: str) -> list[object]:
    module = __import__(f"tropism.wire.{word}", fromlist=["*"])
    return [value for value in vars(module).values() if isinstance(value, Endpoint)]


WORDS = [word for word in WIRE if _rows(word)]

WITHOUT_SDK = {"health", "metrics", "openai", "otlp"}
"""Health and figures are asked by machines that watch; OpenAI's and OpenTelemetry's shapes have their own clients."""
SERVED_BY = {"embeddings": "chat", "openai": "chat"}
"""Two shapes of the same exchange with an engine live in one domain."""
TESTED_IN = {"health": "api"}
"""Health concerns no domain, and is tested with the routes."""


def test_there_are_words() -> None:
    assert len(WORDS) >= 10


def test_every_row_is_in_the_table() -> None:
    missing = [word for word in WORDS if any(row not in ENDPOINTS for row in _rows(word))]
    assert not missing, "wire/api.py lists every endpoint"


@pytest.mark.parametrize("word", [word for word in WORDS if word not in WITHOUT_SDK])
def test_a_word_has_its_file_in_the_sdk(word: str) -> None:
    assert (PACKAGE / "sdk" / f"{word}.py").is_file()


@pytest.mark.parametrize("word", WORDS)
def test_a_word_has_its_domain(word: str) -> None:
    domain = PACKAGE / "server" / "domains" / SERVED_BY.get(word, word)
    assert (domain / "routes.py").is_file()


@pytest.mark.parametrize("word", sorted({SERVED_BY.get(word, word) for word in WORDS}))
def test_a_word_has_its_tests(word: str) -> None:
    folder = ROOT / "tests" / TESTED_IN.get(word, word)
    assert list(folder.glob("test_*.py")), f"{folder.name}/ holds no test"


def test_every_domain_is_a_word() -> None:
    domains = {path.parent.name for path in (PACKAGE / "server" / "domains").glob("*/__init__.py")}
    assert domains == {SERVED_BY.get(word, word) for word in WORDS}


@pytest.mark.parametrize("client", [Tropism, AsyncTropism])
def test_every_resource_of_a_client_has_a_public_name(client: type[Tropism] | type[AsyncTropism]) -> None:
    with_key = client("http://127.0.0.1:1", "tk_nobody")
    public = {getattr(tropism.resources, name) for name in tropism.resources.__all__}
    resources = {type(value) for name, value in vars(with_key).items() if not name.startswith("_")}
    assert resources
    assert resources <= public


def test_resources_are_documented_classes() -> None:
    for name in tropism.resources.__all__:
        assert inspect.getdoc(getattr(tropism.resources, name)), f"{name} has no docstring"
