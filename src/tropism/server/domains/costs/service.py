"""Reading the sums of what was spent."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, select

from tropism.server.clock import EPOCH
from tropism.server.database.session import Reading
from tropism.server.domains.costs.counting import NOBODY, SUMS
from tropism.server.domains.use_cases import service as use_cases
from tropism.server.errors import InvalidRequest
from tropism.server.identity.grants import seen_by
from tropism.server.prices import PriceList
from tropism.server.tables.access import api_key
from tropism.server.tables.costs import spending, user_spending
from tropism.server.tables.models import model
from tropism.server.tables.use_cases import use_case
from tropism.wire import costs as wire

_COLUMNS = {"use_case": "use_case_id", "model": "model_id", "api_key": "api_key_id", "user": "user_id", "day": "day"}


def query(session: Reading, request: wire.CostQuery) -> wire.Costs:
    """The sums by what was asked for, of the use cases that the caller may see."""
    by = list(dict.fromkeys(request.group_by))
    if "user" in by and {"model", "api_key"} & {*by}:
        raise InvalidRequest("users are summed up by use case and day, not by model or api_key", param="group_by")
    rows = _rows(session, request, by)
    named = _names(session, by, rows)
    found = [_cost({name: named[name].get(getattr(row, name), {}) for name in by}, row) for row in rows]
    dearest = sorted(found, key=lambda cost: (cost.day or date.min, -cost.cost_usd, -cost.requests))
    total = _rows(session, request, [])[0]
    return wire.Costs(costs=dearest, total=_cost({}, total))


def prices(listed: PriceList) -> wire.PriceList:
    """The known prices, by provider and model."""
    return wire.PriceList(
        prices=[
            wire.ListedPrice(provider=each.provider, model=each.model, prices=each.prices, source=each.source)
            for each in sorted(listed.values(), key=lambda each: (each.provider, each.model))
        ]
    )


def _rows(session: Reading, request: wire.CostQuery, by: list[wire.CostGroup]) -> list[Row[Any]]:
    table = user_spending if "user" in by else spending
    columns = [table.c[_COLUMNS[name]].label(name) for name in by]
    sums = [func.coalesce(func.sum(table.c[name]), 0).label(name) for name in SUMS]
    statement = select(*columns, *sums).join(use_case, use_case.c.id == table.c.use_case_id)
    grouped = statement.where(*_conditions(session, request, table)).group_by(*(table.c[_COLUMNS[name]] for name in by))
    return list(session.rows(grouped))


def _conditions(session: Reading, request: wire.CostQuery, table: Any) -> list[ColumnElement[bool]]:
    conditions = [seen_by(session.principal)]
    if request.use_case is not None:
        conditions.append(table.c.use_case_id == use_cases.find(session, request.use_case).id)
    if request.since is not None:
        conditions.append(table.c.day >= _day(request.since))
    if request.until is not None:
        conditions.append(table.c.day <= _day(request.until))
    return conditions


Names = dict[str, dict[Any, dict[str, Any]]]


def _names(session: Reading, by: list[wire.CostGroup], rows: list[Row[Any]]) -> Names:
    """How each group shows what it is about, by what the rows hold."""
    found: Names = {}
    for name in by:
        values = {getattr(row, name) for row in rows}
        match name:
            case "day":
                found[name] = {day: {"day": EPOCH.date() + timedelta(days=day)} for day in values}
            case "user":
                found[name] = {user: {"user": _somebody(user)} for user in values}
            case "use_case":
                found[name] = {id: {"use_case": key} for id, key in _keys(session, use_case, values).items()}
            case "model":
                found[name] = {id: {"model": key} for id, key in _keys(session, model, values).items()}
            case "api_key":
                names = _key_names(session, values)
                found[name] = {id: {"api_key": _somebody(id), "api_key_name": names.get(id)} for id in values}
    return found


def _keys(session: Reading, table: Any, ids: set[UUID]) -> dict[UUID, str]:
    return {row.id: row.key for row in session.rows(select(table.c.id, table.c.key).where(table.c.id.in_(ids)))}


def _key_names(session: Reading, ids: set[UUID]) -> dict[UUID, str]:
    statement = select(api_key.c.id, api_key.c.name).where(api_key.c.id.in_(ids))
    return {row.id: row.name for row in session.rows(statement)}


def _cost(names: dict[str, dict[str, Any]], row: Row[Any]) -> wire.Cost:
    shown: dict[str, Any] = {"use_case": None, "model": None, "api_key": None, "api_key_name": None}
    shown |= {"user": None, "day": None}
    for each in names.values():
        shown |= each
    return wire.Cost(**shown, **{name: getattr(row, name) for name in SUMS})


def _somebody(id: UUID) -> UUID | None:
    return None if id == NOBODY else id


def _day(day: date) -> int:
    return (day - EPOCH.date()).days
