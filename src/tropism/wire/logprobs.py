"""How likely the tokens of an answer were, in the shape of OpenAI's wire."""

from __future__ import annotations

from msgspec import Struct


class TopLogprob(Struct, kw_only=True, frozen=True):
    """A token that might have stood there."""

    token: str
    logprob: float
    bytes: list[int] | None = None


class TokenLogprob(Struct, kw_only=True, frozen=True):
    """A token of the answer, the logarithm of its probability, and the most likely tokens in its place."""

    token: str
    logprob: float
    bytes: list[int] | None = None
    top_logprobs: list[TopLogprob] = []


class Logprobs(Struct, kw_only=True, frozen=True):
    """The tokens of a whole answer, or of what a chunk adds."""

    content: list[TokenLogprob] | None = None
    refusal: list[TokenLogprob] | None = None
