"""Any bytes, cut anywhere: the decoder says what a plain reading of the standard says, and ends in order."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tropism.wire.sse import EventDecoder, EventTooLong

PIECES = st.sampled_from(
    [
        b"data:",
        b"data",
        b"data: ",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b":",
        b" ",
        b"x",
        b"id: 1",
        b"event: y",
        b"\xef\xbb\xbf",
    ]
    + ["\u2028".encode(), "ä".encode(), b"\xff", b"\0", b"[DONE]", b"datum", b"Data: no"]
)
STREAMS = st.lists(PIECES, max_size=30).map(b"".join) | st.binary(max_size=60)


def read(stream: bytes) -> list[bytes]:
    """The whole stream at once, as https://html.spec.whatwg.org/multipage/server-sent-events.html has it.

    Other than there, the data at the very end counts without a blank line.
    """
    lines = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    events, data = [], list[bytes]()
    for line in [*lines, b""]:
        field, _, value = line.partition(b":")
        if line and field == b"data":
            data.append(value.removeprefix(b" "))
        if not line and data:
            events.append(b"\n".join(data))
            data = []
    return events


@settings(max_examples=300, deadline=None)
@given(STREAMS, st.lists(st.integers(0, 60), max_size=8))
def test_it_says_what_the_standard_says_wherever_it_is_cut(stream: bytes, cuts: list[int]) -> None:
    for places in ([0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)], [*range(len(stream) + 1)]):
        decoder, found = EventDecoder(), list[bytes]()
        for start, end in pairwise(places):
            found += decoder.feed(stream[start:end])
        assert [*found, *decoder.end()] == read(stream)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=40).filter(lambda each: b"\n\n" not in each), min_size=1, max_size=20))
def test_it_holds_no_more_than_it_may(parts: list[bytes]) -> None:
    decoder = EventDecoder(limit=64)
    try:
        for part in parts:
            list(decoder.feed(part))
    except EventTooLong:
        return
    assert sum(map(len, decoder._pending)) + sum(map(len, decoder._data)) <= 64


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_stream_without_any_data_is_no_event(end: bytes) -> None:
    decoder = EventDecoder()
    assert [*decoder.feed((b": ping" + end * 2) * 3), *decoder.end()] == []
