"""`tropism users invite` and `set-password`, and `tropism sign-ins`."""

from __future__ import annotations

import io
import sys

import httpx2
import pytest

from tropism.testing import RunningServer

from .conftest import Command

PASSWORD = "correct horse battery"


def sign_in(engine: RunningServer, email: str) -> int:
    body, headers = {"email": email, "password": PASSWORD}, {"X-Tropism-CSRF": "1"}
    return httpx2.post(f"{engine.base_url}/api/v1/sign_ins", json=body, headers=headers).status_code


def test_from_a_password_to_a_sign_out(
    engine: RunningServer, tropism: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
    assert "can sign in" in tropism("users", "set-password", "admin@localhost").err
    assert sign_in(engine, "admin@localhost") == 201
    assert sign_in(engine, "admin@localhost") == 201
    listed = tropism("sign-ins", "list", "--json").json
    assert [each["way"] for each in listed] == ["password", "password"]
    assert "python-httpx2" in tropism("sign-ins", "list").out
    assert tropism("sign-ins", "end", listed[0]["id"]).code == 0
    assert "1 signed out" in tropism("sign-ins", "end-all").err
    assert "Nobody is signed in" in tropism("sign-ins", "list").out


def test_an_invitation_is_a_link(engine: RunningServer, tropism: Command) -> None:
    tropism("users", "create", "ada@example.com", "Ada", "--team", "default")
    said = tropism("users", "invite", "ada@example.com")
    assert said.out.startswith(f"{engine.base_url}/set-password#token=")
    assert "once" in said.err
    token = said.out.strip().partition("=")[2]
    body, headers = {"token": token, "password": PASSWORD}, {"X-Tropism-CSRF": "1"}
    assert httpx2.post(f"{engine.base_url}/api/v1/passwords", json=body, headers=headers).status_code == 200
    assert sign_in(engine, "ada@example.com") == 201
    assert "no" in tropism("users", "deactivate", "ada@example.com").out
    assert sign_in(engine, "ada@example.com") == 401
    assert tropism("users", "activate", "ada@example.com", "--json").json["active"] is True


def test_a_short_password_is_refused(tropism: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("short\n"))
    said = tropism("users", "set-password", "admin@localhost")
    assert said.code == 1
    assert "12 characters" in said.err
