"""Bytes that are no request: one clear answer in one shape, and no harm done."""

from __future__ import annotations

import json
import re
import socket
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import pytest

from tropism import Tropism
from tropism.testing import RunningServer
from tropism.wire.api import ENDPOINTS
from tropism.wire.endpoint import Endpoint

WITH_BODY = [row for row in ENDPOINTS if row.has_body]
ASKED = [{"role": "user", "content": "Q"}]
EXAMPLE: dict[str, Any] = {"use_case": "default", "completion": "A", "prompt": "Q"}


def problem(answer: httpx2.Response, status: int, type: str) -> dict[str, Any]:
    """The problem in the answer, which must have the one shape of its route."""
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = answer.json()
    if answer.url.path.startswith("/v1/"):
        assert body.keys() == {"error"}
        body = body["error"]
        assert body.keys() == {"type", "message", "param", "code"}
    else:
        assert body.keys() == {"type", "message", "param"}
    assert (answer.status_code, body["type"]) == (status, type), body
    return body


def there(row: Endpoint[Any, Any]) -> str:
    return row.path.format_map(dict.fromkeys(row.path_names, "default"))


@pytest.mark.parametrize("row", WITH_BODY, ids=lambda row: row.name)
def test_what_is_no_json_is_malformed(http: httpx2.Client, row: Endpoint[Any, Any]) -> None:
    for body in (b"{", b"}", b"{'a': 1}", b"\xff\xfe", b"\x00", b'{"\\ud800": 1}', b"NaN"):
        problem(http.request(row.method, there(row), content=body), 400, "malformed_request")
    for body in (b'{"a": NaN}', b'{"a": Infinity}', b"{}{}", b'{"a": 1e999}'):  # an unknown field may be seen first
        assert http.request(row.method, there(row), content=body).status_code in (400, 422)


@pytest.mark.parametrize("row", WITH_BODY, ids=lambda row: row.name)
def test_deep_nesting_does_not_crash(http: httpx2.Client, row: Endpoint[Any, Any]) -> None:
    for body in (b"[" * 100_000, b'{"a":' * 100_000, b'{"zzz":' + b"[" * 100_000, b'{"tools":' + b"[" * 100_000):
        answer = http.request(row.method, there(row), content=body)
        assert answer.status_code in (400, 422), answer.text
        problem(answer, answer.status_code, {400: "malformed_request", 422: "invalid_request"}[answer.status_code])


@pytest.mark.parametrize("row", WITH_BODY, ids=lambda row: row.name)
def test_a_body_that_is_no_object_is_invalid(http: httpx2.Client, row: Endpoint[Any, Any]) -> None:
    for body in (b"[]", b"1", b'"a"', b"true"):
        problem(http.request(row.method, there(row), content=body), 422, "invalid_request")


@pytest.mark.parametrize("row", [row for row in WITH_BODY if not row.path.startswith("/v1/")], ids=lambda row: row.name)
def test_an_unknown_field_is_named(http: httpx2.Client, row: Endpoint[Any, Any]) -> None:
    found = problem(http.request(row.method, there(row), json={"surprise": 1}), 422, "invalid_request")
    assert found["param"] in {"surprise", *row.takes.__struct_fields__}


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/api/v1/use_cases", {}, "key"),
        ("/api/v1/use_cases", {"key": "k", "colour": "red"}, "colour"),
        ("/api/v1/interactions", {**EXAMPLE, "completion": None}, "completion"),
        ("/api/v1/interactions", {**EXAMPLE, "labels": {"a": 1}}, "labels[...]"),
        ("/api/v1/interactions", {**EXAMPLE, "labels": {f"l{i}": "" for i in range(33)}}, "labels"),
        ("/api/v1/interactions/query", {"use_case": "default", "page": {"first": 10**40}}, "page.first"),
        ("/api/v1/chat/completions", {"model": "default"}, "messages"),
        ("/api/v1/chat/completions", {"model": "default", "messages": []}, "messages"),
        ("/api/v1/chat/completions", {"model": "default", "messages": ASKED * 1_001}, "messages"),
        ("/api/v1/chat/completions", {"model": "default", "messages": ASKED, "n": 17}, "n"),
        ("/api/v1/chat/completions", {"model": "default", "messages": ASKED, "n": 10**30}, "n"),
        ("/api/v1/chat/completions", {"model": "default", "messages": ASKED, "max_tokens": 0}, "max_tokens"),
        ("/api/v1/chat/completions", {"model": "default", "messages": ASKED, "temperature": 2.1}, "temperature"),
        ("/api/v1/chat/completions", {"model": "default", "messages": ASKED, "top_p": 0}, "top_p"),
        ("/api/v1/chat/completions", {"model": "default", "messages": [{"content": 1}]}, "messages[0].content"),
        ("/v1/chat/completions", {"model": "default", "messages": ASKED, "n": 0}, "n"),
        ("/v1/chat/completions", {"messages": ASKED}, "model"),
        ("/v1/embeddings", {"model": "default"}, "input"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(http: httpx2.Client, path: str, body: Any, param: str) -> None:
    assert problem(http.post(path, content=json.dumps(body)), 422, "invalid_request")["param"] == param


def test_a_path_names_its_fields_alone(http: httpx2.Client) -> None:
    body = {"use_case": "default", "feedback_key": "x"}
    found = problem(http.post("/api/v1/use_cases/default/feedback_keys", json=body), 422, "invalid_request")
    assert found["param"] == "use_case"
    answer = http.get(f"/api/v1/interactions/{uuid4()}", params={"completion_id": str(uuid4())})
    assert problem(answer, 422, "invalid_request")["param"] == "completion_id"
    answer = http.get("/api/v1/use_cases", params={"surprise": "1"})
    assert problem(answer, 422, "invalid_request")["param"] == "surprise"


def test_an_unknown_route_is_a_problem(http: httpx2.Client) -> None:
    for path in ("/api/v1/nowhere", "/v1/nowhere", "/nowhere", "/api/v2/use_cases", "/docs/files/nowhere", "/health/"):
        assert "/docs" in problem(http.get(path), 404, "not_found")["message"]
    assert http.get("/docs/files/../../../../etc/passwd").status_code == 404
    assert http.get("/docs/files/%2e%2e/%2e%2e/__init__.py").status_code == 404


def test_a_slash_too_many_sends_nobody_elsewhere(http: httpx2.Client) -> None:
    answer = http.post("/api/v1/use_cases/", json={"key": "k"}, headers={"Host": "evil.example"})
    problem(answer, 404, "not_found")


@pytest.mark.parametrize("row", ENDPOINTS, ids=lambda row: row.name)
def test_a_wrong_method_is_a_problem_that_lists_the_right_ones(http: httpx2.Client, row: Endpoint[Any, Any]) -> None:
    right = {each.method for each in ENDPOINTS if re.fullmatch(re.sub(r"{\w+}", "[^/]+", each.path), there(row))}
    wrong = next(method for method in ("PUT", "PATCH", "DELETE", "POST") if method not in right)
    answer = http.request(wrong, there(row))
    problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) - {"HEAD"} == right


@pytest.mark.parametrize("path", ["/health", "/api/v1/teams"])
def test_a_head_is_that_of_the_answer(http: httpx2.Client, path: str) -> None:
    head, answer = http.head(path), http.get(path)
    assert (head.status_code, head.content) == (answer.status_code, b"")
    for name in ("content-type", "content-length"):
        assert head.headers.get(name) == answer.headers.get(name)


@pytest.mark.parametrize("host", ["[", "a]b", "evil.example/v1/?#", "x y", ""])
def test_a_strange_host_header_does_not_matter(server: RunningServer, host: str) -> None:
    for path, key in (("/api/v1/users/me", server.api_key), ("/api/v1/users/me", "wrong"), ("/nowhere", "wrong")):
        status, body = raw(server, f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n\r\n")
        assert status in (200, 401, 404)
        assert status == 200 or json.loads(body).keys() == {"type", "message", "param"}


def raw(server: RunningServer, head: str, body: bytes = b"") -> tuple[int, bytes]:
    """The status and body of an answer to bytes as they are."""
    url = urlsplit(server.base_url)
    assert url.hostname
    with socket.create_connection((url.hostname, url.port or 80), timeout=10) as connection:
        connection.sendall(head.encode("latin-1") + body)
        got = b""
        while b"\r\n\r\n" not in got:
            got += connection.recv(65_536)
        headers, _, rest = got.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in headers.split(b"\r\n")[1:])
        while len(rest) < int(fields[b"content-length"]):
            rest += connection.recv(65_536)
        return int(headers.split()[1]), rest


def test_a_body_that_says_it_is_too_long_is_not_awaited(server: RunningServer) -> None:
    head = (
        f"POST /api/v1/use_cases HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {server.api_key}\r\n"
        "Content-Length: 99999999999\r\n\r\n"
    )
    status, body = raw(server, head, b'{"key": "')
    assert (status, json.loads(body)["type"]) == (413, "too_large")


def test_a_body_that_becomes_too_long_is_not_read_to_its_end(server: RunningServer) -> None:
    url, piece, limit = urlsplit(server.base_url), b" " * 2**20, 32 * 2**20
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {server.api_key}\r\n"
    sent = 0
    assert url.hostname
    with socket.create_connection((url.hostname, url.port or 80), timeout=10) as connection:
        connection.sendall((head + "Transfer-Encoding: chunked\r\n\r\n").encode())
        while sent <= limit:
            connection.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            sent += len(piece)
        answer = connection.recv(65_536)
        while not answer.partition(b"\r\n\r\n")[2]:  # the head may come alone
            answer += connection.recv(65_536)
    assert b" 413 " in answer.split(b"\r\n")[0]
    assert b'"error"' in answer


def test_nothing_came_of_all_this(client: Tropism) -> None:
    assert client.interactions.list(use_case="default").total_count == 0
