"""What the processes that bring models here are asked, and what they answer: a line of JSON each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from tropism.weights.size import size_so_far

PART = ".part"
"""What the name of a file ends with that is not whole, or not checked yet."""


class HubFile(Struct, kw_only=True, frozen=True):
    """A file of a repository. Large ones have a sha256, small ones only what git calls them."""

    name: str
    size: int
    sha256: str | None
    git: str | None


class Found(Struct, kw_only=True, frozen=True, tag=True):
    """What is taken of a repository, at one commit, whatever becomes of its branches."""

    hf_model_id: str
    revision: str
    kind: Literal["safetensors", "gguf"]
    small: Sequence[HubFile]
    weights: Sequence[HubFile]
    licence: str | None
    base_model: str | None

    @property
    def size(self) -> int:
        return sum(file.size for file in (*self.small, *self.weights))

    def arrived(self, folder: Path) -> int:
        """How many bytes of the files are in the folder, those that are not whole included."""
        return sum(_arrived(folder / file.name) for file in (*self.small, *self.weights))

    def checked(self, folder: Path) -> int:
        """How many bytes are in files that are whole and checked."""
        return sum(file.size for file in (*self.small, *self.weights) if (folder / file.name).exists())


def _arrived(file: Path) -> int:
    # In the order of their lives: a part that is whole now has got the name that is looked at next.
    return size_so_far(file.with_name(f"{file.name}{PART}")) or size_so_far(file)


class Ask(Struct, kw_only=True, frozen=True):
    """What to look for on the hub, or, once it is `found`, where to put it. A token is in it: show it to nobody."""

    hub: str
    egress: Sequence[str]
    token: str | None
    hf_model_id: str
    revision: str | None
    file: str | None
    found: Found | None = None
    folder: str | None = None


class Verified(Struct, kw_only=True, frozen=True, tag=True):
    """So many bytes more were read to see whether they are what the hub says."""

    size: int


class Fetched(Struct, kw_only=True, frozen=True, tag=True):
    """All files are here, and are what the hub says."""


class Trouble(Struct, kw_only=True, frozen=True, tag=True):
    """Why it did not work, and whether it may a little later."""

    message: str
    passing: bool


class Prepare(Struct, kw_only=True, frozen=True):
    """The parts of a GGUF file to look at, or a folder and the file to make of it."""

    parts: Sequence[str] = ()
    folder: str | None = None
    target: str | None = None
    licence: str | None = None


class Written(Struct, kw_only=True, frozen=True, tag=True):
    """So many bytes of the new file are written."""

    size: int
    total: int


class GgufFacts(Struct, kw_only=True, frozen=True):
    """What a GGUF file says of its model: what is shown of it, and what it is run with."""

    kind: Literal["Generation", "Embedding"]
    architecture: str
    parameters: int
    context: int | None
    licence: str | None
    has_chat_template: bool


class Prepared(Struct, kw_only=True, frozen=True, tag=True):
    """There is a file that can be tried. `probe` is what its tokenizer has to make of a text, where that is known."""

    path: str
    facts: GgufFacts
    probe: list[int] | None


class Refused(Struct, kw_only=True, frozen=True, tag=True):
    """Nothing came of it, and why."""

    message: str
