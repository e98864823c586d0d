"""Plain HTTP to the server, and a server with users in several teams."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import httpx2
import pytest
from tests.api.strangers import join

from tropism import Tropism
from tropism.testing import RunningServer, run_server


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx2.Client]:
    """A client with the admin's key."""
    headers = {"Authorization": f"Bearer {server.api_key}"}
    with httpx2.Client(base_url=server.base_url, headers=headers) as client:
        yield client


@pytest.fixture
def anyone(server: RunningServer) -> Iterator[httpx2.Client]:
    """A client without a key."""
    with httpx2.Client(base_url=server.base_url) as client:
        yield client


@dataclass(frozen=True)
class Teams:
    """A server with two teams. `case` belongs to the team `default`, and `{case}-stars` is linked to it."""

    admin: Tropism
    stranger: Tropism
    """The admin of the other team."""
    viewer: Tropism
    """A viewer of the team `default`."""
    both: Tropism
    """A viewer of the team `default` who is an admin of the other one."""
    developer_key: str
    base_url: str
    case: str


@pytest.fixture(scope="module")
def teams(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Teams]:
    data, case = tmp_path_factory.mktemp("teams"), f"case-{uuid4().hex[:12]}"
    with run_server(data=data):
        pass
    roles = ({"another": "admin"}, {"default": "viewer"}, {"default": "viewer", "another": "admin"})
    keys = [join(data, each) for each in roles]
    developer = join(data, {"default": "developer"})
    with run_server(data=data) as server:
        clients = [Tropism(server.base_url, key) for key in (server.api_key, *keys)]
        admin = clients[0]
        admin.use_cases.create(case)
        admin.models.attach("echo", make_default=True, wait=True, use_case=case)
        admin.feedback.register_key(f"{case}-stars")
        admin.feedback.link(f"{case}-stars", use_case=case)
        yield Teams(clients[0], clients[1], clients[2], clients[3], developer, server.base_url, case)
        for client in clients:
            client.close()
