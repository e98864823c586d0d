"""A file far larger than what the engine takes of the memory while it is uploaded, checked and downloaded."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import pytest
from tests.e2e.process import ADMIN_KEY, Served

from tropism import Tropism

SIZE = 128 * 2**20
ROOM = 32 * 2**20
LINES_AT_ONCE = 200


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_large_file_needs_little_memory(tmp_path: Path) -> None:
    path = large_file(tmp_path / "large.jsonl")
    engine = Served(tmp_path / "data", "--port", "0")
    with Tropism(engine.ready(), ADMIN_KEY) as client:
        client.use_cases.create("case")
        before = peak(engine.process.pid)
        made = client.datasets.upload(path, "large", use_case="case")
        client.datasets.download("large", tmp_path / "back.jsonl", use_case="case")
        assert peak(engine.process.pid) - before < ROOM
    assert engine.stop() == 0
    assert made.bytes > SIZE
    assert (tmp_path / "back.jsonl").stat().st_size == made.bytes


def large_file(path: Path) -> Path:
    """Lines that do not compress to nothing."""
    words = [f"{random.Random(number).getrandbits(40):x}" for number in range(20_000)]
    chance = random.Random(0)
    with path.open("w") as file:
        while file.tell() < SIZE:
            texts = (" ".join(chance.choices(words, k=150)) for _ in range(LINES_AT_ONCE))
            file.writelines(json.dumps({"prompt": text, "completion": text[::-1]}) + "\n" for text in texts)
    return path


def peak(pid: int) -> int:
    """The most memory, in bytes, that the process ever had."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
