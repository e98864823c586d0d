"""Tokenizers of each known kind: llama.cpp makes of a text what they make of it, and others are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from gguf import TokenType
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from tropism.engines.llama_cpp import LlamaCppEngine
from tropism.engines.protocol import ModelSource
from tropism.weights.convert import convert
from tropism.weights.families import Unusable
from tropism.weights.probe import PROBE
from tropism.weights.tokenizer import _BY_PATTERN, probe_tokens, read_vocabulary

from . import tiny


def _split(pattern: str) -> Any:
    bytes_alone = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), bytes_alone])


PATTERNS = {name: pattern for pattern, name in _BY_PATTERN.items()}
BYTE_LEVEL = pre_tokenizers.ByteLevel(add_prefix_space=False)
SPLITTING = {
    "gpt-2": BYTE_LEVEL,
    "smollm": pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), BYTE_LEVEL]),
    "llama-bpe": _split(PATTERNS["llama-bpe"]),
    "qwen2": _split(PATTERNS["qwen2"]),
}


def _pieces(prepend: bool) -> Tokenizer:
    """As SentencePiece has it: pieces of text, a space as a sign, and bytes for what is in no piece."""
    learned = Tokenizer(models.BPE(unk_token="<unk>"))
    steps = [normalizers.Prepend("▁")] if prepend else []
    learned.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", "▁")])
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False)
    learned.train_from_iterator([*tiny.WORDS, "Hello world, it's here"] * 4, trainer)
    whole = json.loads(learned.to_str())
    old = sorted(whole["model"]["vocab"], key=lambda token: int(whole["model"]["vocab"][token]))
    tokens = [*old[:3], *(f"<0x{byte:02X}>" for byte in range(256)), *old[3:]]
    whole["model"] |= {"vocab": {token: number for number, token in enumerate(tokens)}, "byte_fallback": True}
    whole["model"]["fuse_unk"] = True
    made = Tokenizer.from_str(json.dumps(whole))
    made.decoder = decoders.ByteFallback()
    return made


async def _as_served(folder: Path, tokenizer: Tokenizer) -> list[int]:
    """What llama.cpp makes of the probe with this tokenizer."""
    tiny.make_folder(folder, tokenizer=tokenizer)
    convert(folder, folder / "model.gguf", lambda done, total: None)
    source = ModelSource(key="k", kind="Generation", path=folder / "model.gguf", slots=1, context=256, threads=1)
    engine = LlamaCppEngine(source)
    try:
        await engine.start()
        return await engine.tokenize(PROBE)
    finally:
        await engine.close()


@pytest.mark.parametrize("name", sorted(SPLITTING))
async def test_text_is_split_as_the_original_splits_it(tmp_path: Path, name: str) -> None:
    tokenizer = tiny.make_tokenizer(SPLITTING[name], [PROBE], 800)
    served = await _as_served(tmp_path, tokenizer)
    assert read_vocabulary(tmp_path, tokenizer.get_vocab_size() + 5).pre == name
    assert served == probe_tokens(tmp_path) == tokenizer.encode(PROBE, add_special_tokens=False).ids


def test_a_wrong_way_to_split_is_seen_in_the_probe() -> None:
    made = {name: tiny.make_tokenizer(way, [PROBE], 800).encode(PROBE).tokens for name, way in SPLITTING.items()}
    assert len({tuple(tokens) for tokens in made.values()}) == len(made)


@pytest.mark.parametrize("prepend", [True, False])
async def test_pieces_are_joined_as_sentencepiece_joins_them(tmp_path: Path, prepend: bool) -> None:
    tokenizer = _pieces(prepend)
    served = await _as_served(tmp_path, tokenizer)
    assert served == probe_tokens(tmp_path)
    vocabulary = read_vocabulary(tmp_path, tokenizer.get_vocab_size() + 5)
    assert (vocabulary.model, vocabulary.adds_space) == ("llama", prepend)
    kinds = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL, TokenType.BYTE]
    assert vocabulary.types[:4] == [int(kind) for kind in kinds]
    assert vocabulary.types[-5:] == [int(TokenType.UNUSED)] * 5


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model": {"type": "Unigram", "vocab": []}}, "of type 'Unigram'"),
        ({"pre_tokenizer": {"type": "Whitespace"}}, "splits text in a way that is not known"),
        ({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True}}, "puts a space in front"),
        ({"pre_tokenizer": None}, "splits text in a way that is not known"),
    ],
)
def test_a_tokenizer_that_would_be_read_otherwise_is_refused(
    tmp_path: Path, change: dict[str, Any], reason: str
) -> None:
    tiny.make_folder(tmp_path)
    file = tmp_path / "tokenizer.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(Unusable) as caught:
        read_vocabulary(tmp_path, 500)
    assert reason in str(caught.value)


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused(tmp_path: Path) -> None:
    tiny.make_folder(tmp_path)
    with pytest.raises(Unusable, match=r"has a token \d+, and the model reads only 300"):
        read_vocabulary(tmp_path, 300)
