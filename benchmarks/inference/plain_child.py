"""The process of `plain`: serves until its standard input ends."""

from __future__ import annotations

import json
import os
import sys

import xllamacpp


def main() -> None:
    told = json.loads(sys.argv[1])
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # the library prints there as it likes
    params = xllamacpp.CommonParams()
    params.model.path = told["model"]
    params.hostnames, params.port = ["127.0.0.1"], told["port"]
    params.n_parallel = told["slots"]
    params.n_ctx = told["slots"] * told["context"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = told["threads"]
    if told["embedding"]:
        params.embedding = True
        params.n_batch = params.n_ubatch = told["context"]
    params.verbosity = 1
    server = xllamacpp.Server(params)
    answers.write(b"ready\n")
    answers.flush()
    sys.stdin.buffer.read()
    os._exit(0 if server else 1)


if __name__ == "__main__":
    main()
