"""Every row of the API with every built-in role: what the docs say is what happens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tropism import Tropism
from tropism.server.domains.access.roles import ROLES
from tropism.testing import run_server
from tropism.wire.api import ENDPOINTS
from tropism.wire.endpoint import Endpoint

CLOSED = [row for row in ENDPOINTS if row.permission is not None]


@pytest.fixture(scope="module")
def keys() -> Iterator[tuple[str, dict[str, str]]]:
    """A server's address and a key for each role; the users are in a team with nothing in it."""
    with run_server() as server, Tropism(server.base_url, server.api_key) as client:
        client.teams.create("empty")
        made = {}
        for role in ROLES:
            client.users.create(f"{role}@example.com", role, "empty", role, kind="service")
            made[role] = client.api_keys.create(role, user=f"{role}@example.com").key
        revoked = client.api_keys.create("revoked")
        client.api_keys.revoke(revoked.id)
        made["revoked"] = revoked.key
        yield server.base_url, made


def ask(url: str, row: Endpoint[Any, Any], key: str) -> int:
    path = re.sub(r"{\w+}", lambda _: str(uuid4()), row.path)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    content = b"{}" if row.has_body else None
    return httpx2.request(row.method, url + path, headers=headers, content=content).status_code


@pytest.mark.parametrize("row", CLOSED, ids=lambda row: row.name)
def test_each_role_may_do_what_it_holds_and_nothing_else(
    keys: tuple[str, dict[str, str]], row: Endpoint[Any, Any]
) -> None:
    url, by_role = keys
    answers = {role: ask(url, row, by_role[role]) for role in ROLES}
    for role, status in answers.items():
        if row.permission in ROLES[role]:
            assert status in (200, 201, 400, 404, 409, 422), f"{role} holds {row.permission}"
        else:
            assert status == 403, f"{role} lacks {row.permission}"
    assert ask(url, row, by_role["revoked"]) == 401


def test_every_permission_opens_some_row() -> None:
    from tropism.wire.permissions import PERMISSIONS

    assert {row.permission for row in CLOSED} == set(PERMISSIONS)
