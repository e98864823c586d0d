"""OpenAI's own client for Node, against a server with the bundled models."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tropism.testing import RunningServer

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent / "node"


@pytest.fixture(scope="module")
def found(bundled: RunningServer) -> Any:
    """What the client got; `make` installs it, and Node where the machine has none."""
    subprocess.run(["make", "--silent", "node-client"], cwd=ROOT, check=True, capture_output=True)
    with_node = {**os.environ, "PATH": f"{os.environ['PATH']}:{Path(sys.executable).parent}"}
    done = subprocess.run(
        ["node", HERE / "client.mjs", f"{bundled.base_url}/v1", bundled.api_key, "default"],
        env=with_node,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_chat_with_choices_and_probabilities(found: Any) -> None:
    assert [bool(text) for text in found["chat"]["texts"]] == [True, True]
    assert 2 <= found["chat"]["tokens"] <= 24
    assert 1 <= found["chat"]["probable"] <= 12


def test_a_stream_with_its_usage(found: Any) -> None:
    assert found["stream"]["pieces"] > 3
    assert found["stream"]["text"]
    assert found["stream"]["total"] > 12


def test_tools_whole_and_in_fragments(found: Any) -> None:
    assert found["tools"]["finish"] == ["tool_calls", "tool_calls"]
    assert {call["city"] for call in found["tools"]["calls"]} <= {"Paris", "Rome"}
    assert found["tools"]["text"]


def test_a_parsed_answer(found: Any) -> None:
    assert found["parsed"]["city"] in ("Paris", "Rome")


def test_errors_are_the_clients_own(found: Any) -> None:
    assert found["errors"]["kind"] is True
    assert found["errors"]["code"] == "not_found"
    assert "no use case 'nowhere'" in found["errors"]["message"]
    assert found["errors"]["late"] is True


def test_models_and_embeddings(found: Any) -> None:
    assert {"default", "default/smollm2-135m-instruct", "search"} <= set(found["models"])
    assert found["embeddings"] == [384, 384]
