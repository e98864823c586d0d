"""What models of known providers cost: a dated list in the package, and a file of the operator's that goes before it.

Nothing is fetched. What the list does not hold is not guessed: such a model has no price until somebody says one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct

from tropism.wire.models import Prices

PACKAGED = Path(__file__).with_name("prices.json")
_SNAPSHOT = re.compile(r"-(\d{4}-\d{2}-\d{2}|20\d{6})$")
"""Providers add the date of a release to a model's name; it costs what the name without the date does."""


class Source(Struct, kw_only=True, frozen=True):
    """Where the prices of a provider are from, and the month in which they held."""

    page: str
    as_of: str
    through: str


class Priced(Prices, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One model of one provider, and what it costs."""

    provider: str
    model: str


class PackagedList(Struct, kw_only=True, frozen=True):
    """The file in the package."""

    sources: dict[str, Source]
    models: list[Priced]


class OwnList(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A file of the operator's."""

    models: list[Priced]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Prices, and where they are from."""

    provider: str
    model: str
    prices: Prices
    source: str


class PriceList(Mapping[tuple[str, str], Listed]):
    """Prices by provider and the provider's name of the model."""

    def __init__(self, listed: Iterable[Listed]) -> None:
        self._listed = {(each.provider, each.model): each for each in listed}

    def __getitem__(self, key: tuple[str, str]) -> Listed:
        return self._listed[key]

    def __iter__(self) -> Iterable[tuple[str, str]]:  # type: ignore[override]
        return iter(self._listed)

    def __len__(self) -> int:
        return len(self._listed)

    def of(self, provider: str | None, model: str | None) -> Listed | None:
        """The prices of a model, whatever release of it is named."""
        if provider is None or model is None:
            return None
        return self.get((provider, model)) or self.get((provider, _SNAPSHOT.sub("", model)))


def price_list(own: Path | None) -> PriceList:
    """The list in the package, with the operator's in front of it."""
    packaged = msgspec.json.decode(PACKAGED.read_bytes(), type=PackagedList)
    listed = [_listed(each, _sentence(packaged.sources[each.provider])) for each in packaged.models]
    if own is not None:
        listed += [_listed(each, f"the list {own.name}") for each in _own(own)]
    return PriceList(listed)


def _own(path: Path) -> list[Priced]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=OwnList).models
    except OSError as error:
        raise ValueError(f"TROPISM_PRICES: cannot read {str(path)!r}: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise ValueError(f"TROPISM_PRICES: {str(path)!r} is no list of prices: {error}") from None


def _listed(each: Priced, source: str) -> Listed:
    prices = {"input_per_million": each.input_per_million, "output_per_million": each.output_per_million}
    return Listed(provider=each.provider, model=each.model, prices=msgspec.convert(prices, Prices), source=source)


def _sentence(source: Source) -> str:
    return f"{source.page} as of {source.as_of}, through {source.through}"
