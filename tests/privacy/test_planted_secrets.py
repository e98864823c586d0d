"""Secrets planted in every place that takes one, errors provoked with them, and then looked for everywhere."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.chat.upstream import Request, Upstream, run_upstream
from tests.e2e.process import served

from tropism import Tropism, TropismError
from tropism.engines.protocol import ModelSource
from tropism.server.identity.secrets import Secrets
from tropism.server.settings import Settings

PROVIDER = "sk-PLANTED-provider-0123456789abcdef"
ADMIN = "tk_PLANTED-admin-0123456789abcdef"
MASTER = "PLANTED-master-0123456789abcdef"
WRONG = "tk_PLANTED-wrong-0123456789abcdef"
PASSWORD = "PLANTED-password-0123456789abcdef"
HUB = "hf_PLANTEDhub0123456789abcdef"
HELLO = [{"role": "user", "content": "hello"}]
ECHO = ("--port", "0", "--echo-models", "echo-a")


@dataclass
class Heard:
    """All that the engine said to anybody."""

    http: httpx2.Client
    texts: list[str] = field(default_factory=list)

    def ask(self, url: str, key: str, method: str, path: str, body: Any = None) -> int:
        content = body if isinstance(body, bytes) else None
        given = {"content": content} if content is not None else {"json": body} if body is not None else {}
        answer = self.http.request(method, url + path, headers={"Authorization": f"Bearer {key}"}, **given)
        self.texts.append(f"{answer.status_code} {answer.headers} {answer.text}")
        return answer.status_code

    def attempt(self, work: Any) -> None:
        """Do it with the SDK; what comes or fails is heard, too."""
        try:
            self.texts.append(repr(work()))
        except TropismError as error:
            self.texts += [str(error), repr(error), repr(vars(error))]


async def refuses(request: Request) -> None:
    request.send({"error": {"message": f"Incorrect API key: {request.headers['authorization']}"}}, status=401)


async def fails(request: Request) -> None:
    request.send({"error": {"message": f"I was told {request.headers}"}}, status=500)


async def rejects(request: Request) -> None:
    request.send({"detail": f"{request.headers['authorization']} has no such model"}, status=404)


async def babbles(request: Request) -> None:
    request.send(f"<html>{request.headers['authorization']}</html>".encode())


async def is_cut(request: Request) -> None:
    """Whoever shows the first 200 bytes of this shows a part of the key."""
    request.send(b"x" * 180 + PROVIDER.encode())


async def breaks_off(request: Request) -> None:
    request.begin()
    await request.say("Hel")
    await request.event({"error": {"message": f"no longer: {request.headers['authorization']}"}})
    # A client that hears of the end before it has read this tells of the end instead.
    await request.pause(0.5)
    request.writer.close()


PLAYS = (refuses, fails, rejects, babbles, is_cut, breaks_off)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with run_upstream() as running:
        yield running


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> tuple[Path, Heard, str, str]:
    """What an engine that was told every secret has said, written and stored, and the key that it made."""
    data, environment = tmp_path_factory.mktemp("data"), {"TROPISM_ADMIN_API_KEY": ADMIN, "TROPISM_SECRET_KEY": MASTER}
    with httpx2.Client(timeout=30) as http, served(data, *ECHO, **environment) as it:
        heard = Heard(http)
        url = it.ready()
        with Tropism(url, ADMIN) as client:
            made = client.api_keys.create("mine").key
            client.passwords.set(client.passwords.make_link("admin@localhost").token, PASSWORD)
            plant(client, url, heard, upstream)
            look_at_everything(client, heard, data / "out.jsonl")
        misuse(url, made, heard)
        rows = [("GET", "/api/v1/audit"), ("GET", "/api/v1/models?view_all=true"), ("GET", "/api/v1/api_keys")]
        assert [heard.ask(url, made, *row) for row in rows] == [200, 200, 200]
        heard.texts += it.lines
        it.stop()
        said = it.said()
    return data, heard, said, made


def plant(client: Tropism, url: str, heard: Heard, upstream: Upstream) -> None:
    """Register models with keys, and have their providers show them."""
    for play in PLAYS:
        upstream.model(client, "default", play, api_key=PROVIDER)
        for stream in (False, True):
            heard.ask(
                url, ADMIN, "POST", "/v1/chat/completions", {"model": "default", "messages": HELLO, "stream": stream}
            )
        heard.ask(url, ADMIN, "POST", "/api/v1/embeddings", {"model": "default", "input": "hello"})
    heard.attempt(lambda: client.chat.create(HELLO, use_case="default"))
    dead = {"provider": "custom", "api_key": PROVIDER, "endpoint": "http://127.0.0.1:9/v1"}
    heard.attempt(lambda: client.models.add_external("dead", "m", key="dead", **dead))  # type: ignore[arg-type]
    heard.attempt(lambda: client.models.attach("dead", make_default=True, wait=True, use_case="default"))
    heard.ask(url, ADMIN, "POST", "/api/v1/chat/completions", {"model": "default", "messages": HELLO})
    for address in (f"http://{HUB}@127.0.0.1:9/", f"http://user:{HUB}@127.0.0.1:9/x"):
        heard.attempt(lambda address=address: client.reward_servers.add(address, "rewards"))
        heard.attempt(lambda address=address: client.reward_servers.test(address))


def look_at_everything(client: Tropism, heard: Heard, file: Path) -> None:
    heard.attempt(lambda: client.interactions.export(file, use_case="default"))
    heard.texts.append(file.read_text())
    file.unlink()
    heard.attempt(lambda: client.audit.list(limit=1000))
    heard.attempt(lambda: client.models.list({"view_all": True}))
    heard.attempt(lambda: client.interactions.list(use_case="default"))
    heard.attempt(client.reward_servers.list)
    heard.attempt(client.users.me)
    heard.texts += [repr(client), repr(client.chat), repr(vars(client.chat))]


def misuse(url: str, key: str, heard: Heard) -> None:
    """Requests that are wrong around a secret."""
    good = {"name": "n", "external_model_id": "m", "api_key": PROVIDER, "provider": "custom"}
    wrong: list[Any] = [
        {**good, "api_key": [PROVIDER]},
        {**good, "api_key": PROVIDER * 1000},
        {**good, "endpoint": f"ftp://x:{PROVIDER}@x"},
        f'{{"api_key": "{PROVIDER}", broken'.encode(),
    ]
    for body in wrong:
        assert heard.ask(url, key, "POST", "/api/v1/models/external", body) >= 400
    sign_in = {"email": "admin@localhost", "password": PASSWORD}
    assert heard.ask(url, key, "POST", "/api/v1/sign_ins", sign_in) == 201
    assert heard.ask(url, key, "POST", "/api/v1/sign_ins", {**sign_in, "email": "nobody@localhost"}) == 401
    for body in ({"password": [PASSWORD]}, {**sign_in, "more": PASSWORD}, {"password": PASSWORD * 1000}):
        assert heard.ask(url, key, "POST", "/api/v1/sign_ins", body) == 422
    assert heard.ask(url, key, "POST", "/api/v1/passwords", {"token": PASSWORD, "password": PASSWORD}) == 404
    change = {"password": WRONG, "new_password": PASSWORD}
    assert heard.ask(url, key, "POST", "/api/v1/users/me/password", change) == 403
    assert heard.ask(url, WRONG, "GET", "/api/v1/users/me") == 401
    assert heard.ask(url, MASTER, "GET", "/api/v1/users/me") == 401
    assert heard.ask(url, WRONG, "POST", "/v1/chat/completions", {"model": "default", "messages": HELLO}) == 401


def forms(secret: str) -> list[str]:
    """A secret as it is, without what all such keys begin with, and as somebody may encode it."""
    plain = base64.b64encode(secret.encode()).decode().rstrip("=")
    return [secret, secret[:16], plain[:-2], secret.encode().hex()]


def test_there_was_something_to_hear(engine: tuple[Path, Heard, str, str]) -> None:
    _, heard, _, _ = engine
    everything = "\n".join(heard.texts)
    for word in ("refused the API key", "the provider failed", "not in OpenAI's format", "no longer", "a password"):
        assert word in everything
    assert "(secret)" in everything, "what the audit log says instead"


@pytest.mark.parametrize("secret", [PROVIDER, ADMIN, MASTER, HUB, PASSWORD], ids=lambda secret: secret[:11])
def test_no_answer_and_no_log_tells_a_secret(engine: tuple[Path, Heard, str, str], secret: str) -> None:
    _, heard, log, made = engine
    for form in forms(secret):
        assert [text[:2000] for text in heard.texts if form in text] == []
        assert form not in log
    assert made not in "\n".join(heard.texts), "shown once, and not again"
    assert WRONG not in log


def test_no_file_holds_a_secret(engine: tuple[Path, Heard, str, str]) -> None:
    data, _, _, made = engine
    assert in_files(data, "SQLite format 3"), "else this could not fail"
    for secret in (PROVIDER, ADMIN, MASTER, HUB, PASSWORD, made):
        for form in forms(secret):
            assert in_files(data, form) == []


def in_files(folder: Path, text: str) -> list[str]:
    found = subprocess.run(["grep", "-rlaF", text, folder], capture_output=True, text=True)
    return found.stdout.splitlines()


def test_what_holds_a_secret_does_not_show_it() -> None:
    source = ModelSource(key="m", kind="Generation", api_key=PROVIDER)
    shown = f"{source} {Settings(secret_key=MASTER, admin_api_key=ADMIN)!r} {Secrets(MASTER)!r} {vars(Secrets(MASTER))}"
    assert "PLANTED" not in shown
