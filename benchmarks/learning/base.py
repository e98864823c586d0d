"""`python -m benchmarks.learning.base`: prints where the bundled model is, as GGUF and as the safetensors made from it.

In a process of its own, as it needs torch and much memory, and both only once.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tropism.engines import bundled
from tropism.trainers import protocol
from tropism.trainers.config import TrainingRun

MODEL = "smollm2-135m-instruct"
BENCH = Path(__file__).parents[2] / ".bench" / "learning"


@dataclass(frozen=True, kw_only=True)
class Base:
    """The model that all methods begin with."""

    gguf: Path
    folder: Path


def prepare() -> Base:
    """Convert it if that has not been done yet; it takes a minute."""
    gguf = bundled.prepare(MODEL, BENCH)
    made = subprocess.run(
        [sys.executable, "-m", "benchmarks.learning.base", str(gguf)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=os.environ | protocol.ENVIRONMENT,
    )
    return Base(gguf=gguf, folder=Path(made.stdout.splitlines()[-1]))


def main() -> None:
    from tropism.trainers import model

    print(model.base_folder(TrainingRun(method="SFT", base=sys.argv[1], data=["none"], cache="cache"), BENCH))


if __name__ == "__main__":
    main()
