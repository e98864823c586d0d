"""Reward servers: registered in a team, seen by its members."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select, true

from tropism.egress.guard import checked_url
from tropism.egress.policy import Egress, EgressRefused
from tropism.server.clock import time_of
from tropism.server.database.session import Reading, Writing
from tropism.server.domains.access import teams
from tropism.server.errors import Conflict, InvalidRequest, NotFound
from tropism.server.references import refers, refuse_id
from tropism.server.tables.access import team
from tropism.server.tables.reward_servers import reward_server
from tropism.wire import reward_servers as wire
from tropism.wire.page import Nothing

_with_team = select(reward_server, team.c.key.label("team")).join(team)


def find(session: Reading, reference: str) -> Row[Any]:
    """The row of a reward server that the caller may see."""
    row = session.row(_with_team.where(refers(reward_server, reference)))
    if row is None or not session.principal.belongs_to(row.team_id):
        raise NotFound(
            f"no reward server {reference!r}; reward_servers.list() shows yours, "
            f"reward_servers.add(url, {reference!r}) adds one",
            param="reward_server",
        )
    session.about(row.team_id)
    return row


def list_all(session: Reading, _: Nothing) -> wire.RewardServers:
    principal = session.principal
    mine = true() if principal.is_system else reward_server.c.team_id.in_(principal.grants)
    rows = session.rows(_with_team.where(mine).order_by(reward_server.c.id))
    return wire.RewardServers(reward_servers=[_described(row) for row in rows])


def add(transaction: Writing, request: wire.RewardServerCreate, egress: Egress) -> wire.RewardServer:
    """Remember where a reward server is. Whether it runs is not looked at."""
    refuse_id(request.key, "key")
    refuse_url(request.url, egress)
    if transaction.row(select(reward_server.c.id).where(reward_server.c.key == request.key)):
        raise Conflict(f"there is a reward server {request.key!r} already; choose another key", param="key")
    values = {
        "id": transaction.new_id(),
        "key": request.key,
        "name": request.name or request.key,
        "description": request.description,
        "url": request.url.rstrip("/"),
        "team_id": teams.own(transaction, request.team, "reward_server:create").id,
    }
    transaction.run(insert(reward_server).values(**values))
    return _described(find(transaction, request.key))


def remove(transaction: Writing, request: wire.RewardServerReference) -> Nothing:
    row = find(transaction, request.reward_server)
    transaction.run(delete(reward_server).where(reward_server.c.id == row.id))
    return Nothing()


def refuse_url(url: str, egress: Egress) -> None:
    """Raise for a URL at which no reward server can be, or to which we do not connect."""
    try:
        checked_url(url, egress)
    except EgressRefused as error:
        raise InvalidRequest(error.strerror or str(error), param="url") from None
    except ValueError as error:
        raise InvalidRequest(str(error), param="url") from None


def _described(row: Row[Any]) -> wire.RewardServer:
    return wire.RewardServer(
        id=row.id,
        key=row.key,
        name=row.name,
        description=row.description,
        url=row.url,
        team=row.team,
        created_at=time_of(row.id),
    )
