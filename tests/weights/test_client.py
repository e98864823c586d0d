"""The hub's own client against a small hub: what it finds, what it brings, and what it says when it cannot."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tropism.weights.families import Unusable
from tropism.weights.hub import Damaged, Hub
from tropism.weights.messages import PART, Found, HubFile

from . import tiny
from .hub import COMMIT, Repository, SmallHub, run_hub

NAME = "acme/tiny"
TOKEN = "hf_a-token-that-nobody-may-read"
MIB = 1024 * 1024


@pytest.fixture
def hub(folder: Path) -> Iterator[SmallHub]:
    with run_hub() as hub:
        hub.repositories[NAME] = Repository(folder)
        yield hub


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 25 MiB, as the client writes ten at once."""
    return tiny.make_folder(tmp_path_factory.mktemp("hub"), width=512, layers=4, dtype="F32")


def bring(client: Hub, found: Found, folder: Path) -> list[int]:
    """Everything, and how much was verified each time."""
    read: list[int] = []
    for file in (*found.small, *found.weights):
        client.download(found, file, folder, read.append)
    return read


def same(found: Found, original: Path, folder: Path) -> bool:
    names = [file.name for file in (*found.small, *found.weights)]
    return all((original / name).read_bytes() == (folder / name).read_bytes() for name in names)


def test_what_has_arrived_is_counted_while_files_get_their_names(tmp_path: Path) -> None:
    file = HubFile(name="config.json", size=3, sha256=None, git=None)
    found = Found(
        hf_model_id=NAME, revision=COMMIT, kind="gguf", small=[file], weights=[], licence=None, base_model=None
    )
    partial = tmp_path / f"{file.name}{PART}"
    ended = threading.Event()

    def come_again_and_again() -> None:
        while not ended.is_set():
            partial.write_bytes(b"{ }")
            partial.rename(tmp_path / file.name)
            (tmp_path / file.name).unlink()

    writer = threading.Thread(target=come_again_and_again)
    writer.start()
    try:
        counts = {found.arrived(tmp_path) for _ in range(20_000)}
    finally:
        ended.set()
        writer.join()
    assert counts == {0, 3}


def test_a_model_is_found_at_a_commit_and_brought(hub: SmallHub, folder: Path, tmp_path: Path) -> None:
    hub.repositories[NAME].card = {"license": "apache-2.0", "base_model": ["acme/base"]}
    client = Hub(hub.url, None)
    found = client.find(NAME, None, None)
    assert (found.revision, found.kind, found.licence, found.base_model) == (
        COMMIT,
        "safetensors",
        "apache-2.0",
        "acme/base",
    )
    assert sum(bring(client, found, tmp_path)) == found.size == found.arrived(tmp_path) == found.checked(tmp_path)
    assert same(found, folder, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        file.name for file in (*found.small, *found.weights)
    )


def test_a_connection_that_breaks_is_taken_up_where_it_broke(hub: SmallHub, folder: Path, tmp_path: Path) -> None:
    hub.repositories[NAME].breaks = [12 * MIB, 11 * MIB]
    client = Hub(hub.url, None)
    found = client.find(NAME, None, None)
    bring(client, found, tmp_path)
    assert same(found, folder, tmp_path)
    ranges = [request.range for request in hub.asked("GET", "model.safetensors") if "/cdn/" in request.path]
    assert ranges == [None, f"bytes={10 * MIB}-", f"bytes={20 * MIB}-"]


def test_what_another_process_left_is_gone_on_with(hub: SmallHub, folder: Path, tmp_path: Path) -> None:
    client = Hub(hub.url, None)
    found = client.find(NAME, None, None)
    data = (folder / "model.safetensors").read_bytes()
    (tmp_path / f"model.safetensors{PART}").write_bytes(data[: 5 * MIB])
    bring(client, found, tmp_path)
    assert same(found, folder, tmp_path)
    assert hub.sent == len(data) - 5 * MIB


def test_a_damaged_file_is_brought_again_once(hub: SmallHub, folder: Path, tmp_path: Path) -> None:
    client = Hub(hub.url, None)
    found = client.find(NAME, None, None)
    hub.repositories[NAME].damaged = ["model.safetensors", "config.json"]
    bring(client, found, tmp_path)
    assert same(found, folder, tmp_path)
    hub.repositories[NAME].damaged = ["model.safetensors"] * 2
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(Damaged, match=r"model\.safetensors is not what the hub says it has"):
        bring(client, found, tmp_path)
    assert not list(tmp_path.glob("model*"))


def test_the_token_goes_to_the_hub_and_nowhere_else(hub: SmallHub, tmp_path: Path) -> None:
    repository = hub.repositories[NAME]
    repository.gated, repository.token = True, TOKEN
    client = Hub(hub.url, TOKEN)
    bring(client, client.find(NAME, None, None), tmp_path)
    assert {each.authorization for each in hub.requests if "/cdn/" not in each.path} == {f"Bearer {TOKEN}"}
    assert {each.authorization for each in hub.requests if "/cdn/" in each.path} == {None}


def trouble(client: Hub, folder: Path, name: str = NAME, revision: str | None = None) -> tuple[str, bool]:
    try:
        bring(client, client.find(name, revision, None), folder)
    except Exception as error:
        said = client.trouble(error, name, revision)
        return said.message, said.passing
    raise AssertionError("nothing went wrong")


def test_each_refusal_says_what_to_do(hub: SmallHub, tmp_path: Path) -> None:
    without, wrong, unknown = Hub(hub.url, None), Hub(hub.url, "hf_of-somebody-else"), Hub(hub.url, "no-token")
    missing = f"there is no model 'acme/none' on {hub.url}, or "
    assert trouble(without, tmp_path, "acme/none") == (missing + "it is private and needs `hf_token`", False)
    assert trouble(wrong, tmp_path, "acme/none") == (missing + "this token may not see it", False)
    assert trouble(unknown, tmp_path) == (f"{hub.url} refuses the token", False)
    assert "has no revision 'v9'" in trouble(without, tmp_path, revision="v9")[0]
    assert "'a--b/c' is no id of a model" in trouble(without, tmp_path, "a--b/c")[0]
    hub.repositories[NAME].gated, hub.repositories[NAME].token = True, TOKEN
    assert trouble(without, tmp_path)[0] == (
        f"'acme/tiny' is gated: accept its terms on {hub.url}/acme/tiny, and give a token as `hf_token`"
    )
    assert "this token may not read it: accept its terms" in trouble(wrong, tmp_path)[0]
    hub.repositories[NAME].gated = False
    assert "it is private" in trouble(without, tmp_path)[0]


def test_what_may_pass_is_told_from_what_will_not(hub: SmallHub, tmp_path: Path) -> None:
    client = Hub(hub.url, None)
    hub.repositories[NAME].status = [503]
    assert trouble(client, tmp_path) == (f"{hub.url} answered with status 503", True)
    hub.repositories[NAME].status = [418]
    assert trouble(client, tmp_path) == (f"{hub.url} answered with status 418", False)
    message, passing = trouble(Hub("http://127.0.0.1:9", None), tmp_path)
    assert (passing, "the connection to http://127.0.0.1:9 failed" in message) == (True, True)


def test_no_message_holds_the_token() -> None:
    said = Hub("http://127.0.0.1:9", TOKEN).trouble(RuntimeError(f"sent Bearer {TOKEN}"), NAME, None)
    assert said.message == "RuntimeError: sent Bearer (token)"


def test_a_repository_of_pickles_is_refused(hub: SmallHub, tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    (tmp_path / "config.json").write_text("{}")
    hub.repositories["acme/old"] = Repository(tmp_path)
    with pytest.raises(Unusable, match="can run code"):
        Hub(hub.url, None).find("acme/old", None, None)
