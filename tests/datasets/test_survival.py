"""A killed engine leaves no half dataset, an upload goes on after it, and what was abandoned is removed."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import httpx2
import pytest
from tests.datasets.conftest import Write
from tests.e2e.process import ADMIN_KEY, Served

from tropism import Tropism
from tropism.server.clock import first_id_at
from tropism.testing import run_server

LONG_AGO = 1_600_000_000_000
BODY = "x" * 1_000_000


def test_an_upload_goes_on_after_the_engine_was_killed(tmp_path: Path, write: Write) -> None:
    path = write(*({"prompt": BODY} for _ in range(12)))
    options = ("--port", "0", "--storage", f"file://{tmp_path}/kept")
    engine = Served(tmp_path / "data", *options)
    url = engine.ready()

    def kill(what: str, done: int, total: int) -> None:
        if what == "sending" and done:
            engine.kill()
            raise KeyboardInterrupt

    with Tropism(url, ADMIN_KEY) as client:
        client.use_cases.create("case")
        with pytest.raises(KeyboardInterrupt):
            client.datasets.upload(path, "k", on_progress=kill, use_case="case")
    engine = Served(tmp_path / "data", *options)
    steps: list[int] = []
    with Tropism(engine.ready(), ADMIN_KEY) as client:
        assert client.datasets.list(use_case="case") == []
        made = client.datasets.upload(path, "k", on_progress=lambda _, done, __: steps.append(done), use_case="case")
        assert steps[0] > 0
        client.datasets.download("k", tmp_path / "back.jsonl", use_case="case")
        assert (tmp_path / "back.jsonl").stat().st_size == made.bytes
    assert engine.stop() == 0
    assert len([path for path in (tmp_path / "kept").rglob("*") if path.is_file()]) == 1
    assert list((tmp_path / "data" / "uploads").iterdir()) == []


def test_an_engine_killed_while_it_checks_begins_again(tmp_path: Path) -> None:
    data = b'{"prompt": "Q"}\n' * 50_000
    engine = Served(tmp_path, "--port", "0")
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    with httpx2.Client(base_url=engine.ready(), headers=headers, timeout=30) as http:
        http.post("/api/v1/use_cases", json={"key": "case"}).raise_for_status()
        begin = {"key": "k", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        upload = http.post("/api/v1/use_cases/case/dataset_uploads", json=begin).json()
        place = f"/api/v1/dataset_uploads/{upload['id']}"
        http.put(place, params={"offset": 0}, content=data).raise_for_status()
        asking = subprocess.Popen(
            [sys.executable, "-c", f"import httpx2; httpx2.post({str(http.base_url) + place[1:] + '/complete'!r},"
             f" headers={headers!r}, timeout=30)"],
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        part = tmp_path / "uploads" / f"{upload['id']}.part"
        while not part.exists() and asking.poll() is None:
            pass
    engine.kill()
    asking.wait()
    engine = Served(tmp_path, "--port", "0")
    with httpx2.Client(base_url=engine.ready(), headers=headers, timeout=60) as http:
        while (made := http.post(f"{place}/complete").json()["dataset"]) is None:
            pass  # the server itself waits for a while before it says so
        assert made["lines"] == 50_000
        assert [each["key"] for each in http.get("/api/v1/use_cases/case/datasets").json()["datasets"]] == ["k"]
    assert engine.stop() == 0
    assert list((tmp_path / "uploads").iterdir()) == []


@pytest.mark.sqlite
def test_what_was_abandoned_a_day_ago_is_removed(tmp_path: Path, write: Write) -> None:
    with run_server(data=tmp_path / "data") as server, Tropism(server.base_url, server.api_key) as client:
        client.use_cases.create("case")
        kept = client.datasets.upload(write({"prompt": "Q"}), "kept", use_case="case")
    uploads, datasets = tmp_path / "data" / "uploads", tmp_path / "data" / "datasets"
    upload, lost, young = first_id_at(LONG_AGO), UUID(int=first_id_at(LONG_AGO).int + 1), UUID(int=2**128 - 1)
    database = sqlite3.connect(tmp_path / "data" / "tropism.db")
    case = database.execute("SELECT id FROM use_case WHERE key = 'case'").fetchone()[0]
    values = (upload.bytes, case, "k", "k", 5, "0" * 64)
    database.execute(
        "INSERT INTO dataset_upload (id, use_case_id, key, name, size, sha256) VALUES (?,?,?,?,?,?)", values
    )
    for id in (lost, young):
        database.execute("INSERT INTO dataset_file (id) VALUES (?)", (id.bytes,))
        (datasets / f"{id}.jsonl.zst").touch()
    database.commit()
    for name in (str(upload), "half.part"):
        (uploads / name).touch()
        os.utime(uploads / name, (LONG_AGO / 1000, LONG_AGO / 1000))
    (uploads / "growing").touch()
    with run_server(data=tmp_path / "data") as server, Tropism(server.base_url, server.api_key) as client:
        while database.execute("SELECT count(*) FROM dataset_file").fetchone()[0] == 3:
            pass
        assert client.datasets.list(use_case="case") == [kept]
    assert database.execute("SELECT count(*) FROM dataset_upload WHERE id = ?", (upload.bytes,)).fetchone() == (0,)
    database.close()
    assert {path.name for path in uploads.iterdir()} == {"growing"}
    assert {path.name for path in datasets.iterdir()} == {f"{id}.jsonl.zst" for id in (kept.id, young)}
