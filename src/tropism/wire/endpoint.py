"""An endpoint is one row of the API. The server serves it, the SDK calls it, OpenAPI lists it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from tropism.wire.permissions import Permission

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint(Generic[In, Out]):
    """One route.

    `takes` is one struct for all that the caller says: fields named in the path come from the path, the others from
    the JSON body, or from the query string where there is no such body. `permission=None` opens the route to callers
    without a key. `streams` is the struct of one server-sent event, for routes that may answer with events. `receives`
    is the media type of a body that is no JSON and taken as it is, `sends` that of a file that is the answer.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    takes: type[In]
    returns: type[Out]
    permission: Permission | None
    summary: str
    status: int = 200
    streams: type[Any] | None = None
    receives: str | None = None
    sends: str | None = None
    audited: bool = True
    """Whether a change that is made by this route is entered in the audit log; what is a log itself is not."""
    replayable: bool = True
    """A repeated call with the same idempotency key gives the first answer again. Generation does not: it costs."""

    name: str = field(init=False, compare=False)
    """The operation's name in the OpenAPI document, such as `post_api_v1_use_cases`."""

    def __post_init__(self) -> None:
        name = re.sub(r"\W+", "_", f"{self.method.lower()}{self.path}").strip("_")
        object.__setattr__(self, "name", name)

    @property
    def path_names(self) -> tuple[str, ...]:
        return tuple(re.findall(r"{(\w+)}", self.path))

    @property
    def has_body(self) -> bool:
        """Whether what is not in the path comes as JSON."""
        return self.method in ("POST", "PATCH") and self.receives is None
