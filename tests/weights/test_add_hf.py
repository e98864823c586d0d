"""Models of a hub, added through the SDK: downloaded, converted, tried, registered; or refused with the reason."""

from __future__ import annotations

import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Both

import tropism
from tropism import Tropism
from tropism.testing import RunningServer, run_server

from . import tiny
from .conftest import NAME, SECONDS, TOKEN
from .hub import COMMIT, Repository, SmallHub

QUESTION: Any = [{"role": "user", "content": "Hello"}]


def brought(call: Both, *arguments: Any, **more: Any) -> Any:
    """The job at its end."""
    return call("jobs.wait", call("models.add_hf_model", *arguments, **more), timeout=SECONDS)


def refused(call: Both, key: str, *arguments: Any, **more: Any) -> str:
    """Why the job failed; nothing is registered."""
    with pytest.raises(tropism.TropismError) as caught:
        brought(call, *arguments, **more)
    with pytest.raises(tropism.NotFoundError):
        call("models.get", key)
    return str(caught.value)


def test_a_model_is_brought_and_answers(call: Both, use_case: str, key: str, repository: Repository) -> None:
    repository.card = {"license": "apache-2.0", "base_model": ["acme/base"]}
    done = brought(call, NAME, key, output_model_name="From the hub")
    assert (done.kind, done.result, done.use_case) == ("model", {"model": key}, None)
    stages = {stage.name: (stage.status, stage.processed, stage.total) for stage in done.stages}
    size = sum((repository.folder / name).stat().st_size for name in repository.files())
    assert stages["download"] == stages["verify"] == ("COMPLETED", size, size)
    assert stages["convert"][1] == stages["convert"][2] > 90_000
    made = call("models.get", key)
    assert (made.id, made.name, made.kind, made.in_storage) == (done.id, "From the hub", "Generation", True)
    assert made.size == 94_848, "counted by hand: what is in the safetensors"
    assert (made.origin.hf_model_id, made.origin.revision, made.origin.licence) == (NAME, COMMIT, "apache-2.0")
    assert (made.origin.base_model, made.origin.architecture, made.origin.context_length) == ("acme/base", "llama", 256)
    assert made.compute_config.max_seq_len == 256
    call("models.attach", key, wait=True, use_case=use_case)
    answer = call("chat.create", QUESTION, model=key, max_tokens=4, use_case=use_case)
    assert 1 <= answer.usage.completion_tokens <= 4  # of random weights, any word may be the end


@pytest.mark.sqlite
def test_a_gated_model_needs_the_token_which_is_kept_nowhere(
    call: Both, server: RunningServer, key: str, repository: Repository
) -> None:
    repository.gated, repository.token = True, TOKEN
    assert "is gated: accept its terms on" in refused(call, key, NAME, key)
    assert "this token may not read it" in refused(call, key, NAME, key, "hf_of-somebody-else")
    repository.pause = 0.5
    id = call("models.add_hf_model", NAME, key, TOKEN)
    while (job := call("jobs.get", id)).status == "PENDING":
        time.sleep(0.05)
    files = [path for path in server.data.rglob("*") if path.is_file()]
    call("jobs.wait", id, timeout=SECONDS)
    assert job.status == "RUNNING"
    assert any(path.name.startswith("tropism.db") for path in files)
    files += [path for path in server.data.rglob("*") if path.is_file()]
    assert [path for path in files if path.exists() and TOKEN.encode() in path.read_bytes()] == []
    assert TOKEN not in str([job, call("jobs.logs", id), call("models.get", key), call("jobs.list")])


@pytest.mark.sqlite
@pytest.mark.parametrize("end", ["COMPLETED", "FAILED", "CANCELED"])
def test_nothing_is_left_of_a_token_when_its_job_has_ended(
    call: Both, server: RunningServer, key: str, repository: Repository, end: str
) -> None:
    repository.token, repository.pause = TOKEN, 0.2
    if end == "FAILED":
        repository.damaged = ["model-00001-of-00002.safetensors"] * 2
    id = call("models.add_hf_model", NAME, key, TOKEN)
    assert _sealed(server, id) is not None
    if end == "CANCELED":
        call("jobs.cancel", id)
    else:
        while (job := call("jobs.get", id)).status in ("PENDING", "RUNNING"):
            time.sleep(0.1)
        assert job.status == end
    assert _sealed(server, id) is None


def _sealed(server: RunningServer, id: Any) -> bytes | None:
    with sqlite3.connect(f"file:{server.data / 'tropism.db'}?mode=ro", uri=True) as database:
        found = database.execute("SELECT secret FROM job WHERE id = ?", (id.bytes,)).fetchone()[0]
    database.close()
    return found  # type: ignore[no-any-return]


def test_what_is_not_there_is_said(call: Both, key: str, hub: SmallHub, repository: Repository) -> None:
    assert f"there is no model 'acme/none' on {hub.url}, or it is private" in refused(call, key, "acme/none", key)
    assert "has no revision 'v9'; take a branch" in refused(call, key, NAME, key, revision="v9")
    assert "there is no GGUF file 'x.gguf'" in refused(call, key, NAME, key, file="x.gguf")


def test_what_can_run_code_is_refused(
    call: Both, key: str, hub: SmallHub, repository: Repository, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    hub.repositories["acme/old"] = Repository(tmp_path)
    assert "formats that can run code" in refused(call, key, "acme/old", key)
    assert hub.asked("GET", ".bin") == []


def test_a_family_that_cannot_be_converted_is_refused_before_its_weights_are_downloaded(
    call: Both, key: str, hub: SmallHub, repository: Repository, tmp_path: Path
) -> None:
    hub.repositories["acme/other"] = Repository(
        tiny.make_folder(tmp_path / "other", config={"architectures": ["GemmaForCausalLM"]})
    )
    assert "GemmaForCausalLM cannot be converted for llama.cpp here" in refused(call, key, "acme/other", key)
    assert hub.asked("GET", "other/resolve/model.safetensors") == []


def test_safetensors_that_are_none_are_refused(
    call: Both, key: str, hub: SmallHub, repository: Repository, tmp_path: Path
) -> None:
    tiny.make_folder(tmp_path / "evil")
    (tmp_path / "evil" / "model.safetensors").write_bytes(b"\x80\x04\x95" + bytes(5000))
    hub.repositories["acme/evil"] = Repository(tmp_path / "evil")
    assert "the weights cannot be read" in refused(call, key, "acme/evil", key)


def test_a_disk_that_is_too_small_is_said_before_anything_is_downloaded(
    call: Both, server: RunningServer, key: str, hub: SmallHub, repository: Repository
) -> None:
    repository.sizes = {"model-00001-of-00002.safetensors": 10**16}
    said = refused(call, key, NAME, key)
    assert "the disk is too small: 10,000,000.0 GB to download, 6,000,000.0 GB for the converted model" in said
    assert str(server.data) in said
    assert hub.sent == 0


def test_a_file_that_arrives_damaged_twice_is_an_error(call: Both, key: str, repository: Repository) -> None:
    repository.damaged = ["model-00002-of-00002.safetensors"] * 2
    assert "model-00002-of-00002.safetensors is not what the hub says it has" in refused(call, key, NAME, key)


def test_a_connection_that_breaks_is_gone_on_with(
    call: Both, key: str, hub: SmallHub, repository: Repository, large: Path
) -> None:
    hub.repositories["acme/large"] = Repository(large, breaks=[11 * 2**20], status=[503])
    assert brought(call, "acme/large", key).result == {"model": key}
    ranges = [request.range for request in hub.requests if request.path.startswith("/cdn/acme/large")]
    assert ranges == [None, None, f"bytes={10 * 2**20}-"]
    job = call("models.get", key).id
    assert [line.message for line in call("jobs.logs", job) if line.level == "warning"] == [
        f"{hub.url} answered with status 503; tries again in 1 seconds"
    ]


def test_a_gguf_file_is_taken_as_it_is(
    call: Both, use_case: str, key: str, hub: SmallHub, repository: Repository, tmp_path: Path
) -> None:
    made = tiny.make_gguf(tmp_path / "made")
    for name in ("tiny-q8.gguf", "tiny-other.gguf"):
        (tmp_path / "repository").mkdir(exist_ok=True)
        shutil.copy(made, tmp_path / "repository" / name)
    hub.repositories["acme/gguf"] = Repository(tmp_path / "repository")
    assert "say which one with `file`: tiny-other.gguf, tiny-q8.gguf" in refused(call, key, "acme/gguf", key)
    assert brought(call, "acme/gguf", key, file="tiny-q8.gguf").result == {"model": key}
    assert (call("models.get", key).size, call("models.get", key).origin.architecture) == (94_848, "llama")
    call("models.attach", key, wait=True, use_case=use_case)


def test_a_canceled_job_leaves_no_files(
    call: Both, server: RunningServer, key: str, hub: SmallHub, repository: Repository, large: Path
) -> None:
    hub.repositories["acme/large"] = Repository(large, pause=0.1)
    id = call("models.add_hf_model", "acme/large", key)
    home = server.data / "models" / str(id)
    while not list(home.glob("source/*.part")):
        time.sleep(0.05)
    assert call("jobs.cancel", id).status == "CANCELED"
    before = time.monotonic()
    while home.exists() and time.monotonic() < before + 30:
        time.sleep(0.05)
    assert not home.exists()
    with pytest.raises(tropism.NotFoundError):
        call("models.get", key)


def test_a_key_is_taken_once(call: Both, key: str, repository: Repository) -> None:
    with pytest.raises(tropism.ConflictError, match="there is a model 'echo-a' already"):
        call("models.add_hf_model", NAME, "echo-a")
    repository.pause = 0.3
    id = call("models.add_hf_model", NAME, key)
    with pytest.raises(tropism.ConflictError, match=f"job {id} makes a model '{key}'"):
        call("models.add_hf_model", NAME, key)
    call("models.add_variant", "echo-a", key, system_prompt="x")
    assert call("jobs.wait", id, timeout=SECONDS).result == {"model": f"{key}-2"}


def test_whose_job_takes_a_key_is_none_of_another_teams_business(
    client: Tropism, server: RunningServer, key: str, repository: Repository
) -> None:
    team, email = f"team-{key}", f"{key}@example.com"
    client.teams.create(team)
    client.users.create(email, "x", team, "admin", kind="service")
    repository.pause = 0.3
    id = client.models.add_hf_model(NAME, key)
    with Tropism(server.base_url, client.api_keys.create("k", user=email).key) as stranger:
        with pytest.raises(tropism.ConflictError, match="another team makes") as caught:
            stranger.models.add_hf_model(NAME, key)
        assert str(id) not in str(caught.value)
    assert client.jobs.wait(id, timeout=SECONDS).result == {"model": key}


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"hf_model_id": "../etc"}, "hf_model_id"),
        ({"hf_model_id": "a/b/c"}, "hf_model_id"),
        ({"hf_model_id": "a/b\n"}, "hf_model_id"),
        ({"hf_model_id": ""}, "hf_model_id"),
        ({"output_model_key": "a key"}, "output_model_key"),
        ({"compute_pool": "moon"}, "compute_pool"),
        ({"revision": ""}, "revision"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(call: Both, key: str, given: dict[str, Any], param: str) -> None:
    before = len(call("jobs.list", kind="model", limit=1000))
    with pytest.raises((tropism.UnprocessableEntityError, tropism.NotFoundError)) as caught:
        call("models.add_hf_model", **{"hf_model_id": NAME, "output_model_key": key, "hf_token": TOKEN} | given)
    assert (caught.value.param or "").startswith(param)
    assert TOKEN not in str(caught.value)
    assert len(call("jobs.list", kind="model", limit=1000)) == before


def test_the_hub_is_asked_where_the_operator_allows_it(
    key: str, hub: SmallHub, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub itself is the operator's choice; where it sends us for the large files is not."""
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("TROPISM_EGRESS_ALLOW", "public")
    inside = pytest.raises(tropism.TropismError, match="the hub is not asked: 'localhost' leads to a loopback address")
    with run_server() as server, Tropism(server.base_url, server.api_key) as client, inside:
        client.jobs.wait(client.models.add_hf_model(NAME, key), timeout=SECONDS)
    assert hub.asked("GET", "config.json")
    assert [each for each in hub.requests if each.path.startswith("/cdn/")] == []
