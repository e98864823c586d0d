"""Reads tokenizer.json as llama.cpp wants it: tokens, their types, and how text is split before it is tokenized.

llama.cpp knows ways of splitting by name, and a wrong one changes what a model reads without any error. So a tokenizer
is taken only if it is exactly one that is known here, and what it makes of a text is compared afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gguf import TokenType
from msgspec import Struct
from tokenizers import Tokenizer

from tropism.weights.families import Unusable, read_json
from tropism.weights.probe import PROBE
from tropism.weights.selection import TOKENIZER

_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_BY_PATTERN = {_WORDS + r"\p{N}{1,3}" + _REST: "llama-bpe", _WORDS + r"\p{N}" + _REST: "qwen2"}
_SPACE = "\u2581"


class Vocabulary(Struct, kw_only=True, frozen=True):
    """All tokens in the order of their ids."""

    model: str
    """What llama.cpp calls this kind: `gpt2` merges bytes, `llama` pieces of text as SentencePiece does."""
    pre: str
    tokens: list[str]
    types: list[int]
    scores: list[float] | None
    adds_space: bool | None


def probe_tokens(folder: Path) -> list[int]:
    """What the original tokenizer makes of the probe."""
    return list(Tokenizer.from_file(str(folder / TOKENIZER)).encode(PROBE, add_special_tokens=False).ids)


def read_vocabulary(folder: Path, size: int) -> Vocabulary:
    """The tokenizer of a model with `size` tokens. Raises `Unusable` for one that llama.cpp would read otherwise."""
    whole = read_json(folder / TOKENIZER)
    model = whole.get("model") or {}
    if model.get("type") != "BPE":
        raise Unusable(f"the tokenizer is of type {model.get('type')!r}; only BPE can be converted here")
    pieces = bool(model.get("byte_fallback"))
    tokens, types = _tokens(whole, size)
    return Vocabulary(
        model="llama" if pieces else "gpt2",
        pre="default" if pieces else _splitting(whole),
        tokens=tokens,
        types=types,
        scores=_scores(model, tokens) if pieces else None,
        adds_space=_adds_space(whole) if pieces else None,
    )


def _tokens(whole: Mapping[str, Any], size: int) -> tuple[list[str], list[int]]:
    known: dict[int, str] = {number: token for token, number in whole["model"]["vocab"].items()}
    added = {each["id"]: each for each in whole.get("added_tokens") or []}
    known |= {number: each["content"] for number, each in added.items()}
    if known and max(known) >= size:
        raise Unusable(f"the tokenizer has a token {max(known)}, and the model reads only {size}")
    # Weights are often padded to a round number of tokens that the tokenizer does not have.
    tokens = [known.get(number, f"[PAD{number}]") for number in range(size)]
    return tokens, [_type(number, known, added, whole["model"]) for number in range(size)]


def _type(number: int, known: Mapping[int, str], added: Mapping[int, Any], model: Mapping[str, Any]) -> int:
    if number not in known:
        return int(TokenType.UNUSED)
    token = known[number]
    if model.get("byte_fallback") and token == (model.get("unk_token") or "<unk>"):
        return int(TokenType.UNKNOWN)
    if model.get("byte_fallback") and len(token) == 6 and token.startswith("<0x"):
        return int(TokenType.BYTE)
    if number in added:
        return int(TokenType.CONTROL if added[number].get("special") else TokenType.USER_DEFINED)
    return int(TokenType.NORMAL)


def _scores(model: Mapping[str, Any], tokens: list[str]) -> list[float]:
    """SentencePiece joins the pair with the best score first, and a list of merges says the same by its order."""
    merges = [each.split(" ") if isinstance(each, str) else each for each in model.get("merges") or []]
    rank: dict[str, int] = {}
    for place, pair in enumerate(merges):
        rank.setdefault("".join(pair), place)
    return [-float(rank.get(token, len(merges))) for token in tokens]


def _splitting(whole: Mapping[str, Any]) -> str:
    """llama.cpp's name for the way in which this tokenizer splits text first."""
    steps = _steps(whole.get("pre_tokenizer"), "pretokenizers")
    kinds = [step.get("type") for step in steps]
    if any(step.get("add_prefix_space") for step in steps):
        raise Unusable("the tokenizer puts a space in front of every text, which llama.cpp does not for this kind")
    if kinds == ["ByteLevel"] and steps[0].get("use_regex", True):
        return "gpt-2"
    if kinds == ["Digits", "ByteLevel"] and steps[0].get("individual_digits") and steps[1].get("use_regex", True):
        return "smollm"
    if kinds == ["Split", "ByteLevel"] and steps[0].get("behavior") == "Isolated" and not steps[1].get("use_regex"):
        name = _BY_PATTERN.get((steps[0].get("pattern") or {}).get("Regex", ""))
        if name is not None:
            return name
    raise Unusable("the tokenizer splits text in a way that is not known here; add a GGUF file of the model instead")


def _adds_space(whole: Mapping[str, Any]) -> bool:
    """Whether a space comes in front of a text. What else could happen to it first is not taken."""
    normal = _steps(whole.get("normalizer"), "normalizers")
    before = _steps(whole.get("pre_tokenizer"), "pretokenizers")
    kinds = [step.get("type") for step in (*normal, *before)]
    if kinds == ["Prepend", "Replace"]:
        return True
    if kinds == ["Replace"]:
        return False
    if kinds == ["Metaspace"] and before[0].get("replacement") == _SPACE:
        return bool(before[0].get("prepend_scheme", "always") != "never")
    raise Unusable("the tokenizer prepares text in a way that is not known here; add a GGUF file of the model instead")


def _steps(part: Mapping[str, Any] | None, name: str) -> list[Mapping[str, Any]]:
    if part is None:
        return []
    return list(part[name]) if part.get("type") == "Sequence" else [part]
