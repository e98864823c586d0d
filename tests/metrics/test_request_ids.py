"""Request ids and logs: an id in and out, the same in the log, one JSON object a line, no content."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tropism.testing import RunningServer
from tropism.testing.server import ADMIN_KEY

CHAT = "/api/v1/chat/completions"


def ask(server: RunningServer, path: str = "/api/v1/use_cases", **headers: str) -> httpx2.Response:
    return httpx2.get(f"{server.base_url}{path}", headers={"Authorization": f"Bearer {server.api_key}", **headers})


def test_the_callers_id_comes_back_also_with_an_error(server: RunningServer) -> None:
    assert ask(server, **{"x-request-id": "order-17:3"}).headers["x-request-id"] == "order-17:3"
    failed = ask(server, "/api/v1/use_cases/nothing", **{"x-request-id": "order-18"})
    assert (failed.status_code, failed.headers["x-request-id"]) == (404, "order-18")


def test_without_one_each_request_gets_its_own(server: RunningServer) -> None:
    made = {ask(server).headers["x-request-id"] for _ in range(3)}
    assert len(made) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in made)


@pytest.mark.parametrize("id", ["x" * 129, "two words", '{"a":1}', ""])
def test_what_could_forge_a_log_is_replaced(server: RunningServer, id: str) -> None:
    assert ask(server, **{"x-request-id": id}).headers["x-request-id"] != id


def test_a_stream_carries_it(server: RunningServer, use_case: str) -> None:
    body = {"model": use_case, "messages": [{"role": "user", "content": "hello"}], "stream": True}
    headers = {"Authorization": f"Bearer {server.api_key}", "x-request-id": "streamed"}
    with httpx2.stream("POST", f"{server.base_url}{CHAT}", json=body, headers=headers) as answer:
        assert answer.headers["x-request-id"] == "streamed"
        assert b"[DONE]" in answer.read()


def logged(data: Path, **settings: str) -> tuple[list[str], str]:
    """What a server writes on standard error while it serves a chat, and the secret that was said in it."""
    command = [sys.executable, "-m", "tropism.testing.process", str(data), "echo", "no"]
    environment = {**os.environ, "TROPISM_ADMIN_API_KEY": ADMIN_KEY, **settings}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    secret = f"secret{uuid4().hex}"
    process = subprocess.Popen(command, text=True, env=environment, **pipes)
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    headers = {"Authorization": f"Bearer {ADMIN_KEY}", "x-request-id": "the-one"}
    body = {"model": "nothing", "messages": [{"role": "user", "content": secret}]}
    assert httpx2.post(f"{url}{CHAT}", json=body, headers=headers).status_code == 404
    _, errors = process.communicate()
    return errors.splitlines(), secret


def test_the_log_is_json_lines_with_ids_and_without_content(tmp_path: Path) -> None:
    lines, secret = logged(tmp_path, TROPISM_LOG_FORMAT="json", TROPISM_LOG_REQUESTS="1")
    entries = [json.loads(line) for line in lines]
    (entry,) = [each for each in entries if each.get("request_id") == "the-one"]
    assert (entry["method"], entry["route"], entry["status"], entry["level"]) == ("POST", CHAT, 404, "INFO")
    assert entry["ms"] > 0
    assert secret not in "\n".join(lines)


def test_the_log_is_lines_for_people_and_silent_about_requests_by_default(tmp_path: Path) -> None:
    lines, _ = logged(tmp_path / "a", TROPISM_LOG_REQUESTS="1")
    (line,) = [each for each in lines if "the-one" in each]
    assert re.search(r"tropism\.requests INFO POST /api/v1/chat/completions 404 [\d.]+ ms \[the-one\]$", line)
    assert not [each for each in logged(tmp_path / "b")[0] if "the-one" in each]


def test_a_format_that_is_none_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tropism.testing.process", str(tmp_path), "echo", "no"]
    environment = {**os.environ, "TROPISM_LOG_FORMAT": "xml"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode != 0
    assert "TROPISM_LOG_FORMAT must be one of text, json, not 'xml'" in done.stderr
