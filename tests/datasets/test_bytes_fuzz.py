"""Any bytes as a file of a dataset: it is kept as it is meant, or refused with the numbers of its bad lines."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.datasets.test_shapes import JSON, lines

from tropism.server.domains.datasets import shapes
from tropism.server.domains.datasets.check import BOM, FOREIGN, NAMED, Refused, check
from tropism.server.domains.datasets.shapes import BadLine, Line, normalised

NAMES = st.sampled_from([*shapes._Given.__struct_fields__, "answer"])
LIKELY = st.dictionaries(NAMES, JSON | st.just([{"role": "user", "content": "Q"}]) | st.just("A"), max_size=4)


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A good line with a few bytes of it changed, left out or doubled."""
    text = bytearray(shapes.written(draw(lines())).rstrip(b"\n"))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(0, len(text) - 1)))
        text[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(text)


LINES = st.one_of(
    lines().map(lambda line: shapes.written(line).rstrip(b"\n")),
    spoilt(),
    st.binary(max_size=40),
    LIKELY.map(lambda it: json.dumps(it).encode()),
    st.sampled_from(
        [b"", b"  ", b"\r", b"{}", b"null", b"[]", b'"Q"', b"\xff\xfe", BOM, b"\0", b'{"prompt": "\\ud800"}']
    ),
)
FILES = st.lists(LINES, max_size=8).map(b"\n".join) | st.binary(max_size=200)


def expected(data: bytes) -> tuple[list[Line], list[int]]:
    """The lines that are good, each alone, and the numbers of the others."""
    good, bad = list[Line](), list[int]()
    for number, text in enumerate(data.removeprefix(BOM).split(b"\n"), 1):
        if stripped := text.strip(b" \t\r\n"):
            try:
                good.append(normalised(stripped))
            except BadLine:
                bad.append(number)
    return good, bad


def mixed(good: list[Line]) -> bool:
    return len({line.kind == "PREFERENCE" for line in good}) > 1


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=FILES)
def test_a_file_is_kept_whole_or_refused_with_its_bad_lines(tmp_path: Path, data: bytes) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(data)
    good, bad = expected(data)
    foreign = any(data.startswith(magic) for magic in FOREIGN) or data.removeprefix(BOM)[:1] == b"["
    if good and not bad and not foreign and not mixed(good):
        counts = check(source, target, hashlib.sha256(data).hexdigest(), lambda processed: None)
        kept = zstandard.ZstdDecompressor().decompressobj().decompress(target.read_bytes())
        assert [shapes.read(line) for line in kept.splitlines()] == good
        assert (counts.lines, counts.bytes) == (len(good), len(kept))
        return
    with pytest.raises(Refused) as refused:
        check(source, target, hashlib.sha256(data).hexdigest(), lambda processed: None)
    assert not target.exists()
    if bad and not foreign and not mixed(good):
        named = [int(number) for number in re.findall(r"^line (\d+): ", str(refused.value), re.M)]
        assert named == bad[:NAMED]
        assert f"{len(bad)} of {len(good) + len(bad)} lines" in str(refused.value)


def test_a_bad_line_is_named_by_its_place_in_the_file_however_long_it_is(tmp_path: Path) -> None:
    """Lines that are too long to look at are lines as well."""
    long = b'{"prompt": "' + b"x" * shapes.LONGEST_LINE + b'"}'
    parts: list[Any] = [b'{"prompt": "Q"}', long, b'{"prompt": "Q"}', b"{"]
    source = tmp_path / "source"
    source.write_bytes(b"\n".join(parts))
    with pytest.raises(Refused, match=r"2 of 4 lines are bad.*\nline 2: it is longer than 8 MiB;\nline 4: "):
        check(source, tmp_path / "target", hashlib.sha256(source.read_bytes()).hexdigest(), lambda processed: None)
