"""Makes the file that is served, in a process of its own: looks at a GGUF file, or makes one of safetensors."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tropism.server.processes.low_priority import answer, asked
from tropism.trainers.gguf_export import count_parameters
from tropism.weights.convert import convert
from tropism.weights.families import Unusable
from tropism.weights.gguf_facts import read_facts
from tropism.weights.messages import Prepare, Prepared, Refused, Written
from tropism.weights.tokenizer import probe_tokens


def main() -> None:
    """Do what we are asked for, and say what came of it on the last line."""
    ask = asked(Prepare)
    try:
        answer(_prepared(ask))
    except Unusable as error:
        answer(Refused(message=str(error)))


def _prepared(ask: Prepare) -> Prepared:
    if ask.folder is None or ask.target is None:
        return Prepared(path=ask.parts[0], facts=read_facts([Path(part) for part in ask.parts]), probe=None)
    folder, target = Path(ask.folder), Path(ask.target)
    if not target.exists():  # an earlier attempt at the job may have come so far
        convert(folder, target, _written, ask.licence)
    facts = msgspec.structs.replace(read_facts([target]), parameters=count_parameters(folder))
    return Prepared(path=ask.target, facts=facts, probe=probe_tokens(folder))


def _written(done: int, total: int) -> None:
    answer(Written(size=done, total=total))


if __name__ == "__main__":
    main()
