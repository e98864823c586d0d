"""Variants: models with a system prompt and parameters of their own, in versions that can be gone back to."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from tropism.wire.values import LAST_NUMBER, Key, Name, Reference, Time

SystemPrompt = Annotated[
    str,
    Meta(
        max_length=100_000,
        description="What stands in `{{ }}` is filled in from the `system_prompt_args` of each request.",
    ),
]
SystemPromptArgs = Annotated[dict[Annotated[str, Meta(min_length=1, max_length=64)], Any], Meta(max_length=64)]


class Parameters(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Generation parameters of a variant, used where a request says nothing."""

    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None


class VariantCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A model with a system prompt and parameters of its own, on the engine of its backbone."""

    backbone: Reference
    key: Key
    name: Name | None = None
    system_prompt: SystemPrompt | None = None
    parameters: Parameters | None = None


class VariantUpdate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new version of a variant; what is left out stays as it is. An empty text takes the system prompt away."""

    model: Reference
    system_prompt: SystemPrompt | None = None
    parameters: Parameters | None = None


class VariantRollback(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The system prompt and parameters of an earlier version, as a new version."""

    model: Reference
    version: Annotated[int, Meta(ge=1, le=LAST_NUMBER)]


class Version(Struct, kw_only=True, frozen=True):
    """What a variant was at some time. `restored` is the earlier version that it repeats, if it does."""

    version: int
    system_prompt: str | None
    parameters: Parameters | None
    restored: int | None
    created_at: Time


class Versions(Struct, kw_only=True, frozen=True):
    """The versions of a variant, the latest first."""

    versions: list[Version]
