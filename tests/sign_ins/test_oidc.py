"""Signing in by OpenID Connect, with a real provider on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx2
import pytest
from tests.sign_ins.conftest import PASSWORD, Browser
from tests.sign_ins.provider import CLIENT_ID, CLIENT_SECRET, Provider, new_key, run_provider

from tropism import NotFoundError, Tropism
from tropism.server.domains.sign_ins.attempts import PER_ADDRESS
from tropism.server.identity.oidc_provider import provider as provider_of
from tropism.server.identity.oidc_roles import GroupRole, group_roles, wanted
from tropism.server.settings import Settings
from tropism.testing import RunningServer, run_server

START, BACK = "/api/v1/sign_ins/oidc", "/api/v1/sign_ins/oidc/callback"
ROLES = "ml-admins=default:admin; ml, research=default:developer; ml-admins=lab:viewer; *=everybody:viewer"


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with run_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def server(running: Provider) -> Iterator[RunningServer]:
    with pytest.MonkeyPatch.context() as patch:
        said = {"ISSUER": running.url, "CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET, "NAME": "Acme"}
        for name, value in {**said, "ROLES": ROLES}.items():
            patch.setenv(f"TROPISM_OIDC_{name}", value)
        with run_server() as engine, Tropism(engine.base_url, engine.api_key) as client:
            running.client.redirect_uris = (engine.base_url + BACK,)
            for team in ("lab", "everybody"):
                client.teams.create(team)
            yield engine


@pytest.fixture
def provider(running: Provider) -> Iterator[Provider]:
    """The provider with somebody new at it, who is in the group of developers."""
    before = (running.key, running.published)
    sub = uuid4().hex
    running.user = {"sub": sub, "email": f"{sub[:12]}@acme.example", "email_verified": True, "name": "Ada"}
    running.user["groups"] = ["ml, research"]
    yield running
    running.userinfo, running.metadata, running.tamper, running.denies = {}, {}, lambda claims: None, False
    running.pieces = 0
    running.key, running.published = before


@pytest.fixture
def person(server: RunningServer, provider: Provider) -> Iterator[Browser]:
    with Browser(server.base_url, f"198.18.0.{uuid4().int % 250}") as browser:
        yield browser


def go(browser: Browser, next: str = "/use-cases") -> httpx2.Response:
    """To the provider and back, as far as the callback's answer."""
    there = browser.get(START, params={"next": next})
    assert there.status_code == 302
    back = httpx2.get(there.headers["location"])
    assert back.status_code == 302, back.text
    return browser.get(back.headers["location"])


def refused(answer: httpx2.Response) -> str:
    """Why, as the sign-in page is told."""
    place = urlsplit(answer.headers["location"])
    assert (answer.status_code, place.path) == (302, "/sign-in")
    assert "tropism_session" not in answer.headers.get("set-cookie", "")
    return parse_qs(place.query)["error"][0]


def roles(client: Tropism, email: str) -> dict[str, str]:
    found = [user for user in client.users.list() if user.email == email]
    return {each.team: each.role for user in found for each in user.teams}


def test_the_first_sign_in_makes_a_user_with_the_roles_of_their_groups(
    person: Browser, provider: Provider, client: Tropism
) -> None:
    assert person.get("/api/v1/sign_ins/ways").json()["oidc"] == {"name": "Acme", "path": START}
    answer = go(person)
    assert (answer.status_code, answer.headers["location"]) == (302, "/use-cases")
    me = person.get("/api/v1/users/me").json()
    assert (me["email"], me["name"], me["kind"]) == (provider.user["email"], "Ada", "person")
    assert roles(client, me["email"]) == {"default": "developer", "everybody": "viewer"}
    assert person.get("/api/v1/sign_ins").json()["sign_ins"][0]["way"] == "oidc"
    assert client.audit.list(me["email"])[0].request == {"email": me["email"], "way": "oidc"}


def test_roles_follow_the_groups_at_each_sign_in(person: Browser, provider: Provider, client: Tropism) -> None:
    email = provider.user["email"]
    client.teams.create(other := f"team-{uuid4().hex[:8]}")
    go(person)
    client.users.update(email, other, "viewer")
    provider.user["groups"] = ["ml-admins", "ml, research"]
    go(person)
    assert roles(client, email) == {"default": "admin", "lab": "viewer", "everybody": "viewer", other: "viewer"}
    provider.user["groups"] = []
    go(person)
    assert roles(client, email) == {"everybody": "viewer", other: "viewer"}


def test_a_changed_email_is_the_same_person(person: Browser, provider: Provider) -> None:
    go(person)
    first = person.get("/api/v1/users/me").json()
    provider.user["email"] = "other@acme.example"
    go(person)
    assert person.get("/api/v1/users/me").json()["id"] == first["id"]


def test_an_invited_user_is_found_by_a_verified_email(person: Browser, provider: Provider, client: Tropism) -> None:
    made = client.users.create(provider.user["email"], "Invited", "lab", "viewer")
    go(person)
    assert person.get("/api/v1/users/me").json()["id"] == str(made.id)


def test_an_email_that_is_not_verified_is_none(person: Browser, provider: Provider, client: Tropism) -> None:
    client.users.create(provider.user["email"], "Somebody", "lab", "viewer")
    for verified in (False, None, "yes", 1):
        provider.user["email_verified"] = verified
        assert refused(go(person)) == "no_email"
    del provider.user["email"]
    assert refused(go(person)) == "no_email"


def test_an_account_with_a_password_is_not_taken_over(person: Browser, provider: Provider, client: Tropism) -> None:
    """Whoever made it may know its password: they would get the roles of whoever has the email."""
    email = provider.user["email"]
    client.users.create(email, "Somebody", "lab", "viewer")
    client.passwords.set(client.passwords.make_link(email).token, PASSWORD)
    assert refused(go(person)) == "taken"
    assert roles(client, email) == {"lab": "viewer"}
    assert person.sign_in(email).status_code == 201
    assert go(person).headers["location"] == "/use-cases"
    person.cookies.clear()
    assert go(person).headers["location"] == "/use-cases", "it is linked from now on"
    assert roles(client, email)["default"] == "developer"


def test_a_service_account_is_nobody_at_the_provider(person: Browser, provider: Provider, client: Tropism) -> None:
    client.users.create(provider.user["email"], "Robot", "lab", "viewer", kind="service")
    assert refused(go(person)) == "taken"


def test_a_deactivated_user_stays_out(person: Browser, provider: Provider, client: Tropism) -> None:
    go(person)
    client.users.deactivate(provider.user["email"])
    assert refused(go(person)) == "inactive"
    assert client.audit.list(provider.user["email"])[0].action == "sign_in_failed"


def test_claims_may_come_from_userinfo(person: Browser, provider: Provider, client: Tropism) -> None:
    email = provider.user["email"]
    provider.userinfo = {name: provider.user.pop(name) for name in ("email", "email_verified", "groups")}
    go(person)
    assert roles(client, email) == {"default": "developer", "everybody": "viewer"}
    provider.userinfo["sub"] = "somebody else"
    assert refused(go(person)) == "failed"


def test_whether_an_email_is_verified_is_said_where_the_email_is(
    person: Browser, provider: Provider, client: Tropism
) -> None:
    client.users.create(email := f"{uuid4().hex[:12]}@acme.example", "Somebody else", "lab", "viewer")
    provider.user.pop("email")
    provider.userinfo = {"email": email, "email_verified": False}
    assert refused(go(person)) == "no_email"


def test_a_provider_that_says_nothing_about_verifying_can_be_trusted(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"TRUST_EMAIL": "1", "ROLES": "*=default:viewer"}.items():
        monkeypatch.setenv(f"TROPISM_OIDC_{name}", value)
    before = provider.client.redirect_uris
    with run_server() as engine, Browser(engine.base_url, "198.18.0.1") as browser:
        provider.client.redirect_uris = (engine.base_url + BACK,)
        provider.user["email_verified"] = False
        assert refused(go(browser)) == "no_email"
        del provider.user["email_verified"]
        assert go(browser).headers["location"] == "/use-cases"
    provider.client.redirect_uris = before


def test_a_provider_may_answer_piece_by_piece(person: Browser, provider: Provider) -> None:
    provider.pieces = 7
    assert go(person).headers["location"] == "/use-cases"


def test_a_link_made_before_sets_no_password_afterwards(
    person: Browser, provider: Provider, client: Tropism, admin_of: Callable[[str], Tropism]
) -> None:
    """Who made it was in charge of somebody with one role; groups have given them others since."""
    email, admin = provider.user["email"], admin_of("lab")
    admin.users.create(email, "Somebody", "lab", "viewer")
    token = admin.passwords.make_link(email).token
    go(person)
    assert "default" in roles(client, email)
    with pytest.raises(NotFoundError, match="used"):
        client.passwords.set(token, PASSWORD)


def test_roles_that_groups_give_and_take_are_in_the_audit_log(
    person: Browser, provider: Provider, client: Tropism
) -> None:
    email = provider.user["email"]
    go(person)
    provider.user["groups"] = ["ml-admins"]
    go(person)
    go(person)
    entries = [each for each in client.audit.list(email) if each.action == "follow_groups"]
    assert [each.request["roles"] for each in entries] == [
        {"default": "admin", "lab": "viewer"},
        {"default": "developer", "everybody": "viewer"},
    ]
    assert client.audit.verify().holds


def test_who_does_not_agree_is_not_signed_in(person: Browser, provider: Provider) -> None:
    provider.denies = True
    assert refused(go(person)) == "denied"


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", "https://evil.example"),
        ("aud", ["another client"]),
        ("aud", [CLIENT_ID, "another client"]),
        ("azp", "another client"),
        ("nonce", "another nonce"),
        ("nonce", None),
        ("exp", 1),
        ("exp", None),
        ("iat", 99999999999),
        ("sub", ""),
        ("sub", None),
        ("sub", 5),
        ("nonce", ["a"]),
        ("aud", {"tropism": 1}),
        ("exp", "soon"),
        ("iat", [1]),
        ("sub", "x" * 256),
    ],
)
def test_a_token_that_says_something_else(person: Browser, provider: Provider, claim: str, value: Any) -> None:
    provider.tamper = lambda claims: claims.pop(claim) if value is None else claims.update({claim: value})
    assert refused(go(person)) == "failed"


@pytest.mark.parametrize("sub", [5, 1.5, True, ["somebody"], {"some": "body"}, "nul\0", ""])
def test_a_subject_that_is_no_name(person: Browser, provider: Provider, sub: Any) -> None:
    provider.user["sub"] = sub
    assert refused(go(person)) == "failed"


@pytest.mark.parametrize("name", [5, ["Ada"], None, "nul\0", "x" * 5000])
def test_a_name_that_is_none_keeps_nobody_out(person: Browser, provider: Provider, name: Any) -> None:
    provider.user["name"] = name
    assert go(person).headers["location"] == "/use-cases"


@pytest.mark.parametrize(
    "keys", [["not an object"], "keys", [{"kty": "RSA"}], [{"kty": ["RSA"]}], {"kty": "RSA"}, None]
)
def test_keys_that_are_none(person: Browser, provider: Provider, keys: Any) -> None:
    provider.jwks = {"keys": keys}
    provider.key = new_key("asked for anew")
    try:
        assert refused(go(person)) == "failed"
    finally:
        provider.jwks = None
    assert go(person).headers["location"] == "/use-cases", "what made no sense is not kept"


def test_a_token_that_the_provider_has_not_signed(person: Browser, provider: Provider) -> None:
    provider.published, provider.key = [provider.key], new_key("first")
    assert refused(go(person)) == "failed"
    provider.key = new_key("unknown")
    assert refused(go(person)) == "failed"


def test_a_new_key_of_the_provider_is_fetched(person: Browser, provider: Provider) -> None:
    go(person)
    provider.key = new_key("second")
    assert go(person).headers["location"] == "/use-cases"


def test_an_answer_counts_once_for_the_browser_that_asked(
    server: RunningServer, person: Browser, provider: Provider
) -> None:
    back = httpx2.get(person.get(START).headers["location"]).headers["location"]
    with Browser(server.base_url, "198.18.0.1") as other:
        assert refused(other.get(back)) == "expired", "it has asked nothing"
        other.get(START)
        assert refused(other.get(back)) == "expired", "it has asked something else"
    kept = person.cookies["tropism_oidc"]
    assert person.get(back).headers["location"] == "/"
    assert refused(person.get(back)) == "expired"
    person.cookies.clear()
    person.cookies.set("tropism_oidc", kept)
    assert refused(person.get(back)) == "failed", "the code is used up"
    person.cookies.set("tropism_oidc", kept[:-4] + "AAAA")
    assert refused(person.get(back)) == "expired"


def test_what_is_asked(person: Browser, provider: Provider, server: RunningServer) -> None:
    first, second = (person.get(START) for _ in range(2))
    asked, again = (dict(parse_qs(urlsplit(each.headers["location"]).query)) for each in (first, second))
    assert asked["redirect_uri"] == [server.base_url + BACK]
    assert (asked["code_challenge_method"], asked["response_type"]) == (["S256"], ["code"])
    for name in ("state", "nonce", "code_challenge"):
        assert asked[name] != again[name]
    cookie = first.headers["set-cookie"]
    assert cookie.endswith("; Path=/; Max-Age=600; HttpOnly; SameSite=Lax")
    assert asked["state"][0] not in cookie


@pytest.mark.parametrize(
    "next",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/a\\b",
        "",
        "/ x",
        "/\tx",
        "/\u20ac",
        f"/{'x' * 1001}",
    ],
)
def test_the_way_on_leads_nowhere_else(person: Browser, next: str) -> None:
    assert go(person, next).headers["location"] == "/"


def test_the_answer_of_another_provider(person: Browser, provider: Provider) -> None:
    back = httpx2.get(person.get(START).headers["location"]).headers["location"]
    assert refused(person.get(f"{back}&iss=https://evil.example")) == "failed"


def test_a_setting_that_names_no_team(provider: Provider, running: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROPISM_OIDC_ISSUER", running.url)
    monkeypatch.setenv("TROPISM_OIDC_CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("TROPISM_OIDC_CLIENT_SECRET", CLIENT_SECRET)
    monkeypatch.setenv("TROPISM_OIDC_ROLES", "*=nowhere:viewer")
    before = running.client.redirect_uris
    with run_server() as engine, Browser(engine.base_url, "198.18.0.1") as browser:
        running.client.redirect_uris = (engine.base_url + BACK,)
        assert refused(go(browser)) == "failed"
    running.client.redirect_uris = before


def test_an_issuer_inside_is_refused_by_the_guard(running: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROPISM_OIDC_ISSUER", running.url.replace("127.0.0.1", "inside.localtest.me"))
    monkeypatch.setenv("TROPISM_OIDC_CLIENT_ID", CLIENT_ID)
    monkeypatch.setenv("TROPISM_EGRESS_ALLOW", "public")
    with run_server() as engine, Browser(engine.base_url, "198.18.0.1") as browser:
        assert refused(browser.get(START)) == "failed"


def test_without_a_provider_there_is_no_way(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET", "NAME", "ROLES"):
        monkeypatch.delenv(f"TROPISM_OIDC_{name}", raising=False)
    with run_server() as engine, Browser(engine.base_url, "198.18.0.1") as browser:
        assert [browser.status(START), browser.status(BACK)] == [404, 404]


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        (Settings(oidc_client_id="tropism"), "TROPISM_OIDC_ISSUER"),
        (Settings(oidc_roles=group_roles("*=default:viewer")), "TROPISM_OIDC_ISSUER"),
        (Settings(oidc_issuer="https://acme.example"), "TROPISM_OIDC_CLIENT_ID"),
    ],
)
def test_what_is_half_set_is_said_at_the_start(settings: Settings, missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        provider_of(settings, time.monotonic)


def test_groups_are_read_from_the_setting() -> None:
    assert group_roles("cn=ml,ou=x=default:admin ;; *=lab:viewer") == (
        GroupRole("cn=ml,ou=x", "default", "admin"),
        GroupRole("*", "lab", "viewer"),
    )
    for wrong in ("ml-admins", "ml=default", "=default:admin", "ml=:admin"):
        with pytest.raises(ValueError, match="TROPISM_OIDC_ROLES"):
            group_roles(wrong)
    assert wanted(group_roles("a=t:admin;b=t:viewer"), {"b", "a"}) == {"t": "admin"}


def test_answers_that_are_made_up_are_asked_about_a_few_times_only(
    server: RunningServer, provider: Provider, running: Provider
) -> None:
    with Browser(server.base_url, "198.18.9.9") as stranger:
        there = urlsplit(stranger.get(START).headers["location"])
        state = parse_qs(there.query)["state"][0]
        kept = stranger.cookies["tropism_oidc"]
        said = []
        for number in range(PER_ADDRESS + 5):
            stranger.cookies.set("tropism_oidc", kept)
            said.append(refused(stranger.get(BACK, params={"state": state, "code": f"made-up-{number}"})))
            stranger.cookies.clear()
        assert said == ["failed"] * PER_ADDRESS + ["too_often"] * 5
        assert stranger.sign_in("ada@example.com").status_code == 429, "guesses are counted together"
    with Browser(server.base_url, "198.18.9.10") as person:
        for _ in range(2 * PER_ADDRESS):
            assert go(person).headers["location"] == "/use-cases", "what is right does not count"
