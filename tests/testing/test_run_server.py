"""The server that users test with: theirs to look at while it runs, and gone with the test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tropism import Tropism
from tropism.testing import run_server

OTHER_PROCESS = """
import sys
from tropism.server.database.engines import only_reading
for _ in range(40):
    engine = only_reading("sqlite:///" + sys.argv[1])
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM interaction").scalar()
    engine.dispose()
"""


@pytest.mark.sqlite
def test_who_reads_the_files_of_a_running_server_takes_nothing_from_it(tmp_path: Path) -> None:
    """SQLite's locks belong to a process, which loses them all when it closes the file anywhere."""
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        client.set_default_use_case(client.use_cases.create("read-while-written").key)
        client.models.attach("echo", make_default=True, wait=True)
        other = subprocess.Popen([sys.executable, "-c", OTHER_PROCESS, str(tmp_path / "tropism.db")])
        asked = 0
        while other.poll() is None:
            client.chat.create([{"role": "user", "content": "Hello"}])
            asked += 1
            for file in tmp_path.glob("tropism.db*"):
                file.read_bytes()
        assert other.returncode == 0
        assert client.interactions.list().total_count == asked


@pytest.mark.sqlite
def test_a_server_that_cannot_start_is_an_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with (
        run_server(data=tmp_path),
        pytest.raises(RuntimeError, match="did not start"),
        run_server(data=tmp_path),
    ):
        pass
    assert "another engine" in capfd.readouterr().err
