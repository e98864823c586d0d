"""Registering models, and what the registry tells of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from tests.conftest import Both
from tests.weights import tiny

import tropism
from tropism import Tropism
from tropism.testing import RunningServer

SECRET = "sk-nobody-may-ever-read-this"


def add(call: Both, key: str | None, **given: Any) -> Any:
    fields = {"provider": "custom", "endpoint": "http://127.0.0.1:9/v1", "key": key, **given}
    return call("models.add_external", fields.pop("name", "A name"), "far/model", SECRET, **fields)


def gguf(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_an_external_model_is_registered_and_nothing_more(call: Both, key: str) -> None:
    made = add(call, key)
    assert (made.key, made.name, made.online, made.error) == (key, "A name", "OFFLINE", None)
    assert (made.is_external, made.provider_name, made.kind) == (True, "custom", "Generation")
    assert (made.available, made.in_storage, made.trainable, made.is_adapter) == (True, False, False, False)
    assert call("models.get", key) == call("models.get", made.id) == made
    assert made in call("models.list")


def test_no_answer_holds_the_secret(call: Both, client: Tropism, use_case: str, key: str) -> None:
    answers = [
        add(call, key),
        call("models.get", key),
        call("models.list"),
        call("models.attach", key, use_case=use_case),
        call("models.update", key, is_default=True, use_case=use_case),
        call("use_cases.get", use_case),
        call("models.update_compute_config", key, {"max_seq_len": 512}),
        call("models.terminate", key, force=True),
    ]
    assert SECRET.encode() not in b"".join(msgspec.json.encode(answer) for answer in answers)


@pytest.mark.sqlite
def test_the_secret_is_not_in_the_files_in_clear(call: Both, server: RunningServer, key: str) -> None:
    add(call, key)
    files = [path for path in server.data.rglob("*") if path.is_file()]
    assert any(path.name.startswith("tropism.db") for path in files)
    assert [path.name for path in files if SECRET.encode() in path.read_bytes()] == []


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"endpoint": None}, "endpoint"),
        ({"endpoint": None, "provider": "azure"}, "endpoint"),
        ({"endpoint": "ftp://example.org"}, "endpoint"),
        ({"endpoint": "example.org/v1"}, "endpoint"),
        ({"endpoint": "http://"}, "endpoint"),
        ({"endpoint": "http:///v1"}, "endpoint"),
        ({"endpoint": "http://[::1"}, "endpoint"),
        ({"endpoint": "http://exa mple.org"}, "endpoint"),
        ({"endpoint": "http://example.org:port"}, "endpoint"),
        ({"endpoint": "file:///etc/passwd"}, "endpoint"),
        ({"provider": "llama_cpp"}, "provider"),
        ({"key": "a b"}, "key"),
        ({"key": "a/b"}, "key"),
        ({"key": ""}, "key"),
        ({"key": str(uuid4())}, "key"),
        ({"name": ""}, "name"),
        ({"key": None, "name": "???"}, "key"),
        ({"kind": "Picture"}, "kind"),
    ],
)
def test_what_cannot_be_a_provider_is_refused_and_not_registered(
    call: Both, client: Tropism, key: str, given: dict[str, Any], param: str
) -> None:
    before = len(client.models.list())
    with pytest.raises(tropism.UnprocessableEntityError) as caught:
        add(call, **{"key": key, **given})
    assert caught.value.param == param
    assert len(client.models.list()) == before


def test_a_key_is_made_from_the_name(call: Both) -> None:
    word = uuid4().hex[:12]
    made = add(call, None, name=f"My  Model (v1.5) {word}")
    assert (made.key, made.name) == (f"my-model-v1.5-{word}", f"My  Model (v1.5) {word}")
    with pytest.raises(tropism.ConflictError, match="choose another key"):
        add(call, None, name=f"My Model v1.5 {word}")


def test_a_key_is_taken_once(call: Both, key: str) -> None:
    add(call, key)
    with pytest.raises(tropism.ConflictError, match=f"a model '{key}' already") as caught:
        call("models.add_variant", "echo-a", key, system_prompt="x")
    assert caught.value.param == "key"


def test_an_unknown_model_says_what_there_is(call: Both, use_case: str) -> None:
    for operation, more in (
        ("models.get", {}),
        ("models.deploy", {}),
        ("models.terminate", {}),
        ("models.attach", {"use_case": use_case}),
        ("models.detach", {"use_case": use_case}),
    ):
        with pytest.raises(tropism.NotFoundError, match=r"no model 'nothing'; models\.list\(\) shows what there is"):
            call(operation, "nothing", **more)


def test_filters_narrow_the_list(call: Both, key: str, tmp_path: Path) -> None:
    external, variant, local = add(call, key, kind="Embedding"), f"{key}-v", f"{key}-l"
    call("models.add_variant", "echo-a", variant, system_prompt="x")
    call("jobs.wait", call("models.add_local", tiny.make_gguf(tmp_path), local))

    def keys(**filter: Any) -> set[str]:
        return {model.key for model in call("models.list", filter=filter)}

    assert {"echo-a", external.key, variant, local} <= keys()
    assert external.key in keys(kind="Embedding")
    assert not keys(kind="Embedding") & {"echo-a", variant, local}
    assert local in keys(in_storage=True)
    assert not keys(in_storage=True) & {"echo-a", external.key}
    assert local in keys(trainable=True)
    assert variant not in keys(trainable=True)
    assert external.key in keys(online="OFFLINE")
    assert external.key not in keys(online="ONLINE")
    assert keys(available=False) == set()
    assert keys(view_all=True) >= keys()
    with pytest.raises(tropism.UnprocessableEntityError):
        call("models.list", filter={"kind": "Picture"})


def test_a_file_that_is_no_model_is_refused(call: Both, client: Tropism, key: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "locked").mkdir()
    bad: list[tuple[Path | str, str]] = [
        (tmp_path / "nowhere.gguf", "No such file"),
        (gguf(tmp_path / "text.gguf", b"hello world"), "no GGUF file"),
        (gguf(tmp_path / "empty.gguf", b""), "no GGUF file"),
        (tmp_path / "locked", "neither a model.safetensors nor a GGUF file"),
        (tmp_path / "pipe", "no file"),
        ("relative.gguf", "must be absolute"),
        (str(tmp_path / "a\0b"), "cannot read"),
    ]
    before = len(client.models.list(filter={"view_all": True}))
    for path, message in bad:
        with pytest.raises(tropism.UnprocessableEntityError, match=message) as caught:
            call("models.add_local", path, key)
        assert caught.value.param == "path"
    assert len(client.models.list(filter={"view_all": True})) == before


def test_a_file_that_was_cut_later_is_an_error_with_its_reason(
    call: Both, client: Tropism, use_case: str, key: str, tmp_path: Path
) -> None:
    file = tiny.make_gguf(tmp_path)
    call("jobs.wait", call("models.add_local", file, key))
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(tropism.TropismError, match=f"'{key}' could not be started: .+"):
        call("models.attach", key, wait=True, use_case=use_case)
    found = client.models.get(key)
    assert found.online == "ERROR"
    assert found.error
    with pytest.raises(tropism.TropismError, match="could not be started"):
        call("models.deploy", key, wait=True)
    with pytest.raises(tropism.InternalServerError, match="it does not run: .+") as caught:
        call("chat.create", [{"role": "user", "content": "x"}], model=key, use_case=use_case)
    assert caught.value.status_code == 503
    client.models.terminate(key, force=True)
    assert (client.models.get(key).online, client.models.get(key).error) == ("OFFLINE", None)


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({}, "system_prompt"),
        ({"parameters": {"temperature": 3}}, "parameters.temperature"),
        ({"parameters": {"top_k": 3}}, "parameters"),
        ({"system_prompt": "x", "backbone": "nothing"}, "model"),
    ],
)
def test_what_cannot_be_a_variant_is_refused(call: Both, key: str, given: dict[str, Any], param: str) -> None:
    with pytest.raises((tropism.UnprocessableEntityError, tropism.NotFoundError)) as caught:
        call("models.add_variant", **{"backbone": "echo-a", "key": key, **given})
    assert (caught.value.param or "").startswith(param)
    with pytest.raises(tropism.NotFoundError):
        call("models.get", key)


def test_a_variant_stands_on_a_chat_model_of_its_own(call: Both, key: str) -> None:
    add(call, f"{key}-e", kind="Embedding")
    with pytest.raises(tropism.UnprocessableEntityError, match="is an embedding model"):
        call("models.add_variant", f"{key}-e", key, system_prompt="x")
    made = call("models.add_variant", "echo-a", key, "Name", "Be brief.", {"temperature": 0.5})
    assert (made.backbone, made.system_prompt, made.name) == ("echo-a", "Be brief.", "Name")
    assert (made.parameters.temperature, made.parameters.top_p) == (0.5, None)
    assert made.online == call("models.get", "echo-a").online
    with pytest.raises(tropism.UnprocessableEntityError, match=f"'{key}' is a variant itself; take 'echo-a'"):
        call("models.add_variant", key, f"{key}-2", system_prompt="x")
    for operation in ("models.terminate", "models.update_compute_config"):
        arguments: tuple[Any, ...] = ({},) if operation.endswith("config") else ()
        with pytest.raises(tropism.ConflictError, match="runs on the engine of 'echo-a'; change that model"):
            call(operation, key, *arguments)
