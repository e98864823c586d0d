"""The child process of the llama.cpp engine: llama.cpp's own HTTP server, until standard input ends.

It runs as a script, gets its configuration as one line of JSON on standard input, and imports nothing of ours. A crash
in native code, a hostile chat template or a model that does not fit into memory ends this process and no other.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any


def main() -> None:
    """Load, say that we are ready, and serve until the parent is gone or wants us gone."""
    _die_with_parent()
    _give_way_as_parent_does()
    _die_first_of_hunger()
    answers = _own_stdout()
    config = json.loads(sys.stdin.buffer.readline())
    try:
        server = _serve(config)
    except (ImportError, RuntimeError) as error:
        sys.exit(str(error))
    answers.write(b"ready\n")
    answers.flush()
    sys.stdin.buffer.read()
    # Not sys.exit: the server's destructor waits for running streams.
    os._exit(0 if server else 1)


def _die_with_parent() -> None:
    """Loading holds the interpreter's lock, and a stopped process reads no end of input: let the kernel see to it."""
    if sys.platform == "linux":
        parent = os.getppid()
        death_signal = 1
        ctypes.CDLL(None).prctl(death_signal, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _give_way_as_parent_does() -> None:
    """Niceness is inherited, but Linux may count it only within a session, and this one is of its own."""
    if niceness := os.nice(0):
        with suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(niceness))


def _die_first_of_hunger() -> None:
    """When memory runs out, the kernel should end the process with the model in it, and not the server."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


def _own_stdout() -> Any:
    """Keep standard output for our one word; whatever else is printed there goes where errors go."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _serve(config: dict[str, Any]) -> Any:
    xllamacpp = import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = config["model"]
    # The name must end in .sock to be taken for a unix socket.
    params.hostnames = [config["socket"]]
    params.api_keys = [config["key"]]
    params.n_parallel = config["slots"]
    # The total, which is split evenly over the slots.
    params.n_ctx = config["slots"] * config["context"]
    # Small: while a long prompt is read, the other streams wait for one batch of it, not for all of it.
    params.n_batch = params.n_ubatch = 256
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = config["threads"]
    # One thread per streamed request, and some that answer questions about health.
    params.n_threads_http = config["slots"] + 8
    # It finds a prompt by its tokens alone and would answer the base model's requests from an adapter's state.
    params.cache_ram_mib = 0
    # Registered but off: each request names the scale of every adapter.
    params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(path, 0.0) for path in config["adapters"]]
    if config["embedding"]:
        params.embedding = True
        # An encoder reads a text in one batch or not at all.
        params.n_batch = params.n_ubatch = config["context"]
    params.ui = params.endpoint_slots = False
    # Signs of life that come from a thread beside the model would hide that the model hangs.
    params.sse_ping_interval = -1
    only_errors = 1
    params.verbosity = only_errors
    return xllamacpp.Server(params)


if __name__ == "__main__":
    main()
