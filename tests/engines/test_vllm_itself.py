"""The vLLM engine with vLLM itself, where there is one: `TROPISM_TEST_VLLM` names its program, and
`TROPISM_TEST_VLLM_MODEL` a folder with SmolLM2-135M-Instruct or another small model of the family Llama.

The stand-in of the other tests is only as good as what was seen here.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from tests.engines.test_vllm import gone, text

from tropism.engines.protocol import EngineRejected, Message, ModelSource, Prompt
from tropism.engines.vllm import VllmEngine

PROGRAM, MODEL = os.environ.get("TROPISM_TEST_VLLM", ""), os.environ.get("TROPISM_TEST_VLLM_MODEL", "")
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not (PROGRAM and MODEL), reason="TROPISM_TEST_VLLM and TROPISM_TEST_VLLM_MODEL are not set"),
]
SHORT: dict[str, Any] = {"temperature": 0.0, "max_tokens": 12, "said": "Name two colours."}


def write_adapter(folder: Path, seed: int) -> Path:
    """Random changes to the values of every attention layer, as peft would write them."""
    config = json.loads((Path(MODEL) / "config.json").read_text())
    width = config["hidden_size"]
    head = config.get("head_dim") or width // config["num_attention_heads"]
    numbers, tensors = np.random.default_rng(seed), {}
    for layer in range(config["num_hidden_layers"]):
        name = f"base_model.model.model.layers.{layer}.self_attn.v_proj"
        tensors[f"{name}.lora_A.weight"] = numbers.normal(size=(8, width))
        tensors[f"{name}.lora_B.weight"] = 0.02 * numbers.normal(size=(head * config["num_key_value_heads"], 8))
    (folder / "model").mkdir(parents=True)
    told = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 8, "lora_alpha": 16, "target_modules": ["v_proj"]}
    (folder / "model" / "adapter_config.json").write_text(json.dumps(told | {"bias": "none", "lora_dropout": 0.0}))
    (folder / "model" / "adapter_model.safetensors").write_bytes(safetensors(tensors))
    return folder / "adapter.gguf"


def safetensors(tensors: dict[str, np.ndarray]) -> bytes:
    head, body = {}, b""
    for name, values in tensors.items():
        data = values.astype("<f4").tobytes()
        head[name] = {"dtype": "F32", "shape": values.shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + body


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("adapters")
    return [write_adapter(folder / f"{seed}", seed) for seed in (1, 2)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(adapters: list[Path]) -> AsyncIterator[VllmEngine]:
    program = (PROGRAM, "--dtype", "bfloat16", "--enforce-eager")
    told = {"weights": Path(MODEL), "context": 512, "cache": 2048, "adapters": adapters[:1]}
    engine = VllmEngine(ModelSource(key="m", kind="Generation", program=program, **told))  # type: ignore[arg-type]
    await engine.start()
    yield engine
    await engine.close()


async def test_base_and_adapters_answer_each_in_its_own_way(engine: VllmEngine, adapters: list[Path]) -> None:
    one, two = adapters
    first = [await text(engine, each, **SHORT) for each in (None, one)]
    pid = engine.pid
    assert await engine.take_adapters(adapters) == {}
    three = [await text(engine, each, **SHORT, stream=True) for each in (None, one, two)]
    assert three[:2] == first
    assert len(set(three)) == 3
    refused = await engine.take_adapters([two, Path("/nowhere/adapter.gguf")])
    assert list(refused.values())[0].startswith("vLLM did not take the adapter: ")
    with pytest.raises(EngineRejected, match="runs without the adapter"):
        await text(engine, one)
    assert [await text(engine, each, **SHORT) for each in (None, two)] == [three[0], three[2]]
    assert engine.pid == pid


async def test_what_we_ask_for_is_understood(engine: VllmEngine) -> None:
    schema = {"type": "object", "properties": {"a": {"enum": ["red", "blue"]}}, "required": ["a"]}
    message = Message(role="user", content="A colour?")
    prompt = Prompt(messages=[message], seed=1, json_schema=schema, logprobs=True, top_logprobs=2, max_tokens=40)
    pieces = [piece async for piece in engine.generate(prompt)]
    assert json.loads("".join(piece.text for piece in pieces))["a"] in ("red", "blue")
    assert pieces[0].logprobs
    usage = pieces[-1].usage
    assert usage
    assert usage.prompt_tokens > 0
    with pytest.raises(EngineRejected, match="maximum context length is 512 tokens"):
        await text(engine, said="hi " * 900)


async def test_it_comes_back_when_it_is_killed(engine: VllmEngine, adapters: list[Path]) -> None:
    await engine.take_adapters(adapters[1:])
    before, pid = await text(engine, adapters[1], **SHORT), engine.pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    await gone(pid)
    async with asyncio.timeout(600):
        while engine.pid in (None, pid):
            await asyncio.sleep(0.5)
    assert await text(engine, adapters[1], **SHORT) == before
