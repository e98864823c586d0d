"""What `reward_servers.test` finds at a URL: a reward server, or one of the many things that are none."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import Both
from tests.rewards.servers import Brevity, http, raw_server

import tropism
from tropism.rewards.remote import Limits
from tropism.rewards.testing import run_reward_server
from tropism.server.domains.reward_servers import look
from tropism.server.processes.run import running
from tropism.server.settings import Settings

CHUNK = b"400\r\n" + b" " * 1024 + b"\r\n"
INFO = http(b'{"version": "1", "name": "n"}')


@pytest.fixture(scope="module")
def brevity() -> Iterator[str]:
    with run_reward_server(Brevity()) as url:
        yield url


def test_a_reward_server_is_online(call: Both, brevity: str) -> None:
    found = call("reward_servers.test", brevity)
    assert (found.url, found.status, found.reason) == (brevity, "ONLINE", None)
    assert (found.name, found.version) == ("Brevity", "1")
    assert found.description == "Rewards answers that have as many words as were asked for."
    assert found.metadata_schema["$defs"]["Wanted"]["required"] == ["words"]


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([b"SSH-2.0-OpenSSH_9.2\r\n"], "is no HTTP server"),
        ([b""], "closed the connection"),
        ([http(b"<html>")], "/info of the reward server does not answer as the protocol wants"),
        ([http(b'{"name": 3}')], "/info of the reward server does not answer as the protocol wants"),
        ([http(b"", "404 Not Found")], "has no GET /info"),
        ([http(b"", "503 Busy")], r"not available \(status 503\)"),
        ([http(b'{"message": "broken"}', "500 Oops")], r"failed \(status 500\): broken"),
        ([http(b"", "302 Found", "Location: http://169.254.169.254/latest\r\n")], "redirects .* not followed"),
        ([http(b'{"name": "n", "version": "1", "description": "' + b"x" * 70_000 + b'"}')], "longer than 65536 bytes"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK * 200], "longer than 65536 bytes"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK + b"zz"], "closed the connection|no HTTP"),
        ([INFO, http(b'{"type": 3}')], "is no JSON schema"),
        ([INFO, http(b'{"a": ' * 5_000)], "nested too deeply"),
        ([INFO, http(b"x" * 100, headers="Content-Encoding: gzip\r\n")], "does not answer as the protocol wants"),
    ],
)
def test_anything_else_is_offline_with_the_reason(call: Both, answers: list[bytes], reason: str) -> None:
    with raw_server(*answers) as (url, _):
        found = call("reward_servers.test", url)
    assert (found.status, found.name, found.metadata_schema) == ("OFFLINE", None, None)
    assert re.search(reason, found.reason)


def test_nobody_there_is_offline(call: Both) -> None:
    assert "cannot be reached" in call("reward_servers.test", "http://127.0.0.1:9").reason
    assert "host name" in call("reward_servers.test", "http://nowhere.invalid").reason


def test_no_tls_is_offline(call: Both, brevity: str) -> None:
    assert "no secure connection" in call("reward_servers.test", brevity.replace("http:", "https:")).reason


def test_a_slow_one_is_offline(call: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "QUICKLY", Limits(answer=0.3, patience=0, tries=1))
    with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{...") as (url, _):
        assert call("reward_servers.test", url).reason == "the reward server did not answer in time"


async def test_a_name_that_leads_inside_is_offline_where_that_is_not_allowed(tmp_path: Path, brevity: str) -> None:
    """This machine's own name: no look at the URL tells that it leads inside."""
    try:
        socket.getaddrinfo(socket.gethostname(), 80)
    except OSError:
        pytest.skip("this machine's name is not known to itself")
    settings = Settings(
        data=tmp_path, port=0, admin_api_key="tk_x", bundled_models=False, egress_allow=("public",), drain_seconds=1
    )
    async with running(settings) as url, tropism.AsyncTropism(url, "tk_x") as client:
        found = await client.reward_servers.test(f"http://{socket.gethostname()}:{brevity.rpartition(':')[2]}")
        with pytest.raises(tropism.UnprocessableEntityError, match="leads to a loopback address"):
            await client.reward_servers.test(brevity)
    assert found.status == "OFFLINE"
    assert found.reason is not None
    assert "only public ones are allowed here; the operator can allow it with TROPISM_EGRESS_ALLOW" in found.reason
