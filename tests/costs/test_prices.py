"""The price list: dated, from named pages, overridden by the operator's file and by what people say; never a guess."""

from __future__ import annotations

import json
import re
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from tests.conftest import Both

from tropism import Tropism
from tropism.server.prices import PACKAGED, PackagedList, price_list
from tropism.testing import run_server


def add(client: Tropism, model: str, **more: object) -> str:
    key = f"model-{uuid4().hex[:12]}"
    given = {"provider": "open_ai", "api_key": "sk-in-tests", "key": key, **more}
    return client.models.add_external(key, model, **given).key  # type: ignore[arg-type]


def test_every_price_names_its_page_and_month() -> None:
    packaged = msgspec.json.decode(PACKAGED.read_bytes(), type=PackagedList)
    assert {each.provider for each in packaged.models} == set(packaged.sources)
    assert len({(each.provider, each.model) for each in packaged.models}) == len(packaged.models)
    for source in packaged.sources.values():
        assert source.page.startswith("https://")
        assert re.fullmatch(r"20\d\d-\d\d", source.as_of)


def test_a_known_model_gets_its_price_and_says_from_where(call: Both, client: Tropism) -> None:
    found = call("models.get", add(client, "gpt-4o-mini"))
    assert (found.prices.input_per_million, found.prices.output_per_million) == (0.15, 0.6)
    assert found.prices_source.startswith("https://developers.openai.com/")
    listed = {(each.provider, each.model): each for each in call("costs.prices")}
    assert listed["open_ai", "gpt-4o-mini"].prices == found.prices
    assert listed["open_ai", "gpt-4o-mini"].source == found.prices_source


def test_a_release_costs_what_its_model_does_unless_it_is_listed_itself(client: Tropism) -> None:
    assert client.models.get(add(client, "gpt-4o-2024-08-06")).prices == client.models.get(add(client, "gpt-4o")).prices
    older = client.models.get(add(client, "gpt-4o-2024-05-13")).prices
    assert older is not None
    assert older.input_per_million == 5
    assert price_list(None).of("anthropic", "claude-opus-4-5-20251101") is not None


@pytest.mark.parametrize("model", ["gpt-4o-audio", "gpt-4o-mini-2024", "my-gpt-4o"])
def test_what_is_not_listed_has_no_price(client: Tropism, model: str) -> None:
    found = client.models.get(add(client, model))
    assert (found.prices, found.prices_source) == (None, None)


def test_what_somebody_says_goes_before_the_list(call: Both, client: Tropism) -> None:
    said = {"input_per_million": 7.0, "output_per_million": 8.0}
    key = add(client, "gpt-4o", prices=said)
    found = client.models.get(key)
    assert found.prices is not None
    assert (found.prices.input_per_million, found.prices_source) == (7, None)
    back = call("models.update_prices", key, None)
    assert (back.prices.input_per_million, back.prices_source) == (2.5, back.prices_source)
    assert call("models.update_prices", key, said).prices_source is None


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "prices.json"
    monkeypatch.setenv("TROPISM_PRICES", str(path))
    return path


def test_the_operators_file_goes_before_the_package_from_the_next_start_on(own: Path, tmp_path: Path) -> None:
    rows = [
        {"provider": "open_ai", "model": "gpt-4o", "input_per_million": 1, "output_per_million": 2},
        {"provider": "custom", "model": "llama", "input_per_million": 3, "output_per_million": 4},
    ]
    own.write_text(json.dumps({"models": []}))
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        listed, said = add(client, "gpt-4o"), add(client, "gpt-4o", prices=PRICES)
        far = add(client, "llama", provider="custom", endpoint="http://127.0.0.1:1/v1")
        assert client.models.get(far).prices is None
    own.write_text(json.dumps({"models": rows}))
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        prices = {key: client.models.get(key) for key in (listed, said, far)}
        found = {
            key: each.prices and (each.prices.input_per_million, each.prices_source) for key, each in prices.items()
        }
    assert found == {listed: (1, "the list prices.json"), said: (9, None), far: (3, "the list prices.json")}


PRICES = {"input_per_million": 9.0, "output_per_million": 9.0}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "cannot read"),
        ("not json", "is no list of prices"),
        ('{"models": [{"provider": "open_ai", "model": "x"}]}', "input_per_million"),
        ('{"models": [], "sources": {}}', "sources"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_at_the_start(tmp_path: Path, text: str | None, reason: str) -> None:
    path = tmp_path / "prices.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match=reason) as caught:
        price_list(path)
    assert "TROPISM_PRICES" in str(caught.value)


def test_a_price_below_zero_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    row = {"provider": "open_ai", "model": "x", "input_per_million": -1, "output_per_million": 0}
    path.write_text(json.dumps({"models": [row]}))
    with pytest.raises(ValueError, match="TROPISM_PRICES"):
        price_list(path)
