"""How a domain says what its jobs do: a function per kind, given a `Run` to work with.

A job may be begun more than once: its worker can die between any two lines. What it stores through `Run.write` is
stored once, with the progress that it means, and a function that is begun again asks the database what is there
already. When the job was canceled, or another worker took it over, `Run.write` raises `Stopped`; the function is
cancelled within a second in any case.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, Generic, Literal, ParamSpec, Protocol, TypeVar
from uuid import UUID

import msgspec

from tropism.engines.protocol import Engine, EngineError
from tropism.server.context import Services
from tropism.server.database.session import Reading, Writing
from tropism.wire.jobs import JobKind
