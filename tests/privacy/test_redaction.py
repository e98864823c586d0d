"""What is blotted out before storage, and what is left alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tropism.server.privacy.redaction import FINDERS, redacted, redacted_structure
from tropism.wire.use_cases import Redactable

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


@pytest.mark.parametrize(
    ("kind", "text", "stored"),
    [
        ("email", "Write to ada.lovelace+x@mail.example.co.uk, please.", "Write to [email], please."),
        ("email", "<a@b.de>", "<[email]>"),
        ("phone", "Call +49 30 1234567 or (030) 123-4567.", "Call [phone] or [phone]."),
        ("phone", "Ring 555-867-5309 or 0171/2345678 today", "Ring [phone] or [phone] today"),
        ("phone", "+14155552671", "[phone]"),
        ("phone", "00 33 1 42 68 53 00", "[phone]"),
        ("credit_card", "It is 4111 1111 1111 1111, till May", "It is [credit_card], till May"),
        ("credit_card", "378282246310005", "378282246310005".replace("378282246310005", "[credit_card]")),
        ("iban", "to DE89 3704 0044 0532 0130 00 by Friday", "to [iban] by Friday"),
        ("iban", "BE68 5390 0754 7034 then", "[iban] then"),
        ("iban", "GB29NWBK60161331926819", "[iban]"),
        ("ip", "from 192.0.2.17, 2001:db8::8a2e:370:7334 and ::ffff:1.2.3.4.", "from [ip], [ip] and [ip]."),
        ("secret", "key sk-proj-abcdEFGH1234567890 it is", "key [secret] it is"),
        ("secret", "AKIAIOSFODNN7EXAMPLE", "[secret]"),
        ("secret", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "[secret]"),
        ("secret", "Authorization: Bearer abc.DEF-123_456~789+x=", "Authorization: Bearer [secret]"),
        ("secret", f"token {JWT}!", "token [secret]!"),
        ("secret", 'password = "hunter22", user', 'password = "[secret]", user'),
        ("secret", "API_KEY: correct-horse", "API_KEY: [secret]"),
        ("secret", "export DB_PASSWORD=hunter22", "export DB_PASSWORD=[secret]"),
        ("secret", "postgresql://bob:s3cret@db/x", "postgresql://[secret]@db/x"),
        ("secret", "a -----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- b", "a [secret] b"),
        ("secret", "-----BEGIN PRIVATE KEY-----\nMII and no end", "[secret]"),
    ],
)
def test_it_is_found(kind: Redactable, text: str, stored: str) -> None:
    assert redacted(text, [kind]) == stored
    assert redacted(stored, [kind]) == stored


@pytest.mark.parametrize(
    "text",
    [
        "Order 4111111111111112 has a wrong check digit, DE88370400440532013000 too.",
        "From 2026-11-22 to 22.11.2026, 12:30:45; version 1.2.3, 999.1.1.1, std::vector and x :: Int.",
        "It costs 1234.50 or 12 345; room 12-34; 3 + 4 = 7; 1000000000.",
        "The secret of a good password is its length. Say @ada; a@b is no address. sk-learn-contrib-package.",
        "The bearer of this letter, unquestionably, is he. https://example.com:8080/a@b",
        "",
    ],
)
def test_other_things_stay(text: str) -> None:
    assert redacted(text, list(FINDERS)) == text


ENV = "Hello\nsk-proj-abcdEFGH1234567890\n192.0.2.17\nada@example.com\n+49 30 1234567\nDE89370400440532013000\n" + JWT
BLOTTED = "Hello\n[secret]\n[ip]\n[email]\n[phone]\n[iban]\n[secret]"


def test_in_json_it_is_found_as_it_is_meant_and_json_is_left() -> None:
    """In arguments of tools and structured answers lines end as two characters, and signs may be written as codes."""
    said = {"file": ENV, "password": "hunter22", "db": {"DB_PASSWORD": "hunter22"}, "n": [1, 2.5, None, True]}
    meant = {"file": BLOTTED, "password": "[secret]", "db": {"DB_PASSWORD": "[secret]"}, "n": [1, 2.5, None, True]}
    for written in (json.dumps(said), json.dumps(said).replace("@", "\\u0040"), json.dumps(said, indent=2)):
        assert json.loads(redacted(written, list(FINDERS))) == meant
    assert json.loads(redacted(json.dumps({"body": json.dumps(said)}), list(FINDERS)))["body"] == json.dumps(
        meant, separators=(",", ":")
    )
    assert json.loads(redacted('{"card": 4111111111111111, "at": 1764386559123}', list(FINDERS))) == {
        "card": "[credit_card]",
        "at": 1764386559123,
    }


def test_names_in_json_stay_apart() -> None:
    found = json.loads(redacted('{"a@b.de": 1, "c@d.de": 2, "[email] 2": 3}', ["email"]))
    assert sorted(found.values()) == [1, 2, 3]
    assert "a@b.de" not in found
    assert "c@d.de" not in found


def test_json_with_nothing_in_it_stays_as_it_is_written() -> None:
    for text in ('{ "a" : 1.0, "a": 2 }', "[1,\t2]", '{"a": ', "[email] from me", "{" * 5_000):
        assert redacted(text, list(FINDERS)) == text


def test_it_is_found_behind_line_ends_that_are_written_out() -> None:
    """In code, and in JSON that stands in other text."""
    said, meant = json.dumps(ENV), json.dumps(BLOTTED)
    assert redacted(f"print({said})", list(FINDERS)) == f"print({meant})"


def test_however_deep_it_is() -> None:
    deep: dict[str, Any] = {"email": "a@b.de"}
    for _ in range(5_000):
        deep = {"a": [deep]}
    for brackets in (100, 900, 990, 20_000):
        text = "[" * brackets + '"a@b.de"' + "]" * brackets
        assert redacted(text, ["email"]) == text.replace("a@b.de", "[email]")
    inner = redacted_structure(deep, ["email"])
    while "a" in inner:
        inner = inner["a"][0]
    assert inner == {"email": "[email]"}


def test_only_what_was_asked_for() -> None:
    text = "a@b.de from 192.0.2.17"
    assert redacted(text, ["email"]) == "[email] from 192.0.2.17"
    assert redacted(text, []) == text


def test_all_at_once() -> None:
    text = "a@b.de +49 30 1234567 4111111111111111 DE89370400440532013000 192.0.2.17 sk-abcdEFGH1234567890"
    assert redacted(text, list(FINDERS)) == "[email] [phone] [credit_card] [iban] [ip] [secret]"


@given(st.text(alphabet="+0( )1-@.:/ab=E", max_size=300))
def test_twice_is_once(text: str) -> None:
    once = redacted(text, ["email", "ip", "credit_card", "iban"])
    assert redacted(once, ["email", "ip", "credit_card", "iban"]) == once
