"""Check metadata against the JSON schema of a reward server, which may be anybody's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from referencing import Registry
from referencing.exceptions import Unresolvable

from tropism.rewards.protocol import Metadata, RewardRefused

Check = Callable[[Metadata | None], str | None]
"""What is wrong with metadata, or None."""


def checker(schema: dict[str, Any]) -> Check:
    """How to check metadata. Raises `RewardRefused` when the schema is none."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise RewardRefused(f"the metadata schema is no JSON schema: {error.message[:300]}") from None
    except RecursionError:
        raise RewardRefused("the metadata schema is nested too deeply") from None
    if (elsewhere := next(_references_elsewhere(schema), None)) is not None:
        raise RewardRefused(f"the metadata schema refers to another document: {elsewhere[:300]!r}")
    # A registry of our own: the default one fetches what a schema refers to, from wherever it says.
    validator = Draft202012Validator(schema, registry=Registry())

    def check(metadata: Metadata | None) -> str | None:
        try:
            error = next(validator.iter_errors(metadata or {}), None)
        except (Unresolvable, RecursionError) as unclear:
            raise RewardRefused(f"the metadata schema refers to what is not in it: {str(unclear)[:300]}") from None
        return None if error is None else f"{error.json_path}: {error.message[:300]}"

    return check


def _references_elsewhere(schema: Any) -> Iterator[str]:
    waiting = [schema]
    while waiting:
        match waiting.pop():
            case list() as items:
                waiting += items
            case dict() as found:
                waiting += found.values()
                if isinstance(reference := found.get("$ref"), str) and not reference.startswith("#"):
                    yield reference
