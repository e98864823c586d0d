"""The training job: samples, trainers, export, the child. Begun again, it goes on from the last checkpoint."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from tropism.server.domains.training import safekeeping, samples, service, trainer
from tropism.server.domains.training.checks import Plan
from tropism.server.domains.training.rewarding import rewards
from tropism.server.domains.training.runs import SAMPLES_FILE, export_of, job_folder, part_folder, parts, run_of
from tropism.server.domains.training.service import TrainingRequest
from tropism.server.jobs.protocol import JobFailed, Run, runs
from tropism.trainers import config, protocol
from tropism.trainers.config import TrainingRun

GUESSING = 0.5
"""A reward model that is right on no more of the held-out pairs than this has learnt nothing."""


@runs("training", TrainingRequest)
async def train(run: Run[TrainingRequest]) -> dict[str, Any] | None:
    """Do one training to its end."""
    if missing := protocol.missing_packages():
        raise JobFailed(
            f"this worker cannot train: {', '.join(missing)} are not installed; install torch first, as it fits the "
            "machine, then pip install 'tropism[train]'"
        )
    plan = await run.read(service.plan_of, run.id)
    await safekeeping.take_up(run, plan)
    await _choose(run, plan)
    async with rewards(run, plan, job_folder(run.services.settings, run.id) / SAMPLES_FILE) as url:
        for part in parts(plan):
            result = await _train(run, plan, part, url)
            if part == "reward_model":
                await _look_at(run, result)
    folder = part_folder(run.services.settings, run.id, "train")
    exported = await _export(run, folder)
    assert exported.file
    path = await safekeeping.keep_exported(run, folder / exported.file)
    await run.begin("register", total=1)
    key = await run.write(service.register, plan, run.id, exported, result, path, stage="register", advance=1)
    return {"model": key}


async def _export(run: Run[TrainingRequest], folder: Path) -> protocol.Exported:
    """Bring the model to the engine, anew at each attempt: it takes seconds."""
    await run.begin("export", total=1)
    exported = await trainer.export(run, folder)
    await run.log(f"the engine agrees with the trainer: {exported.parity}")
    await run.write(lambda transaction: None, stage="export", advance=1 - await run.processed("export"))
    await run.end("export")
    return exported


async def _choose(run: Run[TrainingRequest], plan: Plan) -> None:
    """Write the samples; what was written whole before is used again."""
    settings = run.services.settings
    if (await run.read(service.find, run.id)).samples is not None:
        return
    await run.begin("samples")
    path = job_folder(settings, run.id) / SAMPLES_FILE
    if plan.dataset is not None:
        count = await asyncio.to_thread(samples.write_dataset, settings, plan.dataset.id, path)
    else:
        count = await run.read(samples.write_logged, plan, run.id, path)
    await safekeeping.keep_samples(run)
    await run.begin("samples", total=count)
    await run.write(service.has_samples, run.id, count, stage="samples", advance=count)
    await run.end("samples")


async def _train(run: Run[TrainingRequest], plan: Plan, part: str, url: str | None) -> protocol.Result:
    """Let one trainer work, unless an earlier attempt at the job saw its end."""
    settings = run.services.settings
    folder, told = part_folder(settings, run.id, part), await _told(run, plan, part, url)
    result = protocol.read_result(folder)
    if result is None or result.status != "COMPLETED":
        await run.begin(part)
        result = await trainer.train(run, part, protocol.MODULES[told.method], folder)
        await run.end(part)
    await safekeeping.keep_part(run, part)
    return result


async def _told(run: Run[TrainingRequest], plan: Plan, part: str, url: str | None) -> TrainingRun:
    """Write down what the trainer and the export are told; what it names is here then."""
    settings, folder = run.services.settings, part_folder(run.services.settings, run.id, part)
    await safekeeping.fetch_beginning(run, plan, part)
    told = run_of(plan, part, run.id, settings, url)
    config.save(folder, told)
    config.save(folder, export_of(plan, settings))
    return told


async def _look_at(run: Run[TrainingRequest], result: protocol.Result) -> None:
    """Nothing should be trained on guesses."""
    accuracy = next((value for name, value in result.after.items() if name.endswith("accuracy")), None)
    if accuracy is None:
        await run.log("the reward model could not be tried: there were too few samples to hold any out", "warning")
        return
    await run.log(f"the reward model orders {accuracy:.0%} of the held-out pairs as people did")
    if accuracy < GUESSING:
        raise JobFailed(
            f"the reward model orders only {accuracy:.0%} of the held-out pairs as people did: what it says is no "
            "reward; collect more feedback, or more epochs for it with num_epochs"
        )
