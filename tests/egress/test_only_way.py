"""There is one place that decides where we connect to, and nobody goes past it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "tropism"
CONNECTING = re.compile(
    r"ClientSession\(|TCPConnector\(|UnixConnector\(|httpx2\.(?:Async)?Client\(|^import requests|urlopen\(|"
    r"create_connection\(|open_connection\(",
    re.MULTILINE,
)
TO_NO_URL_OF_A_USER = {
    "engines/llama_process.py",  # our own child process, on loopback
    "sdk/connection.py",  # the SDK, on its user's machine
    "engines/remote.py",  # workers of the deployment, which wrote their address into its database
}
GUARD = "egress/guard.py"
ASKING_OUTSIDE = (
    "engines/provider.py",
    "engines/vllm_http.py",
    "rewards/remote.py",
    "server/identity/oidc_provider.py",
)
FOLLOWS_NONE = "engines/provider.py"
"""Its client has no way to; what it makes of a redirect is tested with the answers of providers."""


def test_whoever_connects_takes_the_guards_connector() -> None:
    found = {str(file.relative_to(SOURCE)): file.read_text() for file in sorted(SOURCE.rglob("*.py"))}
    connecting = {name for name, text in found.items() if CONNECTING.search(text)}
    assert connecting >= {GUARD, *ASKING_OUTSIDE}
    unguarded = {
        name for name in connecting if not re.search(r"(?<!\.)\bconnector\((?:url|parsed|self\._url),", found[name])
    }
    assert unguarded - TO_NO_URL_OF_A_USER == {GUARD}, "take the connector from egress.guard"


def test_nobody_follows_redirects() -> None:
    asking = re.compile(r"session\.(get|post|request|put|delete)$")
    for name in set(ASKING_OUTSIDE) - {FOLLOWS_NONE}:
        tree = ast.parse((SOURCE / name).read_text())
        asked = [
            node for node in ast.walk(tree) if isinstance(node, ast.Call) and asking.search(ast.unparse(node.func))
        ]
        assert asked
        given = [[ast.unparse(keyword) for keyword in call.keywords] for call in asked]
        assert all("allow_redirects=False" in keywords for keywords in given), name
