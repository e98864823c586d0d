"""Events come out whole, however the network cuts them and whatever the server puts between them."""

from __future__ import annotations

import pytest

from tropism.wire.sse import EventDecoder, EventTooLong


def decode(*chunks: bytes) -> list[bytes]:
    decoder = EventDecoder()
    return [data for chunk in chunks for data in decoder.feed(chunk)] + list(decoder.end())


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_may_end_in_three_ways_and_be_cut_anywhere(end: bytes) -> None:
    stream = end.join(
        [b": hello", b"event: x", b"data: one", b"", b"data:two", b"data: three", b"", b"id: 1", b"", b""]
    )
    assert decode(stream) == [b"one", b"two\nthree"]
    assert decode(*(stream[i : i + 1] for i in range(len(stream)))) == [b"one", b"two\nthree"]


def test_an_event_is_there_as_soon_as_its_blank_line_is() -> None:
    decoder = EventDecoder()
    assert list(decoder.feed(b"data: one\n\nda")) == [b"one"]
    assert list(decoder.feed(b"ta: two\r\n\r\n")) == [b"two"]


def test_the_last_event_needs_no_blank_line() -> None:
    assert decode(b"data: one\n\ndata: two") == [b"one", b"two"]


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert decode(b"\xef\xbb\xbfdata: one\n\n") == [b"one"]


def test_a_character_may_be_cut_in_two() -> None:
    stream = "data: 🦊\n\n".encode()
    assert decode(stream[:8], stream[8:]) == ["🦊".encode()]


def test_an_event_without_end_is_refused() -> None:
    decoder = EventDecoder(limit=100)
    assert [list(decoder.feed(b"data: 1234")) for _ in range(10)] == [[]] * 10
    with pytest.raises(EventTooLong):
        list(decoder.feed(b"data: 1234"))


def test_many_events_together_may_be_longer_than_one_may_be() -> None:
    decoder = EventDecoder(limit=100)
    assert len([data for _ in range(30) for data in decoder.feed(b"data: 1234\n\n")]) == 30
