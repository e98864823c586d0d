"""Trainings at the command line: typed, listed, drawn."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.training.conftest import Config

from tropism import Tropism
from tropism.cli import call
from tropism.cli.training_picture import sparkline
from tropism.testing import RunningServer

Typed = Callable[..., str]


@pytest.fixture
def typed(server: RunningServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Run `tropism training ...`; what it printed."""
    monkeypatch.setenv("TROPISM_BASE_URL", server.base_url)
    monkeypatch.setenv("TROPISM_API_KEY", server.api_key)

    def run(*words: str, code: int = 0) -> str:
        ended = call(["training", *words])
        out, err = capsys.readouterr()
        assert ended == code, err
        return out + err

    return run


def test_options_make_a_config(typed: Typed, client: Tropism, use_case: str, local: str, logged: list[str]) -> None:
    stars = f"{use_case}-stars"
    typed(
        *("create", local, "--use-case", use_case, "--method", "DPO", "--metric", stars, "--preferences"),
        *("--kl", "0.2", "--learning-rate", "3e-4", "--epochs", "2", "--name", "Typed"),
    )
    [job] = client.training.jobs.list(use_case=use_case)
    told = job.config.training_config
    assert job.name == "Typed"
    assert job.output_name == f"{local}-dpo"
    assert told.training_metadata.alignment_method == "DPO"
    assert told.training_metadata.parameters
    assert told.training_metadata.parameters.dpo
    assert told.training_metadata.parameters.dpo.kl_div_coeff == 0.2
    assert (told.base_training_params.learning_rate, told.base_training_params.num_epochs) == (3e-4, 2)
    assert job.config.sample_config.feedback_type == "PREFERENCE"
    assert str(job.id) in typed("list", "--use-case", use_case)
    assert json.loads(typed("get", str(job.id), "--json"))["name"] == "Typed"
    assert "DPO, PARAMETER_EFFICIENT" in typed("get", str(job.id))


def test_a_file_may_hold_the_config(
    typed: Typed, client: Tropism, use_case: str, local: str, logged: list[str], config: Config, tmp_path: Path
) -> None:
    wanted: dict[str, Any] = config()
    (tmp_path / "config.json").write_text(json.dumps(wanted))
    typed("create", local, "--use-case", use_case, "--config", str(tmp_path / "config.json"))
    [job] = client.training.jobs.list(use_case=use_case)
    assert job.output_name == wanted["output_name"]


def test_what_the_server_refuses_is_said(typed: Typed, use_case: str, local: str, logged: list[str]) -> None:
    said = typed("create", local, "--use-case", use_case, "--method", "DPO", code=1)
    assert "objective `metric`" in " ".join(said.split())


def test_curves_are_drawn_from_low_to_high() -> None:
    assert sparkline([]) == ""
    assert sparkline([1.0, 1.0, 3.0]) == "▁▁█"
    assert sparkline([2.0, 2.0]) == "▁▁"
    assert len(sparkline([float(number) for number in range(1000)])) == 40
