"""A server of its own, people with passwords, and browsers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from uuid import uuid4

import httpx2
import pytest

from tropism import Tropism
from tropism.testing import RunningServer, run_server

PASSWORD = "correct horse battery"
PROOF = {"X-Tropism-CSRF": "1"}


@dataclass(frozen=True)
class Person:
    """Somebody in the team `default` who has a password."""

    email: str
    password: str = PASSWORD


class Browser(httpx2.Client):
    """Keeps cookies, and comes from an address of its own as through a proxy on this machine."""

    def __init__(self, url: str, address: str) -> None:
        super().__init__(
            base_url=url, headers={**PROOF, "X-Forwarded-For": address, "User-Agent": "Tests/1"}, timeout=60
        )

    def sign_in(self, email: str, password: str = PASSWORD) -> httpx2.Response:
        return self.post("/api/v1/sign_ins", json={"email": email, "password": password})

    def status(self, path: str = "/api/v1/users/me") -> int:
        return self.get(path).status_code


@pytest.fixture(scope="session")
def server() -> Iterator[RunningServer]:
    """A server apart: limits are counted by account and address."""
    with run_server() as running:
        yield running


@pytest.fixture
def person(client: Tropism) -> Person:
    """A new developer with a password."""
    email = f"{uuid4().hex[:12]}@example.com"
    client.users.create(email, "Ada", "default", "developer")
    client.passwords.set(client.passwords.make_link(email).token, PASSWORD)
    return Person(email)


@pytest.fixture
def admin_of(server: RunningServer, client: Tropism) -> Iterator[Callable[[str], Tropism]]:
    """`admin_of(team)`: a client of somebody who is in charge of this team and of no other."""
    with ExitStack() as stack:

        def make(team: str) -> Tropism:
            client.users.create(email := f"{uuid4().hex[:12]}@example.com", "Admin", team, "admin", kind="service")
            return stack.enter_context(Tropism(server.base_url, client.api_keys.create("a key", user=email).key))

        yield make


@pytest.fixture
def new_browser(server: RunningServer) -> Iterator[Callable[[], Browser]]:
    with ExitStack() as stack:

        def make() -> Browser:
            number = uuid4().int
            address = f"198.18.{number % 256}.{number // 256 % 256}"
            return stack.enter_context(Browser(server.base_url, address))

        yield make


@pytest.fixture
def browser(new_browser: Callable[[], Browser]) -> Browser:
    return new_browser()
