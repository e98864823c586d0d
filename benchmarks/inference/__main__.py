"""`python -m benchmarks.inference`: the local engine beside llama.cpp's own server, on the same files, in turn.

Ours is asked through a whole Tropism: its HTTP server, its log and its engine, whose child is llama.cpp's server too.
Theirs is that server alone, on a port, with its own defaults; slots, context and threads are the same on both sides.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import markdown
from benchmarks.inference import page
from benchmarks.inference.asking import Target, chat, embed
from benchmarks.inference.plain import plain
from benchmarks.overhead import machine
from tropism import Tropism
from tropism.engines import bundled
from tropism.engines.cores import default_threads
from tropism.testing import run_server

TALKS, EMBEDS = "smollm2-135m-instruct", "all-minilm-l6-v2"
SLOTS, CONTEXT = 8, 2048
EMBEDDING_SLOTS, EMBEDDING_CONTEXT = 4, 512
STREAMS = {1: 6, 8: 2}
"""So many streams at once, and so many answers on each."""
TEXTS = {(1, 1): 60, (8, 1): 20, (1, 32): 6}
"""So many callers at once and texts in a call, and so many calls of each."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inference", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--tokens", type=int, default=128, help="the longest answer (default 128)")
    parser.add_argument("--write", action="store_true", help="replace the figures in benchmarks/README.md")
    options = parser.parse_args()
    on = machine.description()
    with tempfile.TemporaryDirectory(prefix="tropism-inference-") as folder, ExitStack() as stack:
        talks, embeds = (bundled.prepare(key, Path(folder)) for key in (TALKS, EMBEDS))
        threads = default_threads(talks.stat().st_size)
        ours = stack.enter_context(_ours())
        talking = plain(talks, slots=SLOTS, context=CONTEXT, threads=threads)
        embedding = plain(embeds, slots=EMBEDDING_SLOTS, context=EMBEDDING_CONTEXT, threads=threads, embedding=True)
        theirs = Target(stack.enter_context(talking), TALKS), Target(stack.enter_context(embedding), EMBEDS)
        table = asyncio.run(_measure(theirs, ours, options.rounds, options.tokens))
    result = (
        f"Measured {on}. {options.rounds} rounds in turn, {threads} thread(s) for the model on both sides, "
        f"answers of {options.tokens} tokens at most.\n\n{table}"
    )
    print(result)
    if options.write:
        markdown.write("inference", result)
    return 0


@contextmanager
def _ours() -> Iterator[tuple[Target, Target]]:
    """A server with a use case for each of the two models."""
    with run_server(bundled_models=True) as server, Tropism(server.base_url, server.api_key) as client:
        for key in (TALKS, EMBEDS):
            client.use_cases.create(key)
        config = {"max_seq_len": CONTEXT, "kv_cache_len": SLOTS * CONTEXT}
        client.models.update_compute_config(TALKS, config)
        for key in (TALKS, EMBEDS):
            client.models.attach(key, make_default=True, wait=True, use_case=key)
        url = f"{server.base_url}/v1"
        yield Target(url, TALKS, server.api_key), Target(url, EMBEDS, server.api_key)


async def _measure(theirs: tuple[Target, Target], ours: tuple[Target, Target], rounds: int, tokens: int) -> str:
    rates: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    waits: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for number in range(rounds + 1):
        for streams, answers in STREAMS.items():
            found = {}
            for side in _order(number):
                target = (theirs, ours)[side][0]
                found[side] = await chat(target, streams, answers, tokens, number)
            if number:  # the first round warms up
                name = _number(streams, "stream")
                rates[f"{name}: tokens/s"].append((found[0].tokens_per_second, found[1].tokens_per_second))
                waits[f"{name}: first token, ms"].append((found[0].first_ms, found[1].first_ms))
        for (callers, texts), calls in TEXTS.items():
            embedded = {
                side: await embed((theirs, ours)[side][1], callers, texts, calls, number) for side in _order(number)
            }
            if number:
                name = f"embeddings, {_number(callers, 'caller')}, {_number(texts, 'text')} a call: texts/s"
                rates[name].append((embedded[0], embedded[1]))
        print(f"round {number} of {rounds}", file=sys.stderr, flush=True)
    return page.text(rates, waits)


def _order(number: int) -> tuple[int, int]:
    return (0, 1) if number % 2 else (1, 0)


def _number(number: int, of: str) -> str:
    return f"{number} {of}{'s' * (number > 1)}"


if __name__ == "__main__":
    sys.exit(main())
