"""What pyproject.toml names is in the lock files, with hashes: setup installs nothing that is not locked."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = {"setup": ("server", "dev"), "server": ("server",), "train": ("server", "dev", "train")}
PINNED = re.compile(r"^([\w.-]+)==([^ ;\\]+)(.*?)\\?\n((?:    --hash=sha256:[0-9a-f]{64}.*\n)*)", re.MULTILINE)
BY_HAND = {"torch"}
"""Comes from the index that has the build for a machine: requirements/train-excluded.in."""


def _locked(name: str) -> dict[str, str]:
    """The version of each package; one that has no hash is none."""
    text = (ROOT / "requirements" / f"{name}.lock").read_text()
    return {canonicalize_name(package): version for package, version, _, hashes in PINNED.findall(text) if hashes}


def _named(extras: tuple[str, ...]) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in extras)]
    return [Requirement(line) for lines in lists for line in lines]


@pytest.mark.parametrize("name", LOCKS)
def test_what_the_project_names_is_locked(name: str) -> None:
    locked = _locked(name)
    for wanted in _named(LOCKS[name]):
        version = locked.get(canonicalize_name(wanted.name), "none")
        if wanted.name not in BY_HAND:
            assert version != "none", f"{wanted.name} is not in requirements/{name}.lock; run 'make lock'"
            assert wanted.specifier.contains(version), f"{wanted} is locked at {version}; run 'make lock'"


def test_every_locked_package_has_a_hash() -> None:
    for lock in (ROOT / "requirements").glob("*.lock"):
        pins = re.findall(r"^([\w.-]+)==", lock.read_text(), re.MULTILINE)
        assert len(pins) > 1
        assert {canonicalize_name(pin) for pin in pins} == set(_locked(lock.stem)), lock.name


def test_the_locks_agree() -> None:
    setup = _locked("setup")
    for name in ("server", "train"):
        differing = {package for package, version in _locked(name).items() if setup.get(package, version) != version}
        assert not differing, f"requirements/{name}.lock: run 'make lock'"
