"""Uploads: in parts, taken up where they broke, and refused whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from tests.conftest import Both
from tests.datasets.conftest import Cutter, Write

from tropism import ConflictError, Tropism, TropismError, UnprocessableEntityError
from tropism.testing import RunningServer
from tropism.wire.datasets import PART_BYTES

Q = {"prompt": "Q"}
LARGE = "x" * 1_000_000


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {server.api_key}"}
    with httpx2.Client(base_url=server.base_url, headers=headers, timeout=30) as client:
        yield client


def begin(http: httpx2.Client, use_case: str, data: bytes, **given: Any) -> Any:
    body = {"key": "k", "size": len(data), "sha256": hashlib.sha256(data).hexdigest(), **given}
    return http.post(f"/api/v1/use_cases/{use_case}/dataset_uploads", json=body)


def left_over(server: RunningServer) -> set[Path]:
    return {path for name in ("uploads", "datasets") for path in (server.data / name).glob("*")}


def test_a_file_is_uploaded_and_described(call: Both, use_case: str, write: Write) -> None:
    path = write({"prompt": "Q", "completion": "A", "metrics": {"stars": 4}}, {"prompt": "Q2", "completion": "A"})
    made = call("datasets.upload", path, "answers", "All answers", use_case=use_case)
    assert (made.key, made.name, made.kind, made.lines) == ("answers", "All answers", "PROMPT_COMPLETION", 2)
    assert [(each.feedback_key, each.count) for each in made.feedbacks] == [("stars", 1)]
    assert (made.use_case, made.source, made.config) == (use_case, "upload", None)
    assert call("datasets.get", "answers", use_case=use_case) == made
    assert call("datasets.get", made.id, use_case=use_case) == made


def test_the_first_twenty_bad_lines_are_named_and_nothing_is_kept(
    call: Both, server: RunningServer, use_case: str, write: Write
) -> None:
    before = left_over(server)
    path = write(Q, *({"prompt": number} for number in range(30)))
    with pytest.raises(UnprocessableEntityError) as caught:
        call("datasets.upload", path, "k", use_case=use_case)
    first, *lines = caught.value.message.splitlines()
    assert first == "30 of 31 lines are bad, so nothing is kept; the first 20:"
    assert [line.partition(":")[0] for line in lines] == [f"line {number}" for number in range(2, 22)]
    assert all("at `$.prompt`" in line for line in lines)
    assert left_over(server) == before
    assert call("datasets.list", use_case=use_case) == []
    call("datasets.upload", write(Q), "k", use_case=use_case)


def test_an_empty_file_is_no_dataset(call: Both, server: RunningServer, use_case: str, write: Write) -> None:
    before = left_over(server)
    with pytest.raises(UnprocessableEntityError, match="the file holds no line"):
        call("datasets.upload", write(), "k", use_case=use_case)
    assert left_over(server) == before


def test_an_upload_of_no_bytes_is_no_dataset_even_where_none_were_sent(http: httpx2.Client, use_case: str) -> None:
    upload = begin(http, use_case, b"").json()
    answer = http.post(f"/api/v1/dataset_uploads/{upload['id']}/complete")
    assert (answer.status_code, answer.json()["message"]) == (422, "the file holds no line")


def test_a_key_is_taken_once(call: Both, use_case: str, write: Write) -> None:
    call("datasets.upload", write(Q), "k", use_case=use_case)
    with pytest.raises(ConflictError, match=r"datasets\.delete\('k'\)"):
        call("datasets.upload", write(Q, Q), "k", use_case=use_case)
    with pytest.raises(UnprocessableEntityError, match="looks like an id"):
        call("datasets.upload", write(Q), str(uuid4()), use_case=use_case)


def test_a_file_that_is_not_there_is_a_clear_error(call: Both, use_case: str, tmp_path: Path) -> None:
    with pytest.raises(TropismError, match=r"nowhere\.jsonl: No such file"):
        call("datasets.upload", tmp_path / "nowhere.jsonl", "k", use_case=use_case)


def test_a_cut_connection_is_taken_up_where_it_broke(
    server: RunningServer, cutter: Cutter, use_case: str, write: Write
) -> None:
    path = write(*({"prompt": LARGE} for _ in range(10)))
    cutter.after = [3_000_000, 2_500_000]
    with Tropism(cutter.url, server.api_key) as client:
        made = client.datasets.upload(path, "k", use_case=use_case)
    assert cutter.cuts == 2
    assert (made.lines, made.kind) == (10, "PROMPT")


def test_a_later_call_goes_on_with_what_arrived(call: Both, http: httpx2.Client, use_case: str, write: Write) -> None:
    path = write(*({"prompt": LARGE} for _ in range(2)))
    begun = begin(http, use_case, path.read_bytes()).json()
    first = path.read_bytes()[:1_500_000]
    http.put(f"/api/v1/dataset_uploads/{begun['id']}", params={"offset": 0}, content=first).raise_for_status()
    steps: list[tuple[str, int, int]] = []
    call("datasets.upload", path, "k", on_progress=lambda *step: steps.append(step), use_case=use_case)
    size = path.stat().st_size
    assert steps == [("sending", 1_500_000, size), ("checking", size, size)]


def test_a_part_begins_where_the_last_one_ended(http: httpx2.Client, use_case: str) -> None:
    data = b'{"prompt": "Q"}\n'
    upload = begin(http, use_case, data).json()
    path = f"/api/v1/dataset_uploads/{upload['id']}"
    assert http.put(path, params={"offset": 0}, content=data[:5]).json()["offset"] == 5
    for offset in (0, 4, 6):
        refused = http.put(path, params={"offset": offset}, content=data[offset:])
        assert (refused.status_code, refused.json()["param"]) == (409, "offset")
        assert f"begins at 5, not at {offset}" in refused.json()["message"]
    early = http.post(f"{path}/complete")
    assert (early.status_code, early.json()["message"]) == (409, "5 of 16 bytes are here; send the others first")
    assert http.get(path).json()["offset"] == 5
    assert http.put(path, params={"offset": 5}, content=data[5:] + b"x").status_code == 422
    assert http.put(path, params={"offset": 5}, content=data[5:]).json()["offset"] == 16
    made = http.post(f"{path}/complete").json()["dataset"]
    assert made["lines"] == 1
    assert http.post(f"{path}/complete").json()["dataset"] == made
    assert http.put(path, params={"offset": 0}, content=data).status_code == 409


def test_a_part_has_a_limit_and_so_has_a_dataset(http: httpx2.Client, use_case: str) -> None:
    upload = begin(http, use_case, b"x" * 5, size=100 * 2**20).json()
    part = http.put(f"/api/v1/dataset_uploads/{upload['id']}", params={"offset": 0}, content=b"x" * (PART_BYTES + 1))
    assert (part.status_code, part.json()["type"]) == (413, "too_large")
    whole = begin(http, use_case, b"x", size=10 * 1024**3 + 1)
    assert (whole.status_code, whole.json()["param"]) == (413, "size")


def test_other_bytes_than_announced_are_refused(http: httpx2.Client, use_case: str) -> None:
    data = b'{"prompt": "Q"}\n'
    upload = begin(http, use_case, data, sha256="0" * 64).json()
    path = f"/api/v1/dataset_uploads/{upload['id']}"
    http.put(path, params={"offset": 0}, content=data).raise_for_status()
    for _ in range(2):  # who lost the answer hears it again
        refused = http.post(f"{path}/complete")
        assert (refused.status_code, refused.json()["param"]) == (422, "file")
        assert "the file changed meanwhile" in refused.json()["message"]


def test_an_unknown_upload_names_the_call(http: httpx2.Client) -> None:
    missing = http.get(f"/api/v1/dataset_uploads/{uuid4()}")
    assert missing.status_code == 404
    assert "datasets.upload(...)" in missing.json()["message"]


def test_progress_is_an_error_when_the_caller_raises(client: Tropism, use_case: str, write: Write) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.datasets.upload(write(Q), "k", on_progress=stop, use_case=use_case)
    assert client.datasets.upload(write(Q), "k", use_case=use_case).lines == 1
