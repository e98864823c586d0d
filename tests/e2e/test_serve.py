"""`tropism serve` as a process: what it prints, whom it refuses, and how it ends."""

from __future__ import annotations

import os
import re
import socket
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from tests.chat.upstream import Request, run_upstream
from tests.e2e.process import ADMIN_KEY, SECONDS, Served, served

from tropism import InternalServerError, Tropism

HELLO = [{"role": "user", "content": "Hello!"}]
ECHO = ("--port", "0", "--echo-models", "echo")


def in_a_shell(line: str, **environment: str) -> str:
    """What a line prints that a user pastes into a shell in which `python` is ours."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TROPISM_")}
    done = subprocess.run(
        ["bash", "-c", line],
        env={**kept, "PATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("own_key", [False, True], ids=["made-key", "own-key"])
def test_the_lines_to_try_work_as_they_are(tmp_path: Path, own_key: bool) -> None:
    with served(tmp_path, *ECHO, TROPISM_ADMIN_API_KEY=ADMIN_KEY if own_key else "") as engine:
        url = engine.ready()
        lines = engine.lines
        file = tmp_path / "admin.key"
        assert file.exists() is not own_key
        key = ADMIN_KEY if own_key else file.read_text().strip()
        if not own_key:
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert f"Admin key: {key}" in lines
        assert ADMIN_KEY not in "\n".join(lines), "the operator's own key is not repeated"
        with Tropism(url, key) as client:
            client.models.attach("echo", make_default=True, wait=True, use_case="default")
        to_try = [line.strip() for line in lines[lines.index("Try it:") + 1 :]]
        commands = [Path(line.split()[0]).name.rstrip("0123456789.") for line in to_try]
        assert commands == ["curl", "python", "python"]
        given = {"TROPISM_API_KEY": key} if own_key else {}
        curl, sdk, openai = (in_a_shell(line, **given) for line in to_try)
        assert '"content":"Hello!"' in curl
        assert (sdk.strip(), openai.strip()) == ("Hello!", "Hello!")
        assert engine.stop() == 0
        assert engine.said() == ""


def test_health_needs_no_key_and_nothing_else_is_open(tmp_path: Path) -> None:
    with served(tmp_path, *ECHO) as engine:
        url = engine.ready()
        assert httpx2.get(f"{url}/health").status_code == 200
        assert httpx2.get(f"{url}/api/v1/models").status_code == 401
        assert httpx2.get(f"{url}/v1/models", headers={"Authorization": "Bearer tk_x"}).status_code == 401


def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    with served(tmp_path, *ECHO) as engine, Tropism(engine.ready(), ADMIN_KEY) as client:
        client.set_default_use_case("default")
        client.models.attach("echo", make_default=True, wait=True)
        client.feedback.register_key("stars")
        client.feedback.link("stars")
        client.models.add_variant("echo", "variant", system_prompt="x")
        client.models.attach("variant")
        client.ab_tests.create("test", "stars", ["echo", "variant"])
        answer = client.chat.create(HELLO)
        client.feedback.log_metric(4, answer.id, "stars")
        before = (
            client.interactions.get(answer.id),
            client.use_cases.get(),
            client.ab_tests.get("test").report.variants,
            client.users.me(),
        )
        assert engine.stop() == 0
    with served(tmp_path, *ECHO, TROPISM_ADMIN_API_KEY="tk_another") as engine:
        with Tropism(engine.ready(), ADMIN_KEY) as client:  # the first start's key is the admin's, and stays so
            client.set_default_use_case("default")
            client.models.attach("echo", wait=True)
            after = (
                client.interactions.get(answer.id),
                client.use_cases.get(),
                client.ab_tests.get("test").report.variants,
                client.users.me(),
            )
            assert after == before
            assert client.chat.create(HELLO).choices[0].message.content == "Hello!"
        assert engine.stop() == 0


def test_a_running_stream_ends_before_the_engine_does(tmp_path: Path) -> None:
    async def play(request: Request) -> None:
        request.begin()
        await request.say("before")
        await request.until_told()
        await request.say(" after")
        await request.end()

    with run_upstream() as upstream, served(tmp_path, *ECHO) as engine, Tropism(engine.ready(), ADMIN_KEY) as client:
        upstream.model(client, "default", play)
        stream = client.chat.create(HELLO, stream=True, use_case="default")
        first = next(stream)
        engine.process.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            engine.process.wait(0.5)
        upstream.go_on()
        texts = [first.choices[0].delta.content, *(chunk.choices[0].delta.content for chunk in stream)]
        assert texts == ["before", " after", ""]
        assert engine.ended() == 0
        assert engine.said() == ""
    with sqlite3.connect(tmp_path / "tropism.db") as database:
        logged = database.execute("SELECT completion, finish_reason FROM interaction_body JOIN interaction USING (id)")
        assert logged.fetchall() == [("before after", "stop")]
    database.close()


def test_a_stream_without_end_is_cut_after_the_time_to_drain(tmp_path: Path) -> None:
    async def play(request: Request) -> None:
        request.begin()
        await request.say("for ever")
        await request.until_gone()

    with (
        run_upstream() as upstream,
        served(tmp_path, *ECHO, TROPISM_DRAIN_SECONDS="1") as engine,
        Tropism(engine.ready(), ADMIN_KEY) as client,
    ):
        upstream.model(client, "default", play)
        stream = client.chat.create(HELLO, stream=True, use_case="default")
        next(stream)
        assert engine.stop() == 0
        assert upstream.gone.is_set()
        stream.close()
    with sqlite3.connect(tmp_path / "tropism.db") as database:
        logged = database.execute("SELECT completion, finish_reason FROM interaction_body JOIN interaction USING (id)")
        assert logged.fetchall() == [("for ever", "cancelled")]
    database.close()


def test_a_second_engine_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with served(tmp_path, *ECHO) as first:
        url = first.ready()
        with served(tmp_path, *ECHO) as second:
            assert second.ended() == 1
            assert f"another engine (process {first.process.pid}) uses the data directory" in second.said()
            assert "Traceback" not in second.said()
        assert httpx2.get(f"{url}/health").status_code == 200
        assert first.stop() == 0
    with served(tmp_path, *ECHO) as third:
        third.ready()


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with served(tmp_path, "--port", str(port)) as engine:
            assert engine.ended() == 1
            assert f"port {port} of 127.0.0.1 is in use; choose another with --port" in engine.said()
            assert "Traceback" not in engine.said()


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["--database", "mysql://me:secret@there/x"], {}, r"sqlite:///PATH or postgresql://"),
        (["--database", "postgresql://me:secret@127.0.0.1:9/x"], {}, r"database cannot be used: connection failed"),
        (["--database", "not a url"], {}, r"database cannot be used"),
        (["--database", "sqlite:////nowhere/at/all.db"], {}, r"database cannot be used: unable to open"),
        (["--database", "sqlite:///{data}/text.db"], {}, r"database cannot be used: file is not a database"),
        (["--host", "256.1.1.1"], {}, r"cannot listen on port \d+ of 256.1.1.1"),
        (["--host", "192.0.2.1"], {}, r"cannot listen on port \d+ of 192.0.2.1"),
        (["--port", "70000"], {}, r"there is no port 70000"),
        ([], {"TROPISM_DRAIN_SECONDS": "soon"}, r"TROPISM_DRAIN_SECONDS must be a whole number, not 'soon'"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_what_cannot_be_started_says_why(
    tmp_path: Path, arguments: list[str], environment: dict[str, str], message: str
) -> None:
    (tmp_path / "text.db").write_text("this is no database\n" * 500)
    given = [argument.format(data=tmp_path) for argument in arguments]
    engine = Served(tmp_path, *(given if "--port" in given else ["--port", "0", *given]), **environment)
    assert engine.ended() == 1
    said = engine.said()
    assert re.search(message, said), said
    assert "Traceback" not in said
    assert "secret" not in said


def test_no_secret_is_written_in_clear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tropism.sdk.send.RETRIES", 0)
    secret = "sk-never-to-be-read-again"
    with served(tmp_path, *ECHO) as engine, Tropism(engine.ready(), ADMIN_KEY) as client:
        client.models.add_external("x", "x", secret, "custom", endpoint="http://127.0.0.1:9/v1", key="x")
        client.models.attach("x", wait=True, use_case="default")
        with pytest.raises(InternalServerError, match="cannot be reached"):
            client.chat.create(HELLO, model="x", use_case="default")
        assert engine.stop() == 0
        shown = engine.said() + "\n".join(engine.lines)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for each in (secret, ADMIN_KEY):
        assert each not in shown
        assert each.encode() not in written
