"""Checking a file as a whole: its kind, its counts, and what is no file of JSON lines at all."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tropism.server.domains.datasets.check import Refused, check
from tropism.server.domains.datasets.shapes import LONGEST_LINE
from tropism.server.domains.datasets.tally import Counts

Q = {"prompt": "Q"}
PAIR = {**Q, "preferred_completion": "A", "other_completion": "B", "metric": "m"}


def checked(folder: Path, data: bytes) -> Counts:
    source, target = folder / "source", folder / "target"
    source.write_bytes(data)
    try:
        return check(source, target, hashlib.sha256(data).hexdigest(), lambda processed: None)
    except Refused:
        assert not target.exists()
        raise


def text(*lines: dict[str, Any]) -> bytes:
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        ([Q, Q], "PROMPT"),
        ([{**Q, "completion": "A"}, Q], "PROMPT"),
        ([{**Q, "completion": "A"}, {**Q, "completion": "A", "feedbacks": {"s": 1}}], "PROMPT_COMPLETION"),
        ([{**Q, "completion": "A", "feedbacks": {"s": 1}}], "PROMPT_COMPLETION_FEEDBACK"),
        ([PAIR, PAIR], "PREFERENCE"),
    ],
)
def test_the_kind_is_the_least_that_holds_for_every_line(
    tmp_path: Path, lines: list[dict[str, Any]], kind: str
) -> None:
    assert checked(tmp_path, text(*lines)).kind == kind


def test_lines_bytes_and_feedback_are_counted(tmp_path: Path) -> None:
    rated = {**Q, "completion": "A", "feedbacks": {"stars": 1, "thumbs": False}}
    counts = checked(tmp_path, text(rated, {**rated, "feedbacks": {"stars": 2.5}}))
    kept = zstandard.ZstdDecompressor().decompressobj().decompress((tmp_path / "target").read_bytes())
    assert (counts.lines, counts.bytes) == (2, len(kept))
    assert counts.feedbacks == {"stars": 2, "thumbs": 1}
    assert checked(tmp_path, text(PAIR, PAIR)).feedbacks == {"m": 2}


@pytest.mark.parametrize(("lines", "reason"), [((PAIR, Q), "are preferences"), ((Q, PAIR), "are not preferences")])
def test_preferences_go_with_nothing_else(tmp_path: Path, lines: tuple[Any, ...], reason: str) -> None:
    with pytest.raises(Refused, match=f"1 of 2 lines is bad.*\nline 2: .*{reason}"):
        checked(tmp_path, text(*lines))


@pytest.mark.parametrize(
    "data",
    [b'{"prompt": "Q"}', b'\xef\xbb\xbf{"prompt": "Q"}\r\n', b'\n  \n{"prompt": "Q"}\n\n'],
    ids=["no newline at the end", "BOM and CRLF", "blank lines"],
)
def test_how_lines_end_does_not_matter(tmp_path: Path, data: bytes) -> None:
    assert checked(tmp_path, data).lines == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "holds no line"),
        (b"\n\n", "holds no line"),
        (b"\x1f\x8b\x08\x00rest", "gunzip"),
        (b"PAR1rest", "Parquet"),
        (b"PK\x03\x04rest", "zip"),
        ('{"prompt": "Q"}'.encode("utf-16"), "UTF-16"),
        (b'[{"prompt": "Q"}]', "JSON array"),
    ],
    ids=["empty", "blank", "gzip", "parquet", "zip", "utf-16", "array"],
)
def test_what_is_no_file_of_json_lines_is_told_so(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        checked(tmp_path, data)


def test_a_line_may_have_eight_mebibytes_and_no_more(tmp_path: Path) -> None:
    around = b'{"prompt": ""}'
    longest = around[:-2] + b"x" * (LONGEST_LINE - len(around)) + around[-2:]
    assert checked(tmp_path, longest + b"\n" + longest).lines == 2
    with pytest.raises(Refused, match="2 of 3 lines are bad.*\nline 1: it is longer than 8 MiB;\nline 3: "):
        checked(tmp_path, b" " + longest + b"\n" + around + b'\n{"x": 1}\n')


def test_other_bytes_than_announced_are_refused(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(text(Q))
    with pytest.raises(Refused, match="the file changed meanwhile"):
        check(tmp_path / "source", tmp_path / "target", "0" * 64, lambda processed: None)
    assert not (tmp_path / "target").exists()
