"""Master keys: rotated without anybody noticing, and dropped only when nothing needs them."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.chat.upstream import Request, Upstream, run_upstream

from tropism import AuthenticationError, Tropism
from tropism.cli import call
from tropism.server.identity.secrets import FIRST, Secrets, split
from tropism.testing import RunningServer, run_server

HELLO = [{"role": "user", "content": "hello"}]
PASSWORD = "correct horse battery"
PROVIDER_KEY = "sk-provider-key-in-tests"


def test_what_is_sealed_opens_in_its_place_with_its_key_alone() -> None:
    old, new = Secrets("old"), Secrets("new, old")
    sealed = old.encrypt("a secret", "model:1:secret")
    assert new.decrypt(sealed, "model:1:secret") == "a secret"
    assert new.decrypt(new.encrypt("more", "here"), "here") == "more"
    with pytest.raises(ValueError, match="not here"):
        new.decrypt(sealed, "model:2:secret")
    with pytest.raises(ValueError, match=f"TROPISM_SECRET_KEY.*{old.fingerprint.hex()}"):
        Secrets("new").decrypt(sealed, "model:1:secret")


def test_what_the_first_release_sealed_stays_readable() -> None:
    """It did not name its key: version byte, nonce, ciphertext."""
    named = Secrets("old").encrypt("a secret", "place")
    assert Secrets("new\nold").decrypt(FIRST + named[5:], "place") == "a secret"


def test_digests_differ_by_master_key() -> None:
    old, new = Secrets("old"), Secrets("new,old")
    assert new.older_digests("tk_a") == [old.digest("tk_a")]
    assert new.digest("tk_a") == Secrets("new").digest("tk_a") != old.digest("tk_a")


def test_no_key_at_all_is_said() -> None:
    with pytest.raises(ValueError, match="secret key"):
        split(" ,\n")


def test_a_repr_tells_no_key() -> None:
    assert "old" not in repr(Secrets("new,old"))


async def play(request: Request) -> None:
    """Say which key the caller showed."""
    request.answer(request.headers["authorization"])


def answered(server: RunningServer, key: str) -> str | None:
    with Tropism(server.base_url, key) as client:
        return client.chat.create(HELLO, use_case="default").choices[0].message.content


def signs_in(server: RunningServer) -> bool:
    body = {"email": "admin@localhost", "password": PASSWORD}
    headers = {"X-Tropism-CSRF": "1"}
    return httpx2.post(f"{server.base_url}/api/v1/sign_ins", json=body, headers=headers).status_code == 201


def tropism(*arguments: str) -> int:
    return call(["secrets", *arguments])


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with run_upstream() as running:
        yield running


@pytest.mark.sqlite
def test_a_rotation_from_its_beginning_to_its_end(
    tmp_path: Path, upstream: Upstream, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ("--data", str(tmp_path))
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        upstream.model(client, "default", play)
        used, unused = client.api_keys.create("used"), client.api_keys.create("unused")
        client.passwords.set(client.passwords.make_link("admin@localhost").token, PASSWORD)
    before = (tmp_path / "secret.key").read_text().strip()
    assert tropism("forget", *data) == 1
    assert "no older one" in capsys.readouterr().err

    assert tropism("rotate", *data) == 0
    assert "Restart" in capsys.readouterr().err
    file = tmp_path / "secret.key"
    assert split(file.read_text())[1:] == [before]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert tropism("forget", *data) == 1
    assert "2 secrets" in capsys.readouterr().err

    with run_server(data=tmp_path) as server:
        assert tropism("forget", *data) == 1
        assert "another engine" in capsys.readouterr().err
        for key in (used.key, server.api_key):
            assert answered(server, key) == f"Bearer {PROVIDER_KEY}"
        with pytest.raises(AuthenticationError):
            answered(server, "tk_nobody")
        with Tropism(server.base_url, used.key) as client:
            client.api_keys.revoke(unused.id)
    assert tropism("status", "--json", *data) == 0
    assert '"secrets":2' in capsys.readouterr().out.replace(" ", "")

    assert tropism("forget", *data) == 0
    assert split(file.read_text()) != [before]
    assert len(split(file.read_text())) == 1
    with run_server(data=tmp_path) as server:
        assert answered(server, used.key) == f"Bearer {PROVIDER_KEY}"
        assert signs_in(server)
