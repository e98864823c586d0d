"""Your own reward server: a class with a `score`, served over HTTP."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, SupportsFloat, TypeAlias

from typing_extensions import TypeVar

from tropism.rewards.metadata import model_of
from tropism.wire.rewards import Info, RequestId, Turn

M = TypeVar("M", default=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Request(Generic[M]):
    """One answer to score. `metadata` is what its prompt came with, read into the server's model."""

    turns: Sequence[Turn]
    metadata: M
    id: RequestId | None = None

    @property
    def completion(self) -> str:
        """The answer itself: the text of the last turn."""
        return self.turns[-1].content


@dataclass(frozen=True, slots=True)
class Score:
    """A reward, and what else there is to say about it: any JSON object."""

    reward: SupportsFloat
    metadata: Mapping[str, Any] = field(default_factory=dict)


Scored: TypeAlias = SupportsFloat | Score


class RewardServer(ABC, Generic[M]):
    """Says how good answers are. Subclass it, write `score`, call `serve`.

    `RewardServer[Wanted]` reads the metadata of each request into `Wanted`: a dataclass, a TypedDict, a msgspec Struct
    or a pydantic model. Without one, metadata is a dict.
    """

    @abstractmethod
    def score(self, request: Request[M]) -> Scored | Awaitable[Scored]:
        """How good the answer is: a finite number, more is better; or a `Score` with metadata.

        A plain `score` is called in a thread, one request after the other, so it may take its time and need not be
        safe for threads. An `async` one is called for several requests at once. What it raises is told to the trainer.
        """

    def info(self) -> Info:
        """Who this is: the name and docstring of the class, unless you say otherwise."""
        kind = type(self)
        return Info(version="1", name=kind.__name__, description=inspect.cleandoc(kind.__doc__ or ""))

    @property
    def metadata_model(self) -> Any:
        """The type into which metadata is read."""
        return model_of(type(self), RewardServer)

    def serve(self, port: int = 8900, host: str = "127.0.0.1") -> None:
        """Answer until SIGTERM or Ctrl-C. Other machines reach it only with another `host`, such as "0.0.0.0"."""
        try:
            from tropism.rewards.http import serve
        except ModuleNotFoundError as missing:
            raise ModuleNotFoundError(
                f"a reward server needs the package {missing.name!r}: pip install 'tropism[rewards]'", name=missing.name
            ) from missing
        serve(self, host, port)
