"""One definition per operation, two faces.

An operation is a generator that yields steps (send this, sleep so long, tell the time, do this with a file) and returns
a value. It does no I/O. `SyncResource` and `AsyncResource` each hold the one loop that carries steps out, and
`operation` shows the generator as a plain method on the first and as a coroutine on the second.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Coroutine, Generator
from contextlib import closing
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeAlias, TypeVar, overload
from uuid import UUID

from tropism.sdk.errors import TropismError
from tropism.sdk.request import Request
from tropism.sdk.stream import AsyncStream, Stream

if TYPE_CHECKING:
    from tropism.sdk.connection import AsyncConnection, Connection

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Now:
    """Tell the time, in seconds since some moment."""


@dataclass(frozen=True, slots=True)
class Work:
    """Do this where it holds up nobody, and say what came out: it reads a file, or takes its time."""

    function: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Save:
    """Hand the bytes of an open answer to `write`, until its end."""

    live: Any
    write: Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said. `live` is the open response when a stream or a file was asked for and granted."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    live: Any = None


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer came. `sent` is False when the request certainly did not reach the server."""

    error: TropismError
    sent: bool


Step: TypeAlias = Request | Sleep | Now | Work | Save
Flow: TypeAlias = Generator[Step, Any, T]
Reference: TypeAlias = str | UUID
"""The key of an entity, or its id."""


PIECE = 1024 * 1024
"""A file is written in pieces of so many bytes."""


@dataclass(slots=True)
class Defaults:
    """What a client's resources share."""

    use_case: str | None = None


class Resource:
    """What the operations of both faces need."""

    _defaults: Defaults

    def _use_case(self, given: Reference | None) -> str:
        chosen = self._defaults.use_case if given is None else str(given)
        if chosen:
            return chosen
        raise TropismError("Which use case? Give `use_case=...`, or `client.set_default_use_case(key)` once.")

    def _pieces(self, answer: Answer, chunk: type[T]) -> Any:
        """The open answer as this face iterates over it."""
        raise NotImplementedError


class SyncResource(Resource):
    """Carries out flows and waits."""

    def __init__(self, connection: Connection, defaults: Defaults) -> None:
        self._connection = connection
        self._defaults = defaults

    def _pieces(self, answer: Answer, chunk: type[T]) -> Stream[T]:
        return Stream(answer.live, chunk)

    def _run(self, flow: Flow[T]) -> T:
        reply: Any = None
        with closing(flow):
            while True:
                try:
                    step = flow.send(reply)
                except StopIteration as stop:
                    value: T = stop.value
                    return value
                reply = self._carry_out(step)

    def _carry_out(self, step: Step) -> Any:
        match step:
            case Request():
                return self._connection.send(step)
            case Sleep(seconds):
                return time.sleep(seconds)
            case Now():
                return time.monotonic()
            case Work(function):
                return function()
            case Save(live, write):
                with closing(live):
                    for piece in live.pieces(PIECE):
                        write(piece)


class AsyncResource(Resource):
    """Carries out flows and lets others work in the meantime."""

    def __init__(self, connection: AsyncConnection, defaults: Defaults) -> None:
        self._connection = connection
        self._defaults = defaults

    def _pieces(self, answer: Answer, chunk: type[T]) -> AsyncStream[T]:
        return AsyncStream(answer.live, chunk)

    async def _run(self, flow: Flow[T]) -> T:
        reply: Any = None
        with closing(flow):
            while True:
                try:
                    step = flow.send(reply)
                except StopIteration as stop:
                    value: T = stop.value
                    return value
                reply = await self._carry_out(step)

    async def _carry_out(self, step: Step) -> Any:
        import asyncio  # as long to import as the whole SDK, and the sync face never needs it

        match step:
            case Request():
                return await self._connection.send(step)
            case Sleep(seconds):
                return await asyncio.sleep(seconds)
            case Now():
                return time.monotonic()
            case Work(function):
                return await asyncio.to_thread(function)
            case Save(live, write):
                try:
                    async for piece in live.pieces(PIECE):
                        await asyncio.to_thread(write, piece)
                finally:
                    await live.close()


class operation(Generic[P, T]):
    """Show a flow as a plain method of a sync resource and a coroutine of an async one."""

    def __init__(self, flow: Callable[Concatenate[Any, P], Flow[T]]) -> None:
        self.flow = flow
        self.__doc__ = flow.__doc__
        self._sync, self._async = _faces(flow)

    @overload
    def __get__(self, obj: None, owner: type) -> operation[P, T]: ...
    @overload
    def __get__(self, obj: SyncResource, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, obj: AsyncResource, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, obj: Any, owner: type) -> Any:
        if issubclass(owner, SyncResource):
            return self._sync.__get__(obj, owner)
        if issubclass(owner, AsyncResource):
            return self._async.__get__(obj, owner)
        return self


def streaming(flow: Callable[..., Flow[Any]]) -> Any:
    """`operation` for a flow whose answer depends on `stream`: overloads above it say what comes out."""
    return operation(flow)


def _faces(flow: Callable[..., Flow[Any]]) -> tuple[Any, Any]:
    @wraps(flow)
    def plain(self: Any, *args: Any, **kwargs: Any) -> Any:
        return self._run(flow(self, *args, **kwargs))

    @wraps(flow)
    async def awaited(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await self._run(flow(self, *args, **kwargs))

    # What a person sees in `help` is what comes out, not the generator in between.
    returns = str(flow.__annotations__["return"]).removeprefix("Flow[").removesuffix("]")
    for face in (plain, awaited):
        face.__annotations__ = {**flow.__annotations__, "return": returns}
        setattr(face, "__signature__", inspect.signature(flow).replace(return_annotation=returns))  # noqa: B010
    return plain, awaited
