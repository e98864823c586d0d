"""Datasets in an S3 bucket: kept there and nowhere else, read by jobs, and lost to nobody when the bucket is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import s3fs
from tests.datasets.conftest import Write
from tests.datasets.s3 import KEYS, s3_server
from tests.e2e.process import ADMIN_KEY, Served

from tropism import InternalServerError, Tropism

LINES: list[dict[str, Any]] = [{"prompt": str(number), "completion": "x" * 500_000} for number in range(40)]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture
def bucket(endpoint: str) -> Iterator[s3fs.S3FileSystem]:
    files = s3fs.S3FileSystem(
        key=KEYS["AWS_ACCESS_KEY_ID"],
        secret=KEYS["AWS_SECRET_ACCESS_KEY"],
        endpoint_url=endpoint,
        skip_instance_cache=True,
        use_listings_cache=False,
    )
    files.mkdir("kept")
    yield files
    files.rm("kept", recursive=True)


def serve(data: Path, endpoint: str) -> Served:
    return Served(data, "--port", "0", "--storage", "s3://kept/here", AWS_ENDPOINT_URL=endpoint, **KEYS)


def test_a_dataset_lives_in_the_bucket_alone(
    tmp_path: Path, endpoint: str, bucket: s3fs.S3FileSystem, write: Write
) -> None:
    path = write(*LINES)
    engine = serve(tmp_path / "data", endpoint)
    with Tropism(engine.ready(), ADMIN_KEY) as client:
        client.use_cases.create("case")
        made = client.datasets.upload(path, "k", use_case="case")
        assert bucket.find("kept") == [f"kept/here/{made.id}.jsonl.zst"]
        assert not [file for file in (tmp_path / "data").rglob("*.zst") if file.is_file()]
    engine.kill()
    engine = serve(tmp_path / "data", endpoint)
    with Tropism(engine.ready(), ADMIN_KEY) as client:
        client.datasets.download("k", tmp_path / "back.jsonl", use_case="case")
        client.datasets.upload(tmp_path / "back.jsonl", "again", use_case="case")
        client.datasets.download("again", tmp_path / "twice.jsonl", use_case="case")
        assert (tmp_path / "twice.jsonl").read_bytes() == (tmp_path / "back.jsonl").read_bytes()
        assert [line.messages[-1].content for line in client.datasets.preview("k", 2, use_case="case")] == ["0", "1"]
        client.datasets.delete("k", use_case="case")
        client.datasets.delete("again", use_case="case")
    assert engine.stop() == 0
    assert bucket.find("kept") == []


def test_a_bucket_that_is_gone_keeps_nothing_half(
    tmp_path: Path, endpoint: str, bucket: s3fs.S3FileSystem, write: Write
) -> None:
    engine = serve(tmp_path / "data", endpoint)
    with Tropism(engine.ready(), ADMIN_KEY) as client:
        client.use_cases.create("case")
        bucket.rm("kept", recursive=True)
        with pytest.raises(InternalServerError, match="could not be stored: The specified bucket does not exist"):
            client.datasets.upload(write({"prompt": "Q"}), "k", use_case="case")
        assert client.datasets.list(use_case="case") == []
        assert not bucket.exists("kept")
        bucket.mkdir("kept")
        client.datasets.upload(write({"prompt": "Q"}), "k", use_case="case")
        client.datasets.download("k", tmp_path / "back.jsonl", use_case="case")
    assert engine.stop() == 0
    assert "s3-secret-of-tests" not in engine.said()
