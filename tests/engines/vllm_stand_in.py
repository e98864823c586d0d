"""Stands in for `vllm serve` where there is no GPU: the same command line, HTTP routes, checks and errors, no model.

Run it as `python vllm_stand_in.py serve FOLDER …`; `as_program` makes a program of it. Options and fields that vLLM
0.32 does not document are refused, so that nobody sends it what the real one would ignore. It answers with the name of
the model or adapter that was asked and the last thing that was said, a word at a time. Like vLLM it has a second
process for the engine, which goes on if only the first is killed.

`VLLM_STAND_IN` makes it fail: `no_memory` and `slow` at the start, `dead` after it has answered once, `hangs` likewise.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

FIELDS = {
    *("messages", "model", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "max_tokens", "n", "seed"),
    *("max_completion_tokens", "presence_penalty", "response_format", "stop", "stream", "stream_options", "user"),
    *("temperature", "top_p", "tools", "tool_choice", "parallel_tool_calls", "top_k", "min_p", "repetition_penalty"),
}
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
NO_MEMORY = """\
(EngineCore pid=7) ERROR 11-28 15:00:00 [core.py:900] EngineCore failed to start.
(EngineCore pid=7) ERROR 11-28 15:00:00 [core.py:900] Traceback (most recent call last):
(EngineCore pid=7) ERROR 11-28 15:00:00 [core.py:900] ValueError: No available memory for the cache blocks. Try \
increasing `gpu_memory_utilization` when initializing the engine.
Traceback (most recent call last):
  File "/opt/vllm/v1/engine/utils.py", line 1, in wait_for_engine_startup
RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}
"""


def as_program(folder: Path) -> Path:
    """A program named `vllm` in this folder."""
    program = folder / "vllm"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).resolve()}" "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


class Server:
    """What a vLLM server knows."""

    def __init__(self, told: argparse.Namespace) -> None:
        self.told = told
        self.names: list[str] = told.served_model_name or [told.model]
        self.adapters: dict[str, str] = {}
        self.answers = 0

    @property
    def mood(self) -> str:
        mood = os.environ.get("VLLM_STAND_IN", "")
        return mood if self.answers or mood in ("no_memory", "slow") else ""

    async def health(self, _: Request) -> Response:
        if self.mood == "hangs":
            await asyncio.sleep(3600)
        return Response(status_code=503 if self.mood == "dead" else 200)

    async def models(self, _: Request) -> Response:
        cards = [
            {"id": name, "object": "model", "owned_by": "vllm", "root": self.told.model, "parent": None}
            | {"max_model_len": self.told.max_model_len}
            for name in self.names
        ]
        cards += [
            {"id": name, "object": "model", "owned_by": "vllm", "root": path, "parent": self.names[0]}
            | {"max_model_len": None}
            for name, path in self.adapters.items()
        ]
        return JSONResponse({"object": "list", "data": cards})

    async def load(self, request: Request) -> Response:
        body = await request.json()
        unknown = body.keys() - {"lora_name", "lora_path", "load_inplace", "is_3d_lora_weight"}
        name, path = body.get("lora_name"), body.get("lora_path")
        if unknown or not name or not path:
            return failure(400, "InvalidUserInput", f"Both 'lora_name' and 'lora_path' must be provided. {unknown}")
        if name in self.adapters:
            return failure(400, "InvalidUserInput", f"The lora adapter '{name}' has already been loaded.")
        if (refused := self._refusal(name, Path(path))) is not None:
            return refused
        self.adapters[name] = path
        return PlainTextResponse(f"Success: LoRA adapter '{name}' added successfully.")

    def _refusal(self, name: str, folder: Path) -> Response | None:
        if not (folder / "adapter_config.json").is_file():
            return failure(404, "NotFoundError", f"Loading lora {name} failed: No adapter found for {folder}")
        rank = json.loads((folder / "adapter_config.json").read_text())["r"]
        if rank > self.told.max_lora_rank:
            most = self.told.max_lora_rank
            return failure(500, "InternalServerError", f"LoRA rank {rank} is greater than max_lora_rank {most}.")
        if not self.told.enable_lora:
            return failure(500, "InternalServerError", "LoRA is not enabled. Use --enable-lora to enable LoRA.")
        return None

    async def unload(self, request: Request) -> Response:
        name = (await request.json()).get("lora_name")
        if name not in self.adapters:
            return failure(404, "NotFoundError", f"The lora adapter '{name}' cannot be found.")
        del self.adapters[name]
        return PlainTextResponse(f"Success: LoRA adapter '{name}' removed successfully.")

    async def chat(self, request: Request) -> Response:
        body = await request.json()
        if unknown := body.keys() - FIELDS:
            return failure(400, "BadRequestError", f"the stand-in knows no fields {sorted(unknown)}")
        if body["model"] not in (*self.names, *self.adapters):
            return failure(404, "NotFoundError", f"The model `{body['model']}` does not exist.")
        words = f"{self._root(body['model'])} {body['messages'][-1]['content']}".split(" ")
        read = sum(len(str(message["content"]).split()) for message in body["messages"])
        if read > self.told.max_model_len:
            most = self.told.max_model_len
            return failure(400, "BadRequestError", f"This model's maximum context length is {most} tokens.")
        self.answers += 1
        if not body.get("stream"):
            return JSONResponse(whole(body["model"], words, read))
        return StreamingResponse(events(body, words, read), media_type="text/event-stream")

    def _root(self, name: str) -> str:
        """What shall be recognised in the answer: the base by its name, an adapter by its folder."""
        return Path(self.adapters[name]).parent.name if name in self.adapters else name

    async def embeddings(self, request: Request) -> Response:
        texts = (await request.json())["input"]
        data = [{"index": place, "embedding": [float(len(text)), 1.0]} for place, text in enumerate(texts)]
        return JSONResponse({"object": "list", "data": data, "usage": {"prompt_tokens": len(texts), "total_tokens": 1}})


def whole(model: str, words: list[str], read: int) -> Mapping[str, Any]:
    message = {"role": "assistant", "content": " ".join(words)}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": usage(words, read),
    }


async def events(body: Mapping[str, Any], words: list[str], read: int) -> AsyncIterator[bytes]:
    shared = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": body["model"]}
    for place, word in enumerate(words):
        last = place == len(words) - 1
        delta = {"content": word if last else f"{word} "}
        choice = {"index": 0, "delta": delta, "finish_reason": "stop" if last else None}
        yield event({**shared, "choices": [choice]})
        await asyncio.sleep(0.01)
    if (body.get("stream_options") or {}).get("include_usage"):
        yield event({**shared, "choices": [], "usage": usage(words, read)})
    yield b"data: [DONE]\n\n"


def event(chunk: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(chunk)}\n\n".encode()


def usage(words: list[str], read: int) -> Mapping[str, int]:
    return {"prompt_tokens": read, "completion_tokens": len(words), "total_tokens": read + len(words)}


def failure(status: int, kind: str, message: str) -> Response:
    return JSONResponse({"error": {"message": message, "type": kind, "param": None, "code": status}}, status)


def authenticated(application: Any, key: str | None) -> Any:
    """As vLLM has it: the key is asked for below /v1 alone."""

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope.get("headers", ()))
        if key and scope["path"].startswith("/v1") and headers.get(b"authorization") != f"Bearer {key}".encode():
            await JSONResponse({"error": "Unauthorized"}, 401)(scope, receive, send)
            return
        await application(scope, receive, send)

    return guarded


def application(server: Server) -> Any:
    routes = [
        Route("/health", server.health),
        Route("/v1/models", server.models),
        Route("/v1/chat/completions", server.chat, methods=["POST"]),
        Route("/v1/embeddings", server.embeddings, methods=["POST"]),
    ]
    if os.environ.get("VLLM_ALLOW_RUNTIME_LORA_UPDATING", "").lower() in ("1", "true"):
        routes.append(Route("/v1/load_lora_adapter", server.load, methods=["POST"]))
        routes.append(Route("/v1/unload_lora_adapter", server.unload, methods=["POST"]))
    key = server.told.api_key or os.environ.get("VLLM_API_KEY")
    return authenticated(Starlette(routes=routes), key)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="vllm serve", allow_abbrev=False)
    parser.add_argument("model")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--uds")
    parser.add_argument("--api-key")
    parser.add_argument("--served-model-name", nargs="+")
    parser.add_argument("--tensor-parallel-size", "-tp", type=int, default=1)
    parser.add_argument("--pipeline-parallel-size", "-pp", type=int, default=1)
    parser.add_argument("--distributed-executor-backend", choices=["external_launcher", "mp", "ray", "uni"])
    parser.add_argument("--max-model-len", type=int, default=4096)
    parser.add_argument("--block-size", type=int)
    parser.add_argument("--num-gpu-blocks-override", type=int)
    parser.add_argument("--load-format", choices=["auto", "safetensors"])
    parser.add_argument("--enable-lora", action=argparse.BooleanOptionalAction)
    parser.add_argument("--max-loras", type=int, default=1)
    parser.add_argument("--max-lora-rank", type=int, choices=RANKS, default=16)
    parser.add_argument("--disable-uvicorn-access-log", action=argparse.BooleanOptionalAction)
    return parser.parse_args(sys.argv[2:])


def main() -> None:
    if sys.argv[1] != "serve":
        sys.exit(f"vllm: error: argument subparser: invalid choice: {sys.argv[1]!r}")
    server = Server(read_arguments())
    if server.mood == "no_memory":
        sys.exit(NO_MEMORY)
    # Beside the model, where a test finds it: what it was started with, and its second process.
    core = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    (Path(server.told.model) / "started.json").write_text(json.dumps({"argv": sys.argv[2:], "core": core.pid}))
    time.sleep(60 if server.mood == "slow" else 0)
    listening = {"uds": server.told.uds} if server.told.uds else {"host": "127.0.0.1", "port": server.told.port}
    try:
        uvicorn.run(application(server), log_level="warning", **listening)
    finally:
        core.kill()


if __name__ == "__main__":
    main()
