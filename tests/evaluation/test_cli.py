"""`tropism evaluation`, as people and programs call it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.evaluation.conftest import Pair
from tests.evaluation.judge import RuleJudge

from tropism import Tropism
from tropism.cli import call
from tropism.testing import RunningServer

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def tropism(
    server: RunningServer, use_case: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Command:
    """Run `tropism evaluation ...`; the exit code, and what it wrote to both streams."""
    for name, value in (("BASE_URL", server.base_url), ("API_KEY", server.api_key), ("USE_CASE", use_case)):
        monkeypatch.setenv(f"TROPISM_{name}", value)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = call(["evaluation", *map(str, arguments)])
        return (code, *capfd.readouterr())

    return run


def test_from_the_estimate_to_the_report(
    tropism: Command, client: Tropism, use_case: str, rules: RuleJudge, pair: Pair, logged: list[str]
) -> None:
    client.chat.create([{"role": "user", "content": "please mumble"}], model="echo-a", use_case=use_case)
    asked = ["--method", "answer_relevancy", "--judge", rules.key, "--completions", "ALL", "--replay"]
    asked += ["--model", pair.good, "--model", pair.poor]

    code, out, _ = tropism("create", *asked, "--estimate")
    assert (code, "Samples" in out, "no model has prices" in out) == (0, True, True)
    assert client.evaluation.jobs.list(use_case=use_case) == []

    code, out, err = tropism("create", *asked, "--name", "Which one", "--watch")
    assert code == 0
    assert "21 samples" in err
    assert "COMPLETED: replay 42/42, judge 42/42" in err
    assert f"{pair.good} scores 0.33 higher than" in " ".join(out.split())
    assert "Without a score: 2 abstentions." in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 80

    [job] = client.evaluation.jobs.list(use_case=use_case)
    code, out, _ = tropism("list")
    assert str(job.id) in out
    assert "Which one" in out
    code, out, _ = tropism("get", job.id, "--json")
    assert json.loads(out)["report"]["models"][0]["model"] == pair.good
    code, out, _ = tropism("report", job.id, "--json")
    assert json.loads(out)["partial"] is False
    code, out, err = tropism("samples", job.id, "--model", pair.poor, "--max-score", 0.9, "--first", 2)
    assert "covers every part of the question" in out
    assert "there are more: --after 1.1" in err
    code, _, err = tropism("cancel", job.id)
    assert (code, "has ended already" in err) == (1, True)


def test_a_file_says_what_to_evaluate(
    tropism: Command, client: Tropism, use_case: str, rules: RuleJudge, logged: list[str], tmp_path: Path
) -> None:
    request: dict[str, Any] = {
        "data_config": {"datasource": {"completions": {"selection_type": "LAST", "max_samples": 2}}},
        "method": "answer_relevancy",
    }
    file = tmp_path / "evaluation.json"
    file.write_text(json.dumps(request))
    code, out, _ = tropism("create", "--config", file, "--judge", rules.key, "--estimate", "--json")
    assert code == 0
    assert json.loads(out)["samples"] == 2
    file.write_text(json.dumps({**request, "metod": "custom"}))
    code, _, err = tropism("create", "--config", file, "--judge", rules.key)
    assert (code, "metod" in err) == (1, True)


def test_what_is_missing_is_said(tropism: Command, tmp_path: Path) -> None:
    for arguments, message in (
        (["--judge", "j"], "--dataset or --completions, --method"),
        (["--dataset", "d", "--completions", "ALL"], "one of --dataset and --completions"),
        (["--guideline", "polite: it is polite"], "--feedback-key"),
        (["--config", tmp_path / "nowhere.json"], "cannot be read"),
    ):
        code, _, err = tropism("create", *arguments)
        assert (code, message in err) == (1, True), err
