"""A disk that is full, or can only be read: callers are told, nothing is lost, all goes on when there is room."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.disks import needs_root, small_disk
from tests.e2e.process import ADMIN_KEY, Served, served
from tests.evaluation.judge import eventually
from tests.torture.acknowledged import Acknowledged
from tests.torture.found import check

from tropism import APIStatusError, Tropism

MEGABYTE = 1024 * 1024
HELLO = [{"role": "user", "content": "one two three"}]
pytestmark = needs_root


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk, which is the engine's data directory."""
    with small_disk(tmp_path / "disk") as place:
        yield place


@pytest.fixture
def engine(disk: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr("tropism.sdk.send.RETRIES", 0)
    monkeypatch.setattr("tropism.sdk.uploading.ATTEMPTS", 1)
    with served(disk, "--port", "0", "--echo-models", "a") as engine:
        yield engine


@pytest.fixture
def client(engine: Served) -> Iterator[Tropism]:
    with Tropism(engine.ready(), ADMIN_KEY, timeout=30) as client:
        client.set_default_use_case("default")
        client.models.attach("a", wait=True, make_default=True)
        client.feedback.register_key("stars")
        client.feedback.link("stars")
        yield client


def fill(disk: Path) -> Path:
    """A file that takes all the room there is."""
    file = disk / "other"
    with file.open("wb", buffering=0) as filled:
        try:
            while True:
                filled.write(b"0" * 4096)
        except OSError:
            return file


def ask(client: Tropism, acknowledged: Acknowledged, words: int = 3000) -> None:
    text = "word " * words
    choice = client.chat.create([{"role": "user", "content": text}]).choices[0]
    acknowledged.completions[choice.completion_id] = choice.message.content or ""


def test_a_full_disk_loses_nothing_that_was_acknowledged(client: Tropism, engine: Served, disk: Path) -> None:
    acknowledged = Acknowledged()
    for _ in range(20):
        ask(client, acknowledged)
    filler = fill(disk)
    refused = []
    for _ in range(400):  # what is in the log makes room in the file of the log
        try:
            ask(client, acknowledged)
        except APIStatusError as error:
            refused.append(error)
    assert refused, "the disk was not full"
    assert {error.status_code for error in refused} == {500}, "the answer was made: not to be asked for again"
    assert {error.type for error in refused} == {"not_logged"}
    with pytest.raises(APIStatusError) as told:
        client.use_cases.create("one-more", description="d" * 9_000)
    assert (told.value.status_code, told.value.type) == (503, "storage_failed")
    assert "full" in str(told.value)
    assert client.interactions.list(page={"first": 5}).nodes, "what is there can be read"
    filler.unlink()
    eventually(lambda: _goes_on(client, acknowledged))
    assert engine.stop() == 0, engine.said()
    check(f"sqlite:///{disk / 'tropism.db'}", disk, acknowledged, at_rest=True)


def _goes_on(client: Tropism, acknowledged: Acknowledged) -> bool:
    try:
        ask(client, acknowledged)
    except APIStatusError:
        return False
    return True


def test_an_upload_goes_on_when_a_full_disk_has_room(
    client: Tropism, engine: Served, disk: Path, tmp_path: Path
) -> None:
    lines = [f"{number} " + "word " * 50 for number in range(8_000)]
    file = tmp_path / "lines"
    file.write_text("".join(json.dumps({"prompt": line}) + "\n" for line in lines))
    filler = fill(disk)
    os.truncate(filler, filler.stat().st_size - MEGABYTE)
    with pytest.raises(APIStatusError) as told:
        client.datasets.upload(file, "lines")
    assert (told.value.status_code, told.value.type) == (503, "storage_failed")
    filler.unlink()
    made = client.datasets.upload(file, "lines")
    assert made.lines == len(lines)
    acknowledged = Acknowledged(datasets={made.id: lines})
    assert engine.stop() == 0, engine.said()
    check(f"sqlite:///{disk / 'tropism.db'}", disk, acknowledged, at_rest=True)


def test_a_dataset_for_which_there_is_no_room_says_so(
    client: Tropism, engine: Served, disk: Path, tmp_path: Path
) -> None:
    """The upload has just fitted; what it becomes has not."""
    dice = os.urandom(6 * MEGABYTE).hex()
    lines = [dice[at : at + 2000] for at in range(0, len(dice), 2000)]
    file = tmp_path / "lines"
    file.write_text("".join(json.dumps({"prompt": line}) + "\n" for line in lines))
    filler = fill(disk)
    os.truncate(filler, max(0, filler.stat().st_size - file.stat().st_size - 2 * MEGABYTE))
    with pytest.raises(APIStatusError) as told:
        client.datasets.upload(file, "lines")
    assert (told.value.status_code, told.value.type) == (503, "storage_failed")
    assert "No space left" in str(told.value)
    filler.unlink()
    assert client.datasets.upload(file, "lines").lines == len(lines)
    assert engine.stop() == 0, engine.said()


def test_a_folder_that_cannot_be_written_is_no_error_on_our_side(
    client: Tropism, engine: Served, disk: Path, tmp_path: Path
) -> None:
    """Root may write everywhere but where a folder is none."""
    file = tmp_path / "lines"
    file.write_text('{"prompt": "one"}\n')
    (disk / "uploads").write_text("in the way")
    with pytest.raises(APIStatusError) as told:
        client.datasets.upload(file, "lines")
    assert (told.value.status_code, told.value.type) == (503, "storage_failed")
    (disk / "uploads").unlink()
    assert client.datasets.upload(file, "lines").lines == 1
    assert engine.stop() == 0, engine.said()


def test_an_engine_on_a_disk_that_can_only_be_read_says_why_it_does_not_start(disk: Path) -> None:
    with served(disk, "--port", "0", "--echo-models", "a") as first:
        first.ready()
        first.stop()
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    with served(disk, "--port", "0", "--echo-models", "a") as second:
        assert second.ended() != 0
        assert "Traceback" not in second.said()
        assert "read-only" in second.said().lower()


@pytest.fixture
def failing(tmp_path: Path) -> Iterator[Path]:
    """A disk that Linux lets nobody write to any more once it has failed."""
    image, place = tmp_path / "image", tmp_path / "failing"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(48 * MEGABYTE)
    mount = ("mount", "-o", "loop,errors=remount-ro", str(image), str(place))
    for command in (("mkfs.ext4", "-q", str(image)), mount):
        if shutil.which(command[0]) is None or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("no ext4 on a loop device can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def mend(disk: Path) -> None:
    """What an administrator does: check it, and mount it again."""
    image = disk.with_name("image")
    subprocess.run(["umount", disk], check=True)
    assert subprocess.run(["e2fsck", "-fy", image], capture_output=True).returncode in (0, 1)
    subprocess.run(["mount", "-o", "loop", image, disk], check=True)


@pytest.mark.torture  # it breaks a file system of the machine's kernel, on a loop device
def test_a_disk_that_fails_under_an_engine_loses_nothing_that_was_acknowledged(
    failing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tropism.sdk.send.RETRIES", 0)
    acknowledged = Acknowledged()
    with served(failing, "--port", "0", "--echo-models", "a") as engine:
        with Tropism(engine.ready(), ADMIN_KEY, timeout=30) as client:
            client.set_default_use_case("default")
            client.models.attach("a", wait=True, make_default=True)
            for _ in range(20):
                ask(client, acknowledged)
            subprocess.run(["mount", "-o", "remount,abort", failing], check=True)
            with pytest.raises(APIStatusError) as refused:
                ask(client, acknowledged)
            assert (refused.value.status_code, refused.value.type) == (500, "not_logged")
            with pytest.raises(APIStatusError) as told:
                client.use_cases.create("one-more")
            assert (told.value.status_code, told.value.type) == (503, "storage_failed")
            assert len(client.interactions.list(page={"first": 50}).nodes) == 20, "what is there can be read"
        assert engine.stop() == 0, engine.said()
    mend(failing)
    with served(failing, "--port", "0", "--echo-models", "a") as engine, Tropism(engine.ready(), ADMIN_KEY) as client:
        client.set_default_use_case("default")
        ask(client, acknowledged)
        assert engine.stop() == 0, engine.said()
    check(f"sqlite:///{failing / 'tropism.db'}", failing, acknowledged, at_rest=True)
