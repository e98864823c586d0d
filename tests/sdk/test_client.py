"""How clients are made, and what they say before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from tropism import AsyncTropism, Tropism, TropismError

BOTH = pytest.mark.parametrize("client", [Tropism, AsyncTropism])


@BOTH
def test_no_base_url_is_an_error_that_names_the_variable(client: Any) -> None:
    with pytest.raises(TropismError, match="TROPISM_BASE_URL"):
        client(api_key="k")


@BOTH
def test_no_api_key_is_an_error_that_names_the_variable(client: Any) -> None:
    with pytest.raises(TropismError, match="TROPISM_API_KEY"):
        client("http://x")


@BOTH
def test_the_environment_stands_in_for_arguments(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROPISM_BASE_URL", "http://x/")
    monkeypatch.setenv("TROPISM_API_KEY", "k\n")
    client()


@BOTH
@pytest.mark.parametrize("url", ["localhost:8080", "ftp://x", "/api"])
def test_a_base_url_without_http_is_an_error(client: Any, url: str) -> None:
    with pytest.raises(TropismError, match="http://"):
        client(url, "k")


@BOTH
@pytest.mark.parametrize("key", ["clé", "a\nb"])
def test_a_key_that_cannot_be_a_header_is_an_error(client: Any, key: str) -> None:
    with pytest.raises(TropismError, match="api key"):
        client("http://x", key)


@BOTH
def test_the_default_use_case_is_a_string_that_is_not_empty(client: Any) -> None:
    made = client("http://x", "k")
    assert made.default_use_case is None
    made.set_default_use_case("support")
    assert made.default_use_case == "support"
    for bad in ("", "  ", None, 3):
        with pytest.raises(TropismError, match="not empty"):
            made.set_default_use_case(bad)
    assert made.default_use_case == "support"


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("use_cases.get", ()),
        ("models.attach", ("m",)),
        ("models.detach", ("m",)),
        ("models.update", ("m",)),
        ("chat.create", ([{"role": "user", "content": "hi"}],)),
        ("completions.create", ("hi",)),
        ("embeddings.create", ("hi",)),
        ("interactions.create", ("hi",)),
        ("interactions.create_many", ([{"completion": "hi"}],)),
        ("interactions.list", ()),
        ("interactions.get", ("c",)),
        ("feedback.link", ("k",)),
        ("feedback.unlink", ("k",)),
        ("feedback.log_preference", ("k", "a", "b")),
        ("ab_tests.create", ("t", "k", ["a", "b"])),
        ("ab_tests.list", ()),
    ],
)
def test_no_use_case_is_an_error_before_any_request(
    both: Any, scripted: Any, operation: str, arguments: tuple[Any, ...]
) -> None:
    with pytest.raises(TropismError, match="set_default_use_case"):
        both(operation, *arguments)
    assert scripted.received == []


def test_an_argument_wins_over_the_default_use_case(both: Any, scripted: Any) -> None:
    scripted.json(404, b'{"type": "not_found", "message": "no"}')
    scripted.json(404, b'{"type": "not_found", "message": "no"}')
    both.client.set_default_use_case("support")
    for use_case in (None, "sales"):
        with pytest.raises(TropismError):
            both("use_cases.get", use_case)
    assert [request.target for request in scripted.received] == ["/api/v1/use_cases/support", "/api/v1/use_cases/sales"]


def test_requests_carry_key_agent_and_default_headers(scripted: Any) -> None:
    scripted.json(200, b'{"use_cases": []}')
    with Tropism(scripted.url, " a-key\n", default_headers={"X-Team": "blue"}) as client:
        assert client.use_cases.list() == []
    headers = scripted.received[0].headers
    assert headers["authorization"] == "Bearer a-key"
    assert headers["x-team"] == "blue"
    assert headers["user-agent"].startswith("tropism-python/")


def test_a_base_url_may_have_a_path(scripted: Any) -> None:
    scripted.json(200, b'{"use_cases": []}')
    with Tropism(f"{scripted.url}/tropism/", "k") as client:
        client.use_cases.list()
    assert scripted.received[0].target == "/tropism/api/v1/use_cases"


def test_a_closed_client_says_so(both: Any) -> None:
    both.wait(both.client.close())
    with pytest.raises(TropismError, match="closed"):
        both("use_cases.list")
