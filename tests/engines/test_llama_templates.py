"""Chat templates come with model files, so they are foreign code: it is shown here that they can do nothing."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tropism.engines.bundled import find
from tropism.engines.llama_cpp import Limits, LlamaCppEngine
from tropism.engines.protocol import EngineError, EngineTimeout, Message, ModelSource, Prompt

MakeEngine = Callable[[str], LlamaCppEngine]

WALKS = [
    "{{ ''.__class__.__mro__ }}",
    "{{ messages.__class__.__init__.__globals__ }}{{ self._TemplateReference__context }}",
    "{{ ''['__class__']['__base__']['__subclasses__'] }}",
]
CALLS = [
    "{{ ''|attr('__class__')|attr('__base__') }}",
    "{{ cycler.__init__.__globals__.os.system('touch MARK') }}",
    "{{ lipsum.__globals__['os'].popen('touch MARK').read() }}",
    "{% for c in ().__class__.__base__.__subclasses__() %}{{ c }}{% endfor %}",
    "{% include 'MARK' %}",
    "{% import 'os' as os %}{{ os.system('touch MARK') }}",
    "{{ range(10**10) }}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
]
LOOP = (
    "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}"
)


@pytest.fixture
def engine_with(tmp_path: Path) -> MakeEngine:
    """The bundled model with another chat template."""

    def make(template: str) -> LlamaCppEngine:
        content = bytearray(find("smollm2-135m-instruct").read_bytes())
        name = b"tokenizer.chat_template"
        # After the name come the value's type and its length; a template of the same length moves nothing.
        at = content.index(name) + len(name) + 4
        (length,) = struct.unpack_from("<Q", content, at)
        content[at + 8 : at + 8 + length] = template.encode().ljust(length)
        assert len(template) <= length
        path = tmp_path / "hostile.gguf"
        path.write_bytes(content)
        source = ModelSource(key="m", kind="Generation", path=path, slots=2, context=256)
        return LlamaCppEngine(source, limits=Limits(start=3, silence=1, health=1, first_pause=0.05))

    return make


async def answer(engine: LlamaCppEngine, text: str) -> str:
    prompt = Prompt(messages=[Message(role="user", content=text)], max_tokens=3)
    return "".join([piece.text async for piece in engine.generate(prompt)])


async def test_a_walk_through_attributes_finds_nothing(engine_with: MakeEngine) -> None:
    engine = engine_with("".join(WALKS) + "{{ messages[0].content }}")
    await engine.start()
    prompt = Prompt(messages=[Message(role="user", content="Hi")], max_tokens=3)
    counts = [piece.usage.prompt_tokens async for piece in engine.generate(prompt) if piece.usage]
    # What a template finds becomes the prompt. This one found next to nothing, not pages of Python's classes.
    assert 0 < counts[-1] < 12
    await engine.close()


@pytest.mark.parametrize("template", CALLS)
async def test_a_call_into_the_system_fails_when_the_model_is_loaded(
    engine_with: MakeEngine, tmp_path: Path, template: str
) -> None:
    mark = tmp_path / "mark"
    engine = engine_with(template.replace("MARK", str(mark)))
    with pytest.raises(EngineError, match="cannot be loaded"):
        await engine.start()
    assert not mark.exists()


async def test_a_template_that_never_ends_does_not_load(engine_with: MakeEngine) -> None:
    with pytest.raises(EngineError, match="not loaded within 3 seconds"):
        await engine_with(LOOP).start()


async def test_a_template_that_hangs_on_one_prompt_costs_that_request_only(engine_with: MakeEngine) -> None:
    engine = engine_with(
        "{% if 'boom' in messages[-1].content %}" + LOOP + "{% endif %}Hello {{ messages[-1].content }}"
    )
    await engine.start()
    assert await answer(engine, "you")
    before = engine.pid
    with pytest.raises(EngineTimeout):
        await answer(engine, "boom")
    assert await answer(engine, "you")
    assert engine.pid != before
    assert before
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
    await engine.close()


async def test_a_template_that_crashes_on_one_prompt_costs_that_request_only(engine_with: MakeEngine) -> None:
    macro = "{% macro f() %}{{ f() }}{% endmacro %}"
    engine = engine_with(macro + "{% if 'boom' in messages[-1].content %}{{ f() }}{% endif %}Hello")
    await engine.start()
    with pytest.raises(EngineError):
        await answer(engine, "boom")
    assert await answer(engine, "you")
    await engine.close()
