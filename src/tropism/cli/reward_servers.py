"""`tropism reward-servers`: programs of yours that say how good answers are."""

from __future__ import annotations

import msgspec
from cyclopts import App
from rich.console import RenderableType

from tropism.cli import show
from tropism.cli.engine import DEFAULT, Engine
from tropism.wire.reward_servers import RewardServer, RewardServerReport

app = App(name="reward-servers", help="Programs of yours that say how good answers are.")


@app.command(name="list")
def list_(*, engine: Engine = DEFAULT) -> None:
    """List the reward servers of your teams."""
    with engine.client() as client:
        found = client.reward_servers.list()
    rows = [(server.key, server.name, server.url, server.team) for server in found]
    empty = "No reward servers. `tropism reward-servers add URL KEY`."
    show.answer(engine, found, lambda: show.table(["Key", "~Name", "URL", "Team"], rows, empty))


@app.command
def add(
    url: str,
    key: str,
    *,
    name: str | None = None,
    description: str | None = None,
    team: str | None = None,
    engine: Engine = DEFAULT,
) -> None:
    """Register the reward server at a URL.

    Parameters
    ----------
    url
        Where it is, as the engine's machine sees it.
    key
        How it is called here: letters, digits, dots, dashes and underscores.
    name
        What people read; the key if not given.
    description
        What it rewards.
    team
        Whose it is; your own team if not given.
    """
    with engine.client() as client:
        made = client.reward_servers.add(url, key, name, description, team=team)
    show.answer(engine, made, lambda: picture(made))


@app.command
def remove(key: str, *, engine: Engine = DEFAULT) -> None:
    """Forget a reward server; the server itself is left alone.

    Parameters
    ----------
    key
        Its key or id.
    """
    with engine.client() as client:
        client.reward_servers.remove(key)
    show.note(f"{key} is forgotten.")


@app.command(name="test")
def look(url: str, *, engine: Engine = DEFAULT) -> None:
    """Let the engine look what is at a URL; the exit code is 1 unless it is a reward server.

    Parameters
    ----------
    url
        Where to look; it need not be registered.
    """
    with engine.client() as client:
        report = client.reward_servers.test(url)
    show.answer(engine, report, lambda: _report(report))
    if report.status != "ONLINE":
        raise SystemExit(1)


def picture(server: RewardServer) -> RenderableType:
    return show.record(
        {
            "Key": server.key,
            "Name": server.name,
            "Description": server.description,
            "URL": server.url,
            "Id": server.id,
            "Team": server.team,
            "Created": server.created_at,
        }
    )


def _report(report: RewardServerReport) -> RenderableType:
    schema = None if report.metadata_schema is None else msgspec.json.encode(report.metadata_schema).decode()
    return show.record(
        {
            "URL": report.url,
            "Status": report.status,
            "Reason": report.reason,
            "Name": report.name,
            "Version": report.version,
            "Description": report.description,
            "Metadata schema": schema,
        }
    )
