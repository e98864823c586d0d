"""`python -m benchmarks.learning.plain FOLDER`: what one writes with transformers and trl alone, for comparison.

The same data, seeds and settings as the trainer beside it; `plain.json` in the folder names them. Each step leaves a
line in `steps.txt`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)
from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

from benchmarks.learning.rules import warmth
from datasets import Dataset

Row = dict[str, Any]


class Count(TrainerCallback):  # type: ignore[misc]
    """Says when a step is done."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def on_log(self, args: Any, state: Any, control: Any, logs: Any, **rest: Any) -> None:
        if "loss" in logs:
            with self._file.open("a") as file:
                file.write(json.dumps({"step": state.global_step, "loss": logs["loss"]}) + "\n")


def sft(told: Row, shared: Row, tokenizer: Any) -> Any:
    rows = [{"prompt": _asked(line), "completion": _said(line["completion"])} for line in _lines(told)]
    return SFTTrainer(
        model=_model(told),
        args=SFTConfig(num_train_epochs=told["num_epochs"], max_length=1024, **shared),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=_lora(told),
    )


def dpo(told: Row, shared: Row, tokenizer: Any) -> Any:
    rows = [
        {
            "prompt": _asked(line),
            "chosen": _said(line["preferred_completion"]),
            "rejected": _said(line["other_completion"]),
        }
        for line in _lines(told)
    ]
    return DPOTrainer(
        model=_model(told),
        args=DPOConfig(num_train_epochs=told["num_epochs"], beta=0.1, max_length=1024, **shared),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=_lora(told),
    )


def grpo(told: Row, shared: Row, tokenizer: Any) -> Any:
    model = told["reward_model"] and _reward_model(told)
    rows = [{"prompt": _asked(line), "name": line["metadata"]["name"]} for line in _lines(told)]
    special = {"num_iterations": 2, "loss_type": "bnpo"} if told["method"] == "PPO" else {}
    settings = GRPOConfig(
        max_steps=told["updates"],
        num_generations=2 if told["method"] == "PPO" else told["group_size"],
        max_completion_length=told["max_completion_tokens"],
        temperature=1.0,
        beta=0.02,
        **special,
        **shared,
    )
    return GRPOTrainer(
        model=_model(told),
        args=settings,
        train_dataset=Dataset.from_list(rows),
        reward_funcs=[model or _warmth],
        reward_processing_classes=[tokenizer] if model else None,
        processing_class=tokenizer,
        peft_config=_lora(told),
    )


def reward_model(told: Row, shared: Row, tokenizer: Any) -> Any:
    lines = _lines(told)
    values = torch.tensor([line["feedbacks"]["good"] for line in lines], dtype=torch.float64)
    scores = ((values - values.mean()) / values.std(unbiased=False)).tolist()
    rows = [
        dict(tokenizer.apply_chat_template([*_asked(line), *_said(line["completion"])], return_dict=True))
        | {"labels": score}
        for line, score in zip(lines, scores, strict=True)
    ]
    model = AutoModelForSequenceClassification.from_pretrained(told["base"], num_labels=1, dtype=torch.float32)
    model.config.pad_token_id, model.config.problem_type = tokenizer.pad_token_id, "regression"
    return Trainer(
        model=get_peft_model(model, _lora(told, task_type="SEQ_CLS", modules_to_save=["score"])),
        args=TrainingArguments(num_train_epochs=told["num_epochs"], **shared),
        train_dataset=Dataset.from_list(rows),
        data_collator=DataCollatorWithPadding(tokenizer),
    )


METHODS = {"SFT": sft, "DPO": dpo, "GRPO": grpo, "PPO": grpo, "REWARD_MODEL": reward_model}


def main() -> None:
    folder = Path(sys.argv[1])
    told = json.loads((folder / "plain.json").read_text())
    set_seed(told["seed"])
    tokenizer = AutoTokenizer.from_pretrained(told["base"])
    shared = {
        "output_dir": str(folder / "checkpoints"),
        "learning_rate": told["learning_rate"],
        "lr_scheduler_type": told["schedule"],
        "per_device_train_batch_size": told["batch_size"],
        "save_steps": told["save_steps"],
        "save_total_limit": 2,
        "logging_steps": 1,
        "seed": told["seed"],
        "report_to": "none",
        "disable_tqdm": True,
        "use_cpu": True,
        # The defaults of trl are for GPUs: on a CPU without bfloat16 they cost several times as much.
        "bf16": False,
        "activation_checkpointing": False,
    }
    trainer = METHODS[told["method"]](told, shared, tokenizer)
    trainer.add_callback(Count(folder / "steps.txt"))
    trainer.train()
    trainer.save_model(str(folder / "model"))
    tokenizer.save_pretrained(folder / "model")


def _warmth(completions: list[Any], name: list[str], **rest: Any) -> list[float]:
    return [warmth(completion[0]["content"], who) for completion, who in zip(completions, name, strict=True)]


def _model(told: Row) -> Any:
    return AutoModelForCausalLM.from_pretrained(told["base"], dtype=torch.float32)


def _reward_model(told: Row) -> Any:
    base = AutoModelForSequenceClassification.from_pretrained(told["base"], num_labels=1, dtype=torch.float32)
    return PeftModel.from_pretrained(base, told["reward_model"]).merge_and_unload()


def _lora(told: Row, task_type: str = "CAUSAL_LM", **rest: Any) -> LoraConfig:
    return LoraConfig(
        r=told["lora"]["rank"],
        lora_alpha=told["lora"]["alpha"],
        target_modules="all-linear",
        task_type=task_type,
        **rest,
    )


def _lines(told: Row) -> list[Row]:
    return [json.loads(line) for line in Path(told["data"]).read_text().splitlines()]


def _asked(line: Row) -> list[Row]:
    return [{"role": turn["role"], "content": turn["content"]} for turn in line["messages"]]


def _said(text: str) -> list[Row]:
    return [{"role": "assistant", "content": text}]


if __name__ == "__main__":
    main()
