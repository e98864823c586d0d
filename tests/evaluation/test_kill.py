"""A worker that is killed in the middle: what was paid for is not paid again, and every score is logged once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from tests.chat.upstream import Upstream
from tests.evaluation.judge import PATIENCE, RuleJudge, eventually

from tropism import Tropism
from tropism.server.settings import Settings
from tropism.testing import run_server
from tropism.wire.evaluation import EvaluatedSample

SAMPLES = 40
IN_FLIGHT = Settings().evaluation_calls_remote


def workers(data: Path) -> set[int]:
    """The processes that do the jobs of this data directory: they hold its lock open."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if any(file.readlink() == data / "worker.lock" for file in (folder / "fd").iterdir()):
                found.add(int(folder.name))
        except OSError:
            continue
    return found


class Teller:
    """A model at a provider that repeats what it is told, and counts how often it is asked what."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def play(self, request: Any) -> None:
        text = request.body["messages"][-1]["content"]
        self.asked.append(text)
        await asyncio.sleep(0.1)
        request.answer(text if "3" in text else text.partition(" ")[2])


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the worker is found in the process table")
def test_killed_workers_repeat_nothing_that_was_stored(upstream: Upstream, tmp_path: Path) -> None:
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        client.set_default_use_case("default")
        client.models.attach("echo", wait=True)
        questions = [f"Is number {number} here" for number in range(SAMPLES)]
        for question in questions:
            client.chat.create([{"role": "user", "content": question}], model="echo")
        teller, rules = Teller(), RuleJudge(upstream, seconds=0.1)
        judge = rules.attach(client, "default")
        model = upstream.model(client, "default", teller.play)
        source: Any = {"datasource": {"completions": {"replay_interactions": True}}}
        job = client.evaluation.jobs.create(source, [model], judge, "answer_relevancy")
        kill(tmp_path, teller.asked)
        answered = list(client.evaluation.jobs.all_samples(job.id))
        kill(tmp_path, rules.asked)
        judged = list(client.evaluation.jobs.all_samples(job.id, status="scored"))
        done = client.evaluation.jobs.wait(job.id, timeout=PATIENCE)
        samples = list(client.evaluation.jobs.all_samples(job.id))
        log = client.interactions.list(filters={"source": ["EVALUATION"]}, page={"first": 500}).nodes

    assert 0 < len(answered) < SAMPLES
    assert 0 < len(judged) < SAMPLES
    assert done.report
    assert not workers(tmp_path)
    assert set(teller.asked) == set(questions)
    assert len(teller.asked) <= SAMPLES + IN_FLIGHT
    assert len(rules.asked) <= SAMPLES + IN_FLIGHT
    _none_is_repeated(answered, judged, teller, rules)
    assert sorted(sample.number for sample in samples) == list(range(SAMPLES))
    assert len(log) == SAMPLES, "an answer is in the log once"
    values = [each.value for node in log for each in node.direct_feedbacks]
    assert len(values) == SAMPLES, "a score is in the log once"
    [scores] = done.report.models
    assert scores.score
    assert scores.score.middle == pytest.approx(fmean(values))
    assert {sample.completion_id: sample.score for sample in samples} == {
        node.id: node.direct_feedbacks[0].value for node in log
    }


def kill(data: Path, asked: list[str]) -> None:
    """Kill our worker, as a power cut would, once two thirds of the samples were asked about."""
    eventually(lambda: len(asked) > SAMPLES * 2 // 3)
    [worker] = workers(data)
    os.kill(worker, signal.SIGKILL)


def _none_is_repeated(
    answered: list[EvaluatedSample], judged: list[EvaluatedSample], teller: Teller, rules: RuleJudge
) -> None:
    """What the killed workers had stored was asked once, then and afterwards together."""
    times = Counter(teller.asked)
    assert {times[sample.messages[-1].text] for sample in answered} == {1}
    for sample in judged:
        assert sum(f"<answer>\n{sample.completion}\n</answer>" in text for text in rules.asked) == 1
