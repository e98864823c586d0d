"""A small hub, and a server that downloads from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tropism.testing import RunningServer, run_server

from . import tiny
from .hub import Repository, SmallHub, run_hub

NAME = "acme/tiny"
TOKEN = "hf_a-token-that-nobody-may-read"
SECONDS = 900.0


@pytest.fixture(scope="session")
def hub() -> Iterator[SmallHub]:
    """A hub without repositories."""
    with run_hub() as hub:
        yield hub


@pytest.fixture(scope="session")
def server(hub: SmallHub) -> Iterator[RunningServer]:
    """A server of these tests alone: it knows the hub."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", hub.url)
        with run_server(echo_models=["echo-a", "echo-b"]) as running:
            yield running


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose weights are in two files."""
    return tiny.make_folder(tmp_path_factory.mktemp("tiny"), parts=2)


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of 25 MiB in one file, as the client writes ten at once."""
    return tiny.make_folder(tmp_path_factory.mktemp("large"), width=512, layers=4, dtype="F32")


@pytest.fixture
def repository(hub: SmallHub, folder: Path) -> Repository:
    """The small model as `acme/tiny`, fresh for each test."""
    hub.requests.clear()
    hub.sent = 0
    hub.repositories = {NAME: Repository(folder)}
    return hub.repositories[NAME]


@pytest.fixture
def key() -> str:
    """A key for a new model."""
    return f"model-{uuid4().hex[:12]}"
