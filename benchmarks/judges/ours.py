"""Tropism's own judges, over the same wire as their peers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from benchmarks.judges.figures import Run
from benchmarks.judges.judge_model import JudgeModel
from benchmarks.judges.labelled import Labelled
from tropism.engines.openai import OpenAIEngine
from tropism.engines.protocol import ModelSource
from tropism.judges.ask import asking
from tropism.judges.registry import Method, make_judge
from tropism.testing.judging import generating

AT_ONCE = 4


def run(model: JudgeModel, method: Method, samples: Sequence[Labelled], context: int) -> Run:
    use_case = model.use_case(f"tropism-{method}")
    begin = time.monotonic()
    scores = asyncio.run(_scores(model, use_case, method, samples, context))
    seconds = time.monotonic() - begin
    calls, tokens = model.spent(use_case)
    return Run(name="Tropism", scores=scores, calls=calls, tokens=tokens, seconds=seconds)


async def _scores(
    model: JudgeModel, use_case: str, method: Method, samples: Sequence[Labelled], context: int
) -> list[float | None]:
    source = ModelSource(
        key="judge",
        kind="Generation",
        endpoint=f"{model.server.base_url}/v1",
        external_model_id=use_case,
        api_key=model.server.api_key,
    )
    engine = OpenAIEngine(source)
    await engine.start()
    ask = asking(generating(engine))
    judge = make_judge(method, context=context)
    free = asyncio.Semaphore(AT_ONCE)

    async def one(sample: Labelled) -> float | None:
        async with free:
            return (await judge.judge(sample.sample(), ask)).score

    try:
        return list(await asyncio.gather(*map(one, samples)))
    finally:
        await engine.close()
