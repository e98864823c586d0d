"""A model whose provider key cannot be read any more says so, and keeps no other model from running."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tropism import Tropism
from tropism.testing import run_server


@pytest.mark.sqlite
def test_a_lost_secret_stops_one_model_alone(tmp_path: Path) -> None:
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        client.models.add_external("Far", "m", "sk-far", "custom", "http://127.0.0.1:9/v1", "far")
        client.use_cases.create("mixed")
        client.models.attach("far", use_case="mixed", wait=True)
        client.models.attach("echo", use_case="mixed", wait=True, make_default=True)
    with sqlite3.connect(tmp_path / "tropism.db") as connection:
        connection.execute("update model set secret = randomblob(length(secret)) where key = 'far'")
    connection.close()
    with run_server(data=tmp_path) as server, Tropism(server.base_url, server.api_key) as client:
        client.models.attach("echo", use_case="mixed", wait=True)
        assert client.chat.create([{"role": "user", "content": "hi"}], use_case="mixed").choices
        far = client.models.get("far")
    assert far.online == "ERROR"
    assert "secret key" in (far.error or "")
