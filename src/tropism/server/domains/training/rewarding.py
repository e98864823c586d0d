"""Who gives rewards: a judge of ours, asked over the protocol of reward servers, or a reward server of the user's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from tropism.judges.ask import Generated, asking
from tropism.judges.protocol import Guideline, Sample, Turn
from tropism.judges.registry import make_judge
from tropism.rewards.http import running
from tropism.rewards.protocol import RewardError
from tropism.rewards.remote import RemoteReward
from tropism.rewards.server import Request, RewardServer, Score
from tropism.server import snapshot
from tropism.server.database.session import Reading
from tropism.server.domains.evaluation.calls import question, whole
from tropism.server.domains.training.checks import Plan
from tropism.server.domains.training.service import TrainingRequest
from tropism.server.jobs.protocol import JobFailed, Run
from tropism.server.settings import Settings
from tropism.server.snapshot import ServedModel
from tropism.wire.datasets import DatasetLine
from tropism.wire.models import ComputeConfig

REMOTE_CONTEXT = 16_384
"""The tokens that a provider's model is taken to hold."""
_decode = msgspec.json.Decoder(DatasetLine).decode


class Judged(RewardServer):
    """The share of the guidelines that an answer keeps, as a judge sees it. 0 where it cannot say.

    Anything above that would teach a model to write what judges cannot read.
    """

    def __init__(self, run: Run[TrainingRequest], plan: Plan, served: ServedModel) -> None:
        assert plan.judge is not None
        named = plan.request.config.training_config.training_objective.guidelines
        assert named is not None
        rules = [Guideline(name=each.name, description=each.description) for each in named.judge_model_prompt]
        config = msgspec.convert(plan.judge.compute_config, ComputeConfig)
        self._judge = make_judge("custom", rules, context=REMOTE_CONTEXT if plan.judge.provider else config.max_seq_len)
        self._run, self._served = run, served

    async def score(self, request: Request) -> Score:
        *before, answer = (Turn(role=turn.role, content=turn.content) for turn in request.turns)
        sample = Sample(messages=before, completion=answer.content)
        verdict = await self._judge.judge(sample, asking(self._ask))
        return Score(verdict.score or 0.0, {"reason": verdict.reason})

    async def _ask(
        self, messages: Sequence[Turn], schema: Mapping[str, Any], *, max_tokens: int, attempt: int
    ) -> Generated:
        prompt = question(self._served, messages, schema, max_tokens, attempt)
        said = await whole(self._run, self._served, prompt)
        return Generated(text=said.text, prompt_tokens=said.read, completion_tokens=said.written)


@asynccontextmanager
async def rewards(run: Run[TrainingRequest], plan: Plan, samples: Path) -> AsyncIterator[str | None]:
    """Within the block rewards are given, at the URL that a trainer asks; None if it asks nobody."""
    if plan.reward_server is not None:
        await _check_metadata(plan.reward_server.url, samples, run.services.settings)
        yield plan.reward_server.url
    elif plan.judge is not None:
        served = await run.read(_served, plan)
        async with run.engine(served.id):
            pass  # a judge that cannot run is found out before anything is trained
        async with running(Judged(run, plan, served), "127.0.0.1", 0) as url:
            yield url
    else:
        yield None


def _served(session: Reading, plan: Plan) -> ServedModel:
    """The judge as the use case has it."""
    assert plan.judge is not None
    used = snapshot.load(session).use_case(str(plan.use_case.id), session.principal)
    if plan.judge.key not in used.models:
        raise JobFailed(f"the judge {plan.judge.key!r} was detached while the training waited")
    return used.models[plan.judge.key]


async def _check_metadata(url: str, samples: Path, settings: Settings) -> None:
    """A server that takes the metadata of no sample is found out before anything is trained."""
    try:
        async with RemoteReward(url, egress=settings.egress) as server:
            await server.check_metadata(_metadata(samples))
    except RewardError as error:
        raise JobFailed(f"the reward server at {url} cannot be used: {error}") from None


def _metadata(samples: Path) -> Iterator[Mapping[str, Any] | None]:
    with samples.open("rb") as file:
        for line in file:
            yield _decode(line).metadata
