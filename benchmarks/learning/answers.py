"""`python -m benchmarks.learning.answers FOLDER`: what models answer in llama.cpp, and how far they moved away.

Reads `ask.json`: the base, adapters by their names, prompts. Leaves `answers.json`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import torch
from msgspec import Struct
from peft import PeftModel
from transformers import AutoModelForCausalLM

from benchmarks.learning.topics import CONTROL
from tropism.trainers.gguf_export import Template, write_adapter
from tropism.trainers.model import load_tokenizer
from tropism.trainers.parity import Served

BASE = "base"


class Ask(Struct, kw_only=True, frozen=True):
    """Whom to ask what."""

    base: str
    gguf: str
    adapters: dict[str, str]
    prompts: list[str]
    length: int


class Answer(Struct, kw_only=True, frozen=True):
    text: str
    is_finished: bool


class Answers(Struct, kw_only=True, frozen=True):
    """What one model said. `kl` is its distance from the base at its own words, `control` its loss on plain English;
    both in nats per token."""

    answers: list[Answer]
    kl: float
    control: float


def main() -> None:
    folder = Path(sys.argv[1])
    ask = msgspec.json.decode((folder / "ask.json").read_bytes(), type=Ask)
    asked = Asked(folder, ask)
    found = {name: asked.answers(name) for name in (BASE, *ask.adapters)}
    (folder / "answers.json").write_bytes(msgspec.json.encode(found))


class Asked:
    """The models, one in memory at a time."""

    def __init__(self, folder: Path, ask: Ask) -> None:
        self._folder, self._ask = folder, ask
        self._tokenizer = load_tokenizer(Path(ask.base))
        self._threads = torch.get_num_threads()

    def answers(self, name: str) -> Answers:
        adapter = self._ask.adapters.get(name)
        said = self._say(name, adapter)
        base = AutoModelForCausalLM.from_pretrained(self._ask.base, dtype=torch.float32)
        model = PeftModel.from_pretrained(base, adapter).eval() if adapter else base.eval()
        with torch.no_grad():
            control = _mean([self._loss(model, text) for text in CONTROL])
            kl = _mean(
                [self._distances(model, *pair) for pair in zip(self._ask.prompts, said, strict=True)] if adapter else []
            )
        end = self._tokenizer.eos_token_id
        answers = [
            Answer(
                text=self._tokenizer.decode([token for token in tokens if token != end]),
                is_finished=tokens[-1:] == [end],
            )
            for tokens in said
        ]
        return Answers(answers=answers, kl=kl, control=control)

    def _say(self, name: str, adapter: str | None) -> list[list[int]]:
        """Greedily, in the engine that serves."""
        file = None
        if adapter:
            file = self._folder / f"{name}.gguf"
            file.unlink(missing_ok=True)
            write_adapter(Template(Path(self._ask.gguf)), Path(adapter), file)
        served = Served(Path(self._ask.gguf), file, self._threads)
        end = self._tokenizer.eos_token_id
        return [served.answer(_turn(prompt), self._ask.length, end) for prompt in self._ask.prompts]

    def _loss(self, model: Any, text: str) -> list[float]:
        """Outside any chat: how an answer begins is what most trainings change."""
        tokens = torch.tensor(self._tokenizer(text)["input_ids"])
        logs = model(input_ids=tokens[None]).logits[0, :-1].float().log_softmax(1)
        return [-float(number) for number in logs.gather(1, tokens[1:, None])[:, 0]]

    def _distances(self, model: Any, prompt: str, tokens: list[int]) -> list[float]:
        now = self._logs(model, prompt, tokens)
        with model.disable_adapter():
            before = self._logs(model, prompt, tokens)
        return [float(number) for number in (now.exp() * (now - before)).sum(1)]

    def _logs(self, model: Any, prompt: str, tokens: list[int]) -> Any:
        """Log-probabilities before each token of the answer."""
        asked = self._tokenizer.apply_chat_template(_turn(prompt), add_generation_prompt=True, return_dict=True)[
            "input_ids"
        ]
        logits = model(input_ids=torch.tensor([[*asked, *tokens]])).logits[0]
        return logits[len(asked) - 1 : -1].float().log_softmax(1)


def _turn(prompt: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}]


def _mean(lists: list[list[float]]) -> float:
    numbers = [number for each in lists for number in each]
    return sum(numbers) / max(1, len(numbers))


if __name__ == "__main__":
    main()
