"""Who may call: every route but health, signing in and the docs needs a key, and a permission in the team."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from tests.api.conftest import Teams

import tropism
from tropism import Tropism
from tropism.testing import RunningServer, run_server
from tropism.wire.api import ENDPOINTS
from tropism.wire.endpoint import Endpoint

OPEN = {
    "GET /health",
    "GET /ready",
    "GET /api/v1/sign_ins/ways",
    "POST /api/v1/sign_ins",
    "GET /api/v1/sign_ins/oidc",
    "GET /api/v1/sign_ins/oidc/callback",
    "POST /api/v1/sign_out",
    "POST /api/v1/passwords",
}
"""Who calls these is nobody yet. What they tell strangers is tested in tests/sign_ins."""
CLOSED = [row for row in ENDPOINTS if f"{row.method} {row.path}" not in OPEN]


def path(template: str) -> str:
    return re.sub(r"{\w+}", str(uuid4()), template)


def check_unauthenticated(answer: httpx2.Response, path: str) -> None:
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    body = answer.json()
    if path.startswith("/v1/"):
        assert body.keys() == {"error"}
        body = body["error"]
        assert body.keys() == {"message", "type", "param", "code"}
        assert body["code"] == "unauthenticated"
    else:
        assert body.keys() == {"type", "message", "param"}
    assert body["type"] == "unauthenticated"
    assert "api key" in body["message"]


@pytest.mark.parametrize("row", CLOSED, ids=lambda row: row.name)
def test_every_route_needs_a_key(anyone: httpx2.Client, server: RunningServer, row: Endpoint[Any, Any]) -> None:
    key = server.api_key
    for header in (
        None,
        "Bearer tk_wrong",
        f"Bearer {key}x",
        f"Bearer {key[:-1]}",
        f"Bearer {key.upper()}",
        "Bearer",
        "Bearer ,",
        key,
        f"Basic {key}",
        f"Bearer,{key}",
        "Bearer \xe9\xff",
        "Bearer " + "x" * 20_000,
    ):
        headers = {} if header is None else {b"Authorization": header.encode("latin-1")}
        check_unauthenticated(anyone.request(row.method, path(row.path), headers=headers), row.path)


def test_no_route_is_open_but_these(anyone: httpx2.Client) -> None:
    assert {f"{row.method} {row.path}" for row in ENDPOINTS if row.permission is None} == OPEN
    assert anyone.get("/health").json()["status"] == "ok"


@pytest.mark.parametrize("open_path", ["/openapi.json", "/docs", "/docs/start.js", "/docs/files/swagger-ui.css"])
def test_the_docs_need_no_key(anyone: httpx2.Client, open_path: str) -> None:
    assert anyone.get(open_path, follow_redirects=True).status_code == 200


def test_the_scheme_is_read_in_any_case(anyone: httpx2.Client, server: RunningServer) -> None:
    for scheme in ("Bearer", "bearer", "BEARER"):
        headers = {"Authorization": f"{scheme}  {server.api_key}"}
        assert anyone.get("/api/v1/users/me", headers=headers).status_code == 200


def test_a_refused_caller_learns_nothing_of_the_body(anyone: httpx2.Client) -> None:
    check_unauthenticated(anyone.post("/api/v1/feedback", content=b"\xff{"), "/api")


def test_an_api_key_is_nowhere_on_disk(tmp_path: Path) -> None:
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        assert client.users.me().teams
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files
    for file in files:
        assert server.api_key.encode() not in file.read_bytes(), file


def test_another_team_sees_nothing(teams: Teams) -> None:
    admin, stranger, case, session = teams.admin, teams.stranger, teams.case, uuid4()
    id = admin.interactions.create("A", prompt="Q", session_id=session, use_case=case).completion_id
    before = admin.interactions.list(use_case=case).total_count
    stars = f"{case}-stars"
    assert case not in [each.key for each in stranger.use_cases.list()]
    attempts: list[Callable[[], object]] = [
        lambda: stranger.use_cases.get(case),
        lambda: stranger.interactions.list(use_case=case),
        lambda: stranger.interactions.create("A", prompt="Q", use_case=case),
        lambda: stranger.interactions.get(id, use_case=case),
        lambda: stranger.feedback.log_metric(1, id, stars),
        lambda: stranger.feedback.log_outcome(1, session, stars),
        lambda: stranger.feedback.link(stars, use_case=case),
        lambda: stranger.feedback.log_preference(stars, id, id, use_case=case),
        lambda: stranger.chat.create([{"role": "user", "content": "Q"}], use_case=case),
        lambda: stranger.ab_tests.list(use_case=case),
        lambda: stranger.datasets.list(use_case=case),
        lambda: stranger.datasets.get("answers", use_case=case),
        lambda: stranger.datasets.upload(__file__, "lines", use_case=case),
        lambda: stranger.datasets.from_interactions("log", use_case=case),
        lambda: stranger.interactions.export("log.jsonl", use_case=case),
        lambda: stranger.models.attach("echo", use_case=case),
        lambda: stranger.use_cases.create(f"case-{uuid4().hex}", team="default"),
    ]
    for attempt in attempts:
        with pytest.raises(tropism.NotFoundError):
            attempt()
    assert admin.interactions.list(use_case=case).total_count == before


def test_a_session_of_another_team_is_not_taken_for_ones_own(teams: Teams) -> None:
    session, theirs = uuid4(), f"case-{uuid4().hex}"
    mine = teams.admin.interactions.create("A", prompt="Q", session_id=session, use_case=teams.case).completion_id
    teams.stranger.use_cases.create(theirs)
    teams.stranger.interactions.create("A", prompt="Q", session_id=session, use_case=theirs)
    assert teams.admin.feedback.log_outcome(1, session, f"{teams.case}-stars").completion_id == mine


def test_a_viewer_reads_and_writes_nothing(teams: Teams) -> None:
    case, viewer = teams.case, teams.viewer
    id = teams.admin.interactions.create("A", prompt="Q", use_case=case).completion_id
    assert viewer.interactions.get(id, use_case=case).completion == "A"
    attempts: list[Callable[[], object]] = [
        lambda: viewer.interactions.create("A", prompt="Q", use_case=case),
        lambda: viewer.feedback.log_metric(1, id, f"{case}-stars"),
        lambda: viewer.use_cases.create(f"case-{uuid4().hex}"),
        lambda: viewer.chat.create([{"role": "user", "content": "Q"}], use_case=case),
    ]
    for attempt in attempts:
        with pytest.raises(tropism.PermissionDeniedError, match="permission"):
            attempt()


def test_a_permission_in_one_team_is_none_in_another(teams: Teams) -> None:
    case, both = teams.case, teams.both
    before = both.interactions.list(use_case=case).total_count
    attempts: list[Callable[[], object]] = [
        lambda: both.interactions.create("A", prompt="Q", use_case=case),
        lambda: both.chat.create([{"role": "user", "content": "Q"}], use_case=case),
        lambda: both.feedback.unlink(f"{case}-stars", use_case=case),
    ]
    for attempt in attempts:
        with pytest.raises((tropism.PermissionDeniedError, tropism.NotFoundError)):
            attempt()
    assert teams.admin.interactions.list(use_case=case).total_count == before
    assert {each.team for each in both.users.me().teams} == {"default", "another"}
