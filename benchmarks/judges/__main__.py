"""`python -m benchmarks.judges`: judges the labelled samples and prints how often the verdicts are right."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from benchmarks import markdown
from benchmarks.judges import ours, peer
from benchmarks.judges.figures import HEAD, row
from benchmarks.judges.judge_model import BUNDLED, Endpoint, JudgeModel, judge_model
from benchmarks.judges.labelled import GOOD_FROM, load
from tropism.judges.registry import Method

ROOT = Path(__file__).parents[2]
BENCH = ROOT / ".bench"
PAGES = (markdown.README, ROOT / "docs" / "concepts" / "judges.md")
METHODS: tuple[Method, ...] = tuple(method for method in get_args(Method) if method in GOOD_FROM)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when every judge has run."""
    options = _options(arguments)
    endpoint = Endpoint(options.base_url, options.model, options.api_key_env) if options.base_url else None
    try:
        python = None if options.skip_ragas else peer.install(BENCH)
        with judge_model(endpoint) as model:
            embeddings = model.embeddings()
            parts = [_heading(options)]
            for method in options.method or METHODS:
                parts.append(_table(model, method, options, python, embeddings))
                print(parts[-1], flush=True)
        if options.write:
            for place in PAGES:
                markdown.write("judges", "\n".join(parts), place)
    except peer.PeerError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _heading(options: argparse.Namespace) -> str:
    day = datetime.now(UTC).date()
    machine = f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} before the start"
    return f"Measured {day} with `{options.model or BUNDLED}` as the judge, {machine}.\n"


def _table(model: JudgeModel, method: Method, options: argparse.Namespace, python: Path | None, embeddings: str) -> str:
    samples = load(method, options.samples)
    runs = [ours.run(model, method, samples, options.context)]
    if python is not None:
        runs.append(peer.run(python, model, method, samples, embeddings))
    table = markdown.table(HEAD, [row(run, samples, GOOD_FROM[method]) for run in runs])
    return f"### {method}, {len(samples)} samples\n\n{table}\n"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judges", description=__doc__)
    parser.add_argument("--base-url", help="of an OpenAI-compatible endpoint; without one, the bundled model judges")
    parser.add_argument("--model", help="the judge's name at that endpoint")
    parser.add_argument("--api-key-env", default="OPENAI_API_KEY", help="the variable that holds its key")
    parser.add_argument("--context", type=int, default=2048, help="tokens that the judge holds (2048)")
    parser.add_argument("--method", action="append", choices=METHODS, help="only this one; may be repeated")
    parser.add_argument("--samples", type=int, help="only so many of each method")
    parser.add_argument("--skip-ragas", action="store_true", help="only Tropism's own judges")
    parser.add_argument("--write", action="store_true", help="put the tables into the documentation")
    options = parser.parse_args(arguments)
    if options.base_url and not options.model:
        parser.error("--base-url needs --model")
    return options


if __name__ == "__main__":
    sys.exit(main())
