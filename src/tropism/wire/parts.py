"""What a message may hold besides plain text: parts of text, pictures, sound and files, as OpenAI's wire names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

Url = Annotated[
    str,
    Meta(
        pattern="^(https?://|gs://|data:)",
        description="An http(s) URL that the provider fetches by itself, or a `data:` URL that holds the content.",
    ),
]


class TextPart(Struct, kw_only=True, frozen=True, tag_field="type", tag="text"):
    """A piece of text."""

    text: str


class ImageUrl(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Where a picture is."""

    url: Url
    detail: Literal["auto", "low", "high"] | None = None


class ImagePart(Struct, kw_only=True, frozen=True, tag_field="type", tag="image_url"):
    """A picture."""

    image_url: ImageUrl


class InputAudio(Struct, kw_only=True, frozen=True):
    """Sound as base64."""

    data: str
    format: Literal["wav", "mp3"]


class AudioPart(Struct, kw_only=True, frozen=True, tag_field="type", tag="input_audio"):
    """Sound that the model shall hear."""

    input_audio: InputAudio


class FileContent(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A file: its content as a `data:` URL, or the id that it has at the provider."""

    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class FilePart(Struct, kw_only=True, frozen=True, tag_field="type", tag="file"):
    """A file that the model shall read, such as a PDF."""

    file: FileContent


ContentPart = TextPart | ImagePart | AudioPart | FilePart
Content = str | list[ContentPart]


def text_of(content: str | Sequence[ContentPart] | None) -> str:
    """The words of a content, without what stands between them."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part.text for part in content if isinstance(part, TextPart))
