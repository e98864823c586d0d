"""The demo that trains says at once what it is missing. That it trains is tested in tests/training."""

from __future__ import annotations

import pytest
from tests.cli.conftest import Command

from tropism.trainers import protocol


@pytest.mark.skipif(not protocol.missing_packages(), reason="the extra `train` is installed")
def test_without_the_extra_the_demo_says_what_to_install(tropism: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TROPISM_BASE_URL")  # with an engine elsewhere, its worker says so
    ran = tropism("demo", "--train")
    assert ran.code == 1
    said = " ".join(ran.err.split())
    assert "torch" in said
    assert "pip install 'tropism[train]'" in said
    assert "make setup-train" in said
    assert "Starting an engine" not in ran.out
