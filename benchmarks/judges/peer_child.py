"""Runs ragas' metrics in its own environment: samples as JSON on standard input, scores as JSON on the last line."""

from __future__ import annotations

import asyncio
import json
import math
import sys
from typing import Any

AT_ONCE = 4


async def main(config: dict[str, Any]) -> list[float | None]:
    from openai import AsyncOpenAI
    from ragas.embeddings import OpenAIEmbeddings
    from ragas.llms import llm_factory

    client = AsyncOpenAI(base_url=config["base_url"], api_key=config["api_key"], max_retries=0, timeout=600)
    llm = llm_factory(config["model"], client=client, temperature=0.0, max_tokens=768)
    metric = _metric(config["method"], llm, OpenAIEmbeddings(client, config["embeddings"]))
    free = asyncio.Semaphore(AT_ONCE)

    async def one(sample: dict[str, Any]) -> float | None:
        async with free:
            try:
                value = float((await metric.ascore(**_given(config["method"], sample))).value)
            except Exception as error:  # any failure of the metric is a sample that it could not score
                print(f"{sample['id']}: {str(error)[:200]!r}", file=sys.stderr)
                return None
            return None if math.isnan(value) else value

    return list(await asyncio.gather(*map(one, config["samples"])))


def _metric(method: str, llm: Any, embeddings: Any) -> Any:
    from ragas.metrics.collections import AnswerRelevancy, ContextRelevance, Faithfulness

    if method == "faithfulness":
        return Faithfulness(llm=llm)
    if method == "answer_relevancy":
        return AnswerRelevancy(llm=llm, embeddings=embeddings)
    return ContextRelevance(llm=llm)


def _given(method: str, sample: dict[str, Any]) -> dict[str, Any]:
    given = {"user_input": sample["question"]}
    if method != "context_relevancy":
        given["response"] = sample["completion"]
    if method != "answer_relevancy":
        given["retrieved_contexts"] = sample["documents"]
    return given


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(json.load(sys.stdin)))))
