"""Every row of the API with every built-in role, by key and by cookie: what the docs say is what happens."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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


Headers = dict[str, str]
PASSWORD = "correct horse battery"
ENDS_THE_CALLER = {"DELETE /api/v1/sign_ins"}
"""Asked last: from then on the caller is nobody."""
IN_ORDER = sorted(CLOSED, key=lambda row: f"{row.method} {row.path}" in ENDS_THE_CALLER)


@dataclass(frozen=True)
class Callers:
    """A server's address, and for each role how to call as a user who has it, in a team with nothing in it."""

    url: str
    by_key: dict[str, Headers]
    by_cookie: dict[str, Headers]
    refused: dict[str, Headers]
    """Callers who were somebody once."""


@pytest.fixture(scope="module")
def callers() -> Iterator[Callers]:
    with run_server() as server, Tropism(server.base_url, server.api_key) as client:
        client.teams.create("empty")
        made = Callers(server.base_url, {}, {}, {})
        for role in ROLES:
            client.users.create(f"{role}@example.com", role, "empty", role, kind="service")
            made.by_key[role] = bearer(client.api_keys.create(role, user=f"{role}@example.com").key)
            made.by_cookie[role] = signed_in(server.base_url, client, f"{role}-in-person@example.com", role)
        revoked = client.api_keys.create("revoked")
        client.api_keys.revoke(revoked.id)
        made.refused["revoked key"] = bearer(revoked.key)
        expired = client.api_keys.create("expired", expires_at=(ends := datetime.now(UTC) + timedelta(seconds=0.2)))
        made.refused["expired key"] = bearer(expired.key)
        made.refused["malformed key"] = bearer(revoked.key[:-1])
        made.refused["no key"] = {}
        made.refused["no bearer"] = {"Authorization": f"Basic {server.api_key}"}
        made.refused["signed out"] = signed_in(server.base_url, client, "gone@example.com", "admin")
        client.sign_ins.end_all("gone@example.com")
        made.refused["deactivated"] = signed_in(server.base_url, client, "inactive@example.com", "admin")
        client.users.deactivate("inactive@example.com")
        time.sleep(max(0.0, (ends - datetime.now(UTC)).total_seconds()))
        yield made


def bearer(key: str) -> Headers:
    return {"Authorization": f"Bearer {key}"}


def signed_in(url: str, client: Tropism, email: str, role: str) -> Headers:
    """A new person in the team `empty`, signed in."""
    client.users.create(email, role, "empty", role)
    client.passwords.set(client.passwords.make_link(email).token, PASSWORD)
    body = {"email": email, "password": PASSWORD}
    answer = httpx2.post(f"{url}/api/v1/sign_ins", json=body, headers={"X-Tropism-CSRF": "1"})
    return {"Cookie": answer.headers["set-cookie"].partition(";")[0], "X-Tropism-CSRF": "1"}


def ask(url: str, row: Endpoint[Any, Any], headers: Headers) -> int:
    path = re.sub(r"{\w+}", lambda _: str(uuid4()), row.path)
    content = b"{}" if row.has_body else None
    headers = {**headers, "Content-Type": "application/json"}
    return httpx2.request(row.method, url + path, headers=headers, content=content).status_code


@pytest.mark.parametrize("row", IN_ORDER, ids=lambda row: row.name)
def test_each_role_may_do_what_it_holds_and_nothing_else(callers: Callers, row: Endpoint[Any, Any]) -> None:
    for way in (callers.by_key, callers.by_cookie):
        for role in ROLES:
            status = ask(callers.url, row, way[role])
            if row.permission in ROLES[role]:
                assert status in (200, 201, 400, 404, 409, 422), f"{role} holds {row.permission}"
            else:
                assert status == 403, f"{role} lacks {row.permission}"
    for who, headers in callers.refused.items():
        assert ask(callers.url, row, headers) == 401, who


@pytest.mark.parametrize("row", [row for row in CLOSED if row.method != "GET"], ids=lambda row: row.name)
def test_a_cookie_alone_changes_nothing(callers: Callers, row: Endpoint[Any, Any]) -> None:
    """What a page of another site could send: the cookie, and no header of ours."""
    headers = {"Cookie": callers.by_cookie["admin"]["Cookie"]}
    assert ask(callers.url, row, headers) in (401, 403)


def test_every_permission_opens_some_row() -> None:
    from tropism.wire.permissions import PERMISSIONS

    assert {row.permission for row in CLOSED} == set(PERMISSIONS)
