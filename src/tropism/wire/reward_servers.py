"""Reward servers: programs of yours that say how good answers are, asked by trainers."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tropism.wire.endpoint import Endpoint
from tropism.wire.page import Nothing
from tropism.wire.values import Key, Name, Reference, Text, Time

Url = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2_000,
        description="Where the reward server is, such as http://127.0.0.1:8900; without user and password.",
    ),
]


class RewardServerCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A reward server to remember. The name defaults to the key, the team to the caller's own."""

    url: Url
    key: Key
    name: Name | None = None
    description: Text | None = None
    team: Reference | None = None


class RewardServer(Struct, kw_only=True, frozen=True):
    """A reward server, and whose it is. Whether it runs is found out with a test."""

    id: UUID
    key: str
    name: str
    description: str | None
    url: str
    team: str
    created_at: Time


class RewardServers(Struct, kw_only=True, frozen=True):
    """A list of reward servers."""

    reward_servers: list[RewardServer]


class RewardServerReference(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One reward server."""

    reward_server: Reference


class RewardServerTest(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which URL to look at; it need not be registered."""

    url: Url


class RewardServerReport(Struct, kw_only=True, frozen=True):
    """What is found at a URL: a reward server that can be used, or the reason why there is none."""

    url: str
    status: Literal["ONLINE", "OFFLINE"]
    reason: str | None
    name: str | None
    version: str | None
    description: str | None
    metadata_schema: dict[str, Any] | None


ADD = Endpoint(
    method="POST",
    path="/api/v1/reward_servers",
    takes=RewardServerCreate,
    returns=RewardServer,
    permission="reward_server:create",
    summary="Register a reward server",
    status=201,
)
LIST = Endpoint(
    method="GET",
    path="/api/v1/reward_servers",
    takes=Nothing,
    returns=RewardServers,
    permission="reward_server:read",
    summary="List reward servers",
)
REMOVE = Endpoint(
    method="DELETE",
    path="/api/v1/reward_servers/{reward_server}",
    takes=RewardServerReference,
    returns=Nothing,
    permission="reward_server:delete",
    summary="Forget a reward server",
)
TEST = Endpoint(
    method="POST",
    path="/api/v1/reward_servers/test",
    takes=RewardServerTest,
    returns=RewardServerReport,
    permission="reward_server:create",
    summary="Look whether there is a reward server at a URL",
    replayable=False,  # it is asked to hear how things stand now
)
