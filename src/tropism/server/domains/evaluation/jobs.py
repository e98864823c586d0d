"""The evaluation job: choose, answer, judge. What is stored is not done again when it is begun again."""

from __future__ import annotations

from typing import Any

from tropism.server.domains.evaluation import selection
from tropism.server.domains.evaluation.judging import judge_all
from tropism.server.domains.evaluation.replaying import log_completions, replay
from tropism.server.domains.evaluation.service import EvaluationRequest
from tropism.server.domains.evaluation.work import Work, load, still_possible
from tropism.server.jobs.protocol import Run, runs


@runs("evaluation", EvaluationRequest)
async def evaluate(run: Run[EvaluationRequest]) -> dict[str, Any] | None:
    """Do one evaluation to its end."""
    work = await run.read(load, run.id)
    await run.read(still_possible, work)
    if work.plan.completions and not work.selected:
        await _select(run, work)
    async with run.engine(work.judge.id):
        pass  # a judge that cannot run is found out before any answer is paid for
    if work.models:
        await replay(run, work)
    elif work.dataset_id is not None:
        await log_completions(run, work)
    await judge_all(run, work)
    return {"feedback_key": work.plan.feedback_key}


async def _select(run: Run[EvaluationRequest], work: Work) -> None:
    """Choose the samples and keep them; a choice that was not finished is made anew."""
    await run.write(selection.forget, run.id)
    ids = await run.read(selection.chosen, work.plan, run.id)
    for first, some in selection.portions(ids):
        keep = selection.keep_prompts if work.models else selection.keep_answers
        await run.write(keep, run.id, first, some)
    await run.write(selection.is_complete, run.id)
    await run.log(f"{len(ids)} completions were selected")
