"""Files that go from one data directory through the storage into another: whole, checked, or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from tests.disks import needs_root, small_disk
from tests.jobs.conftest import MakeJob

from tropism.server import snapshot
from tropism.server.clock import Clock
from tropism.server.database.connect import Database
from tropism.server.domains.jobs import service as jobs
from tropism.server.domains.models import homes
from tropism.server.files import model_files, stored_files
from tropism.server.files.carrying import FETCHING, Here, StoredFile
from tropism.server.files.model_files import FilesMissing
from tropism.server.identity.principal import SYSTEM
from tropism.server.settings import Settings
from tropism.server.snapshot import Snapshot
from tropism.testing.database import database_of
from tropism.wire.jobs import JobReference

Data = Database[Snapshot]
CONTENT = os.urandom(1024 * 1024)
JOB = UUID(int=7)
NAME = f"models/{JOB}/model.gguf"


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return tmp_path / "storage"


def machine(tmp_path: Path, name: str) -> Settings:
    return Settings(data=tmp_path / name, storage=str(tmp_path / "storage"))


async def said(size: int) -> None:
    """How far it is."""


async def put(database: Data, settings: Settings, name: str, content: bytes) -> StoredFile:
    """What a job does with a file that it has made."""
    place = settings.data / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    here = Here(name=name, path=str(place))
    file = await model_files.measured(here, said)
    missing = await database.write(SYSTEM, stored_files.expect, [file])
    await model_files.put(settings, [here], missing)
    await database.write(SYSTEM, stored_files.confirm, [file])
    return file


def unfinished(settings: Settings) -> list[Path]:
    return list((settings.data / FETCHING).glob("*.part"))


async def test_a_file_is_fetched_once_however_many_want_it(database: Data, tmp_path: Path, storage: Path) -> None:
    file = await put(database, machine(tmp_path, "maker"), NAME, CONTENT)
    other = machine(tmp_path, "other")
    await asyncio.gather(*(model_files.fetch(database, other, [NAME]) for _ in range(3)))
    assert model_files.local_path(other, NAME).read_bytes() == CONTENT
    assert unfinished(other) == []
    (storage / file.place).unlink()
    await model_files.fetch(database, other, [NAME])
    assert await database.write(SYSTEM, stored_files.expect, [file]) == [], "it is not put there twice"


async def test_what_broke_off_is_gone_on_with(database: Data, tmp_path: Path, storage: Path) -> None:
    file = await put(database, machine(tmp_path, "maker"), NAME, CONTENT)
    other = machine(tmp_path, "other")
    (storage / file.place).rename(tmp_path / "away")
    with pytest.raises(FilesMissing):
        await model_files.fetch(database, other, [NAME])
    (tmp_path / "away").rename(storage / file.place)
    key = hashlib.sha256(file.place.encode()).hexdigest()[:32]
    (other.data / FETCHING / f"{key}.part").write_bytes(CONTENT[:400_000])
    await model_files.fetch(database, other, [NAME])
    assert model_files.local_path(other, NAME).read_bytes() == CONTENT


@pytest.mark.parametrize("damage", [CONTENT[:-1] + b"?", CONTENT[:-5], CONTENT + b"?"])
async def test_what_was_damaged_in_the_storage_is_no_model(
    database: Data, tmp_path: Path, storage: Path, damage: bytes
) -> None:
    file = await put(database, machine(tmp_path, "maker"), NAME, CONTENT)
    (storage / file.place).write_bytes(damage)
    other = machine(tmp_path, "other")
    with pytest.raises(FilesMissing, match="is not what was put there"):
        await model_files.fetch(database, other, [NAME])
    assert not model_files.local_path(other, NAME).exists()
    assert unfinished(other) == []


async def test_what_the_storage_has_lost_is_named(database: Data, tmp_path: Path, storage: Path) -> None:
    file = await put(database, machine(tmp_path, "maker"), NAME, CONTENT)
    (storage / file.place).unlink()
    with pytest.raises(FilesMissing, match="the storage has no"):
        await model_files.fetch(database, machine(tmp_path, "other"), [NAME])
    with pytest.raises(FilesMissing, match="neither in this data directory nor in the storage"):
        await model_files.fetch(database, machine(tmp_path, "other"), [f"models/{JOB}/another.gguf"])


async def test_an_engine_without_the_storage_says_so(database: Data, tmp_path: Path) -> None:
    await put(database, machine(tmp_path, "maker"), NAME, CONTENT)
    with pytest.raises(FilesMissing, match="start this one with --storage"):
        await model_files.fetch(database, Settings(data=tmp_path / "other"), [NAME])


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk") as place:
        yield place


@needs_root
async def test_a_disk_without_room_gets_nothing_half(database: Data, tmp_path: Path, disk: Path) -> None:
    await put(database, machine(tmp_path, "maker"), NAME, CONTENT)
    other = machine(tmp_path, "disk")
    with pytest.raises(FilesMissing, match="the disk of the data directory has no room"):
        await model_files.fetch(database, other, [NAME])
    assert not model_files.local_path(other, NAME).exists()
    assert unfinished(other) == []


async def test_a_later_content_takes_the_place_of_an_earlier_one(database: Data, tmp_path: Path) -> None:
    await put(database, machine(tmp_path, "slow"), NAME, b"first")
    await put(database, machine(tmp_path, "quick"), NAME, b"second")
    other = machine(tmp_path, "other")
    await model_files.fetch(database, other, [NAME])
    assert model_files.local_path(other, NAME).read_bytes() == b"second"


class Later(Clock):
    """The clock of two minutes later."""

    def now(self) -> datetime:
        return super().now() + timedelta(minutes=2)


@pytest.fixture
async def later(database: Data, tmp_path: Path) -> AsyncIterator[Data]:
    opened: Data = Database(database_of(tmp_path), Later(), snapshot.load, snapshot.version)
    await opened.open()
    yield opened
    await opened.close()


async def test_what_a_job_leaves_that_has_ended_is_removed_but_for_its_model(
    database: Data, later: Data, make_job: MakeJob, tmp_path: Path
) -> None:
    settings = machine(tmp_path, "maker")
    ended, running = await make_job(), await make_job()
    left = await put(database, settings, f"models/{ended.id}/model.gguf", CONTENT)
    await put(database, settings, f"models/{running.id}/model.gguf", CONTENT)
    await database.write(SYSTEM, jobs.cancel, JobReference(job=ended.id))
    assert await database.read(SYSTEM, homes.left_over) == [], "its worker may not have heard of it"
    assert await later.read(SYSTEM, homes.left_over) == [left]
    await model_files.remove(database, settings, [left])
    assert await later.read(SYSTEM, homes.left_over) == []
