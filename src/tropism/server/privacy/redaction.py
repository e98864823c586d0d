"""Blot out what looks like a secret or names a person, before it is stored.

Patterns find candidates; where such numbers carry a check digit, it decides. That finds what is written as such things
usually are, and nothing that takes understanding: no names of people, no street addresses. The texts are anybody's, so
no pattern may take more than linear time: repetitions are bounded, or cannot begin inside of each other.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec
from msgspec import structs

from tropism.wire.chat import ChatMessage
from tropism.wire.parts import Content, TextPart
from tropism.wire.tools import ToolCall
from tropism.wire.use_cases import Redactable

LONGEST_NAME = 64
"""Of who speaks in a message; what is longer could not be read again."""
Measure = Callable[[str], int]
"""How many characters of a candidate, from its beginning, are such a thing."""


def redacted(text: str, kinds: Collection[Redactable]) -> str:
    """The text with `[email]` and the like in place of what was found. Doing it twice does no more.

    In JSON, as tools and structured answers have it, what is meant is looked at, not how it is written: after `\\n` a
    key would look like the middle of a word, and what is left has to be JSON still.
    """
    if not text.lstrip(" \t\r\n").startswith(("{", "[")):
        return _blotted(text, kinds)
    try:
        found = msgspec.json.decode(text)
        kept = redacted_structure(found, kinds)
        return text if kept == found else msgspec.json.encode(kept).decode()
    except (msgspec.DecodeError, RecursionError):  # no JSON, or deeper than can be read
        return _blotted(text, kinds)


def redacted_structure(value: Any, kinds: Collection[Redactable]) -> Any:
    """The same JSON, every name, text and number in it redacted. However deep it is, for it is anybody's."""
    root = [value]
    unseen: list[tuple[Any, Any]] = [(root, 0)]
    while unseen:
        holder, place = unseen.pop()
        each = holder[place]
        if isinstance(each, dict):
            holder[place] = _renamed(each, kinds)
            unseen += [(holder[place], name) for name in holder[place]]
        elif isinstance(each, list):
            holder[place] = list(each)
            unseen += [(holder[place], index) for index in range(len(each))]
        else:
            holder[place] = _redacted_value(each, place if isinstance(holder, dict) else None, kinds)
    return root[0]


def _renamed(given: dict[str, Any], kinds: Collection[Redactable]) -> dict[str, Any]:
    """The same object; of names that would be alike now, all but the first get a number."""
    made: dict[str, Any] = {}
    for name, value in given.items():
        wanted = kept = _blotted(name, kinds)
        number = 1
        while kept in made:
            number += 1
            kept = f"{wanted} {number}"
        made[kept] = value
    return made


def _redacted_value(value: Any, name: str | None, kinds: Collection[Redactable]) -> Any:
    """A text, or a number that is a card's; what it is called may say that it is a secret."""
    if isinstance(value, str):
        said = redacted(value, kinds)
        if name is None or not _NAMES_A_SECRET.search(name):
            return said
        return _blotted(f"{name}={said}", kinds).removeprefix(f"{name}=")
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    kept = _blotted(str(value), kinds)
    return value if kept == str(value) else kept


def _blotted(text: str, kinds: Collection[Redactable]) -> str:
    for kind, (pattern, measure) in FINDERS.items():
        if kind in kinds:
            text = _without(text, kind, pattern, measure)
    return text


def redacted_messages(messages: Sequence[ChatMessage], kinds: Collection[Redactable]) -> list[ChatMessage]:
    """The same messages, their texts redacted. Pictures, sound and files stay as they are."""
    return [
        structs.replace(
            message,
            content=_redacted_content(message.content, kinds),
            name=message.name and redacted(message.name, kinds)[:LONGEST_NAME],
            tool_calls=redacted_calls(message.tool_calls, kinds),
        )
        for message in messages
    ]


def redacted_calls(calls: Sequence[ToolCall] | None, kinds: Collection[Redactable]) -> list[ToolCall] | None:
    """The same calls of tools, their arguments redacted."""
    if calls is None:
        return None
    return [
        structs.replace(
            call, function=structs.replace(call.function, arguments=redacted(call.function.arguments, kinds))
        )
        for call in calls
    ]


def _redacted_content(content: Content | None, kinds: Collection[Redactable]) -> Content | None:
    if content is None or isinstance(content, str):
        return content and redacted(content, kinds)
    return [
        structs.replace(part, text=redacted(part.text, kinds)) if isinstance(part, TextPart) else part
        for part in content
    ]


def _without(text: str, kind: Redactable, pattern: re.Pattern[str], measure: Measure) -> str:
    def blot(found: re.Match[str]) -> str:
        # Where a pattern names the part `it`, what stands before it stays.
        start = found.start("it") if found.re.groupindex and found["it"] is not None else found.start()
        length = measure(found.string[start : found.end()])
        return text[found.start() : start] + (f"[{kind}]" if length else "") + text[start + length : found.end()]

    return pattern.sub(blot, text)


def card(text: str) -> int:
    """Luhn's check digit, and one of the lengths and beginnings that cards have."""
    digits = [int(each) for each in text if each.isdigit()]
    doubled = [each * 2 - 9 * (each > 4) for each in digits[-2::-2]]
    is_one = 13 <= len(digits) <= 19 and digits[0] in (2, 3, 4, 5, 6) and (sum(digits[::-2]) + sum(doubled)) % 10 == 0
    return len(text) if is_one else 0


def iban(text: str) -> int:
    """ISO 13616: the number that letters and digits make leaves 1 when divided by 97. A word may follow."""
    for end in range(len(text), 14, -1):
        if text[end : end + 1].isalnum():
            continue
        plain = re.sub(r"[ -]", "", text[:end]).upper()
        number = "".join(str(int(each, 36)) for each in plain[4:] + plain[:4])
        if 15 <= len(plain) <= 34 and int(number) % 97 == 1:
            return end
    return 0


def address(text: str) -> int:
    """IPv4, or IPv6 of at least two groups: `::` alone is also a word of programs."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return 0
    return len(text) if ":" not in text or sum(map(bool, text.split(":"))) > 1 else 0


def phone(text: str) -> int:
    """As many digits as E.164 allows, and international, with a leading zero, or grouped as in North America."""
    digits = sum(each.isdigit() for each in text)
    written = text.startswith(("+", "00", "0", "(0", "(+")) or _NORTH_AMERICAN.fullmatch(text)
    return len(text) if 8 <= digits <= 15 and written and not _DATE.fullmatch(text) else 0


_DATE = re.compile(r"\d{1,2}[-./ ]\d{1,2}[-./ ]\d{4}(?: \d{1,2})?")
_NORTH_AMERICAN = re.compile(r"(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}")
_PREFIXES = (
    r"sk-|[prs]k_live_|sk_test_|whsec_|gh[pousr]_|github_pat_|glpat-|hf_|xox[abeoprs]-|tk_|npm_|pypi-|AIza|ya29\.|SG\."
)
_NAMES = r"password|passwd|pwd|secret|api[_-]?key|access[_-]?token|auth[_-]?token"
_NAMES_A_SECRET = re.compile(rf"(?i:(?<![A-Za-z0-9])(?:{_NAMES})\Z)")
_ESCAPE = r"(?<=\\[nrt])"
"""What stands behind the `n` of a line's end as JSON and programs write it, begins there."""
_SECRET = (
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)"
    rf"|(?:(?<![A-Za-z0-9_-])|{_ESCAPE})(?:{_PREFIXES})(?=[A-Za-z_.-]{{0,60}}\d)[A-Za-z0-9_.-]{{12,}}"
    r"|(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])"
    rf"|(?:(?<![\w-])|{_ESCAPE})eyJ[\w-]{{8,}}\.[\w-]{{8,}}\.[\w-]*"  # a JSON web token
    # What follows such a word, and whom a URL names before its host.
    rf"|(?:(?i:\bbearer)\s{{1,3}}(?=[A-Za-z_.~+/-]{{0,60}}\d)(?=[\w.~+/-]{{16}})"
    rf"|(?i:(?<![A-Za-z0-9])(?:{_NAMES})\b)[\"']?\s{{0,3}}[:=]\s{{0,3}}[\"']?(?=[^\s\"',;]{{4}}))(?P<it>[^\s\"',;]+)"
    r"|(?<=://)[^\s/:@]{1,200}:[^\s/@]{1,200}(?=@)"
)
_EMAIL = (
    rf"(?:(?<![\w.+-])(?<!\\(?=[nrt]))|{_ESCAPE})"
    r"[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])"
)
_IBAN = (
    rf"(?:(?<![A-Za-z0-9])|{_ESCAPE})[A-Za-z]{{2}}\d{{2}}"
    r"(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,3})?(?![A-Za-z0-9])"
)
_CARD = r"(?<![\d.+-])\d(?:[ -]?\d){12,18}(?![\d-])"
_IPV6 = r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?:(?:\.\d{1,3}){3})?"
_IP = rf"(?:(?<![\w.:])|{_ESCAPE})(?:\d{{1,3}}(?:\.\d{{1,3}}){{3}}|{_IPV6})(?![\w:]|\.\d)"
_PHONE = (
    rf"(?:(?<![\w.+-])|{_ESCAPE})(?:\+|\(\+?)?\d"
    r"(?:[ ./-]?\(?\d\)?){6,17}(?:(?<=\d)|(?<=\)))(?![\w]|[.-]\d)"
)

FINDERS: dict[Redactable, tuple[re.Pattern[str], Measure]] = {
    "secret": (re.compile(_SECRET, re.DOTALL), len),
    "email": (re.compile(_EMAIL), len),
    "iban": (re.compile(_IBAN), iban),
    "credit_card": (re.compile(_CARD), card),
    "ip": (re.compile(_IP), address),
    "phone": (re.compile(_PHONE), phone),
}
"""How each kind is found, in this order: a secret may hold what looks like another kind."""
