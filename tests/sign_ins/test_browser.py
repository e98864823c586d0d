"""Cookies, and who may make a call with one: pages of ours, and nobody else's."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
import pytest
from tests.conftest import Both
from tests.sign_ins.conftest import PASSWORD, PROOF, Browser, Person

from tropism import Tropism
from tropism.server.settings import from_environment
from tropism.testing import RunningServer, run_server
from tropism.wire.api import ENDPOINTS

NewBrowser = Callable[[], Browser]
CASE = "/api/v1/api_keys"
OPEN = [row for row in ENDPOINTS if row.permission is None and row.method != "GET"]


def test_the_cookie_is_out_of_reach(browser: Browser, person: Person) -> None:
    cookie = browser.sign_in(person.email).headers["set-cookie"]
    name, *attributes = cookie.split("; ")
    assert name.startswith("tropism_session=")
    assert attributes == ["Path=/", "Max-Age=604800", "HttpOnly", "SameSite=Strict"]


def test_over_https_it_is_secure_and_of_this_host_alone(browser: Browser, person: Person) -> None:
    browser.headers["X-Forwarded-Proto"] = "https"
    cookie = browser.sign_in(person.email).headers["set-cookie"]
    assert cookie.startswith("__Host-tropism_session=")
    assert cookie.endswith("; Secure")
    token = cookie.partition("=")[2].partition(";")[0]
    browser.cookies.clear()
    assert browser.get("/api/v1/users/me", headers={"Cookie": f"tropism_session={token}"}).status_code == 401
    assert browser.get("/api/v1/users/me", headers={"Cookie": f"__Host-tropism_session={token}"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Tropism-CSRF": ""},
        {**PROOF, "Origin": "https://evil.example"},
        {**PROOF, "Origin": "null"},
        {**PROOF, "Origin": "http://127.0.0.1:1"},
        {**PROOF, "Sec-Fetch-Site": "cross-site"},
        {**PROOF, "Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_site_changes_nothing(browser: Browser, person: Person, headers: dict[str, str]) -> None:
    browser.sign_in(person.email)
    del browser.headers["X-Tropism-CSRF"]
    answer = browser.post(CASE, json={"name": "evil"}, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "forbidden")
    assert browser.get(CASE, headers=headers).json()["api_keys"] == []


def test_a_page_of_ours_does(browser: Browser, person: Person) -> None:
    browser.sign_in(person.email)
    origin = str(browser.base_url).rstrip("/")
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    assert browser.post(CASE, json={"name": "mine"}, headers=headers).status_code == 201


@pytest.mark.parametrize("row", OPEN, ids=lambda row: row.name)
def test_nobody_is_signed_in_or_out_by_another_site(server: RunningServer, row: object) -> None:
    path = row.path  # type: ignore[attr-defined]
    with httpx2.Client(base_url=server.base_url) as other:
        assert other.post(path, json={}).status_code == 403
        assert other.post(path, json={}, headers={**PROOF, "Origin": "https://evil.example"}).status_code == 403


def test_a_key_counts_more_than_a_cookie(browser: Browser, person: Person, server: RunningServer) -> None:
    browser.sign_in(person.email)
    del browser.headers["X-Tropism-CSRF"]
    headers = {"Authorization": f"Bearer {server.api_key}", "Origin": "https://tools.example"}
    assert browser.get("/api/v1/users/me", headers=headers).json()["email"] == "admin@localhost"
    assert browser.post(CASE, json={"name": "mine"}, headers=headers).status_code == 201
    assert browser.get("/api/v1/users/me", headers={"Authorization": "Bearer tk_wrong"}).status_code == 401


def test_a_cookie_is_no_key_and_a_key_no_cookie(browser: Browser, person: Person, server: RunningServer) -> None:
    browser.sign_in(person.email)
    token = browser.cookies["tropism_session"]
    browser.cookies.clear()
    assert browser.get("/api/v1/users/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert browser.get("/api/v1/users/me", headers={"Cookie": f"tropism_session={server.api_key}"}).status_code == 401


def test_cookies_of_others_do_not_hide_ours(browser: Browser, person: Person) -> None:
    browser.sign_in(person.email)
    token = browser.cookies["tropism_session"]
    browser.cookies.clear()
    odd = f'a b=c"; ="; x; tropism_session={token}; y={{"z":1}}'
    assert browser.get("/api/v1/users/me", headers={"Cookie": odd}).status_code == 200


def test_where_the_operator_says_users_find_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROPISM_PUBLIC_URL", "https://Tropism.example.org/")
    with run_server() as server, Tropism(server.base_url, server.api_key) as client:
        client.passwords.set(client.passwords.make_link("admin@localhost").token, PASSWORD)
        with Browser(server.base_url, "198.18.0.1") as browser:
            browser.headers["Origin"] = "https://tropism.example.org"
            answer = browser.sign_in("admin@localhost")
            assert answer.headers["set-cookie"].startswith("__Host-tropism_session=")
            refused = browser.post("/api/v1/sign_out", json={}, headers={"Origin": server.base_url})
            assert "TROPISM_PUBLIC_URL" in refused.json()["message"]


@pytest.mark.parametrize("url", ["tropism.example.org", "ftp://x", "https://x/path", "https://x?y"])
def test_a_public_url_that_cannot_be_meant(url: str) -> None:
    with pytest.raises(ValueError, match="TROPISM_PUBLIC_URL"):
        from_environment({"TROPISM_PUBLIC_URL": url})


def test_what_can_be_used_is_told_to_anybody(server: RunningServer, call: Both) -> None:
    assert httpx2.get(f"{server.base_url}/api/v1/sign_ins/ways").json() == {"password": True, "oidc": None}
