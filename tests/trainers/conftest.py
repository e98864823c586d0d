"""The tiny model that runs of these tests begin with."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model of random weights; tests that use it need the extra `train`."""
    from tests.trainers import tiny

    return tiny.make_model(tmp_path_factory.mktemp("model") / "tiny")
