"""Which files of a model's repository or folder are taken: safetensors or GGUF, and never pickles, which run code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import Literal

from msgspec import Struct

from tropism.weights.families import CONFIG, Unusable

INDEX = "model.safetensors.index.json"
TOKENIZER = "tokenizer.json"
SMALL = (
    *(CONFIG, "generation_config.json", INDEX),
    *(TOKENIZER, "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja", "chat_template.json"),
)
"""What is read of a model besides its weights, and what its trainers want to have beside them."""
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle", "*.msgpack", "*.h5")
_WEIGHTS = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors")
_PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf")


class Selection(Struct, kw_only=True, frozen=True):
    """The files to take, by their names; the small ones say whether the others are worth it."""

    kind: Literal["safetensors", "gguf"]
    small: Sequence[str]
    weights: Sequence[str]


def select(names: Iterable[str], file: str | None = None) -> Selection:
    """What to take of these files. `file` names one of several GGUF files. Raises `Unusable` with the reason."""
    there = sorted(name for name in names if _stays_inside(name))
    if file is not None or not any(map(_WEIGHTS.fullmatch, there)):
        return _gguf(there, file)
    for needed, remedy in ((CONFIG, "add a GGUF file"), (TOKENIZER, "save it with a fast tokenizer of transformers")):
        if needed not in there:
            raise Unusable(f"there are weights, but no {needed}; {remedy}")
    whole = [name for name in there if _WEIGHTS.fullmatch(name)]
    # Some have the same weights twice, whole and in parts; the index, if there is one, is about the parts.
    chosen = [name for name in whole if (name != "model.safetensors") == (INDEX in there)]
    if not chosen:
        raise Unusable(f"{INDEX} and the safetensors files do not fit together")
    return Selection(kind="safetensors", small=[name for name in SMALL if name in there], weights=chosen)


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name


def parts_of(path: str) -> list[str]:
    """All files of a GGUF model, by the path of the first or only one."""
    folder, _, name = path.rpartition("/")
    part = _PART.fullmatch(name)
    if part is None:
        return [path]
    before = f"{folder}/{part['stem']}" if folder else part["stem"]
    return [f"{before}-{number:05}-of-{part['count']}.gguf" for number in range(1, int(part["count"]) + 1)]


def _gguf(there: Sequence[str], file: str | None) -> Selection:
    known = [name for name in there if name.endswith(".gguf")]
    starts = [name for name in known if (part := _PART.fullmatch(name)) is None or part["number"] == "00001"]
    if file is None and len(starts) != 1:
        raise Unusable(_reason(there, starts))
    chosen = file or starts[0]
    if chosen not in starts:
        raise Unusable(f"there is no GGUF file {chosen!r}; there are {', '.join(starts) or 'none'}")
    part = _PART.fullmatch(chosen)
    if part is None:
        return Selection(kind="gguf", small=[], weights=[chosen])
    names = parts_of(chosen)
    if missing := sorted(set(names) - set(known)):
        raise Unusable(f"parts of {chosen!r} are missing: {', '.join(missing[:3])}")
    return Selection(kind="gguf", small=[], weights=names)


def _reason(there: Sequence[str], starts: Sequence[str]) -> str:
    if starts:
        return f"there are several GGUF files; say which one with `file`: {', '.join(starts)}"
    pickled = [name for name in there if any(fnmatch(name, pattern) for pattern in PICKLES)]
    if "adapter_model.safetensors" in there:
        return "this is an adapter and no whole model; merge it with its base, and add what comes of it"
    if pickled:
        return (
            f"the weights are there only in formats that can run code when they are read ({', '.join(pickled[:3])}); "
            "save the model again with save_pretrained, which writes safetensors"
        )
    return "there is neither a model.safetensors nor a GGUF file: this is no model that can be served here"
