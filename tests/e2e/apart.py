"""Machines of one deployment that share a database and a bucket, and no directory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import s3fs
from tests.datasets.s3 import KEYS, s3_server
from tests.e2e.process import Served

from tropism.testing.database import database_of

BUCKET = "kept"
STORAGE = f"s3://{BUCKET}/here"


class Deployment:
    """What its machines are told alike, and the processes that run on them."""

    def __init__(self, folder: Path, endpoint: str, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        (folder / "shared").mkdir()
        self.files = s3fs.S3FileSystem(
            key=KEYS["AWS_ACCESS_KEY_ID"],
            secret=KEYS["AWS_SECRET_ACCESS_KEY"],
            endpoint_url=endpoint,
            skip_instance_cache=True,
            use_listings_cache=False,
        )
        self.environment = {
            **KEYS,
            "AWS_ENDPOINT_URL": endpoint,
            "TROPISM_STORAGE": STORAGE,
            "TROPISM_DATABASE": database_of(folder / "shared"),
            "TROPISM_SECRET_KEY": "the same on every machine",
            "TROPISM_WORKER_GONE_SECONDS": "6",
        }

    def data(self, machine: str) -> Path:
        """The data directory of a machine."""
        return self._folder / machine

    def engine(self, machine: str, **environment: str) -> Served:
        """An engine on a machine."""
        engine = Served(self.data(machine), "--port", "0", **{**self.environment, **environment})
        self._stack.callback(_end, engine.process)
        return engine

    def worker(self, machine: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """A worker on a machine, once it works."""
        command = [sys.executable, "-c", "from tropism.cli import main; main()", "worker", "--data"]
        process = subprocess.Popen(
            [*command, str(self.data(machine)), *arguments],
            env={**os.environ, **self.environment, **environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        self._stack.callback(_end, process)
        assert process.stdout
        assert "does" in process.stdout.readline()
        return process

    def stored(self) -> list[str]:
        """The names of what the bucket holds."""
        return [name.removeprefix(f"{BUCKET}/here/") for name in self.files.find(BUCKET)]


@contextmanager
def deployment(folder: Path) -> Iterator[Deployment]:
    """A bucket on an S3 server, and a database; what was started is ended at the end."""
    with s3_server() as endpoint, ExitStack() as stack:
        made = Deployment(folder, endpoint, stack)
        made.files.mkdir(BUCKET)
        yield made


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
