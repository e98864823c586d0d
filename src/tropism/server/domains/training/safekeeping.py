"""What a training leaves in the storage, so that a worker on another machine goes on where this one was.

Whoever did the last attempt has the folder as it was left, and goes on with that. Anybody else makes it anew from the
storage: samples, trainers that have ended, and the last checkpoint of the one that has not.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from tropism.server.database.session import Reading
from tropism.server.domains.training import records
from tropism.server.domains.training.checks import Plan
from tropism.server.domains.training.runs import SAMPLES_FILE, job_folder, part_folder, parts
from tropism.server.domains.training.service import TrainingRequest
from tropism.server.files import model_files, stored_files
from tropism.server.files.carrying import Here, StoredFile
from tropism.server.identity.principal import SYSTEM
from tropism.server.jobs.protocol import JobFailed, Run
from tropism.server.jobs.storing import Pulse, store
from tropism.server.settings import Settings
from tropism.trainers import checkpoints, protocol
from tropism.weights.selection import parts_of

ATTEMPT = "attempt"
"""The file that says which attempt was the last one in this folder."""
STORING = "storing"
"""The folder that holds a checkpoint while it is put into the storage: the trainer keeps only its last ones."""


async def take_up(run: Run[TrainingRequest], plan: Plan) -> None:
    """Have the folder as the last attempt left it, wherever that was."""
    if not run.request.stored:
        return
    folder = job_folder(run.services.settings, run.id)
    if run.attempt > 1 and _last_attempt(folder) != run.attempt - 1:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        await _restore(run, plan)
    await asyncio.to_thread(_mark, folder, run.attempt)


async def _restore(run: Run[TrainingRequest], plan: Plan) -> None:
    settings, root = run.services.settings, _name(run.services.settings, job_folder(run.services.settings, run.id))
    wanted = await run.services.database.read(SYSTEM, _worth_fetching, root, parts(plan))
    if not wanted:
        return
    await run.log(f"another machine had it: {len(wanted)} files or folders of it are fetched from the storage")
    await model_files.fetch(run.services.database, settings, wanted, Pulse(run, "samples"))
    for path in (settings.data.absolute() / each for each in wanted):
        if (path / protocol.EVENTS).exists():  # of a checkpoint: what had been said by then
            (path / protocol.EVENTS).replace(path.parent.parent / protocol.EVENTS)


def _worth_fetching(session: Reading, root: str, parts: Sequence[str]) -> list[str]:
    there = stored_files.under(session, [root])
    wanted = [f"{root}/{SAMPLES_FILE}"]
    for part in parts:
        folder = f"{root}/{part}"
        if any(each.name == f"{folder}/{protocol.RESULT}" for each in there):
            wanted += [f"{folder}/{name}" for name in (protocol.MODEL, protocol.RESULT, protocol.EVENTS)]
        elif kept := _by_step(there, folder):
            wanted.append(f"{folder}/{protocol.CHECKPOINTS}/checkpoint-{max(kept)}")
    return wanted if there else []


async def fetch_beginning(run: Run[TrainingRequest], plan: Plan, part: str) -> None:
    """Have on this machine what the trainer begins with, and what the engine serves of that."""
    base, parent = model_files.weights_of(plan.base), model_files.weights_of(plan.model)
    paths = [*([base] if base else []), *parts_of(plan.base.path), *([parent] if plan.model.adapter_path else [])]
    await model_files.fetch(run.services.database, run.services.settings, filter(None, paths), Pulse(run, part))


async def keep_samples(run: Run[TrainingRequest]) -> None:
    """What is learnt stays the same on each machine."""
    if run.request.stored:
        path = job_folder(run.services.settings, run.id) / SAMPLES_FILE
        await store(run, [_here(run.services.settings, path)], "samples")


async def keep_checkpoint(run: Run[TrainingRequest], part: str, folder: Path, saved: protocol.Saved, said: int) -> None:
    """Put a checkpoint into the storage, with the first `said` bytes of the events; those before the last go.

    A training does not end because one cannot be put there: on another machine it would go on from an earlier one.
    """
    if not run.request.stored:
        return
    settings, checkpoint, copy = run.services.settings, folder / saved.path, folder / STORING
    if not await asyncio.to_thread(_hold, checkpoint, copy, folder / protocol.EVENTS, said):
        return  # the trainer has written two more meanwhile
    try:
        await store(run, _in_folder(copy, _name(settings, checkpoint)), part)
    except JobFailed as error:
        await run.log(f"the checkpoint of step {saved.step} is on this machine alone: {error}", "warning")
        return
    finally:
        await asyncio.to_thread(shutil.rmtree, copy, ignore_errors=True)
    await _forget_older(run, part)


async def keep_part(run: Run[TrainingRequest], part: str) -> None:
    """Put what a trainer has made into the storage."""
    if not run.request.stored:
        return
    settings, folder = run.services.settings, part_folder(run.services.settings, run.id, part)
    ends = [_here(settings, folder / name) for name in (protocol.RESULT, protocol.EVENTS)]
    model = folder / protocol.MODEL
    await store(run, [*_in_folder(model, _name(settings, model)), *ends], part)


async def keep_exported(run: Run[TrainingRequest], file: Path) -> str:
    """Put what is served into the storage; the path that its model's row says."""
    if not run.request.stored:
        return str(file)
    here = _here(run.services.settings, file)
    await store(run, [here], "export")
    return here.name


async def _forget_older(run: Run[TrainingRequest], part: str) -> None:
    database, settings = run.services.database, run.services.settings
    folder = _name(settings, part_folder(settings, run.id, part))
    kept = _by_step(await database.read(SYSTEM, stored_files.under, [folder]), folder)
    for step in sorted(kept)[: -records.KEPT_CHECKPOINTS]:
        await model_files.remove(database, settings, kept[step])


def _by_step(there: Sequence[StoredFile], folder: str) -> dict[int, list[StoredFile]]:
    """The files of each checkpoint in the folder of a trainer."""
    found: dict[int, list[StoredFile]] = {}
    for each in there:
        if each.is_under([f"{folder}/{protocol.CHECKPOINTS}"]):
            name = PurePosixPath(each.name).relative_to(f"{folder}/{protocol.CHECKPOINTS}").parts[0]
            found.setdefault(checkpoints.step_of(Path(name)), []).append(each)
    return found


def _here(settings: Settings, path: Path) -> Here:
    return Here(name=_name(settings, path), path=str(path))


def _name(settings: Settings, path: Path) -> str:
    return str(path.relative_to(settings.data.absolute()))


def _last_attempt(folder: Path) -> int | None:
    try:
        return int((folder / ATTEMPT).read_text())
    except (FileNotFoundError, ValueError):
        return None


def _mark(folder: Path, attempt: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{ATTEMPT}.partial"
    partial.write_text(str(attempt))
    partial.replace(folder / ATTEMPT)


def _hold(checkpoint: Path, copy: Path, events: Path, said: int) -> bool:
    """Have a checkpoint under another name, with the events of which the reader has heard: whole lines."""
    shutil.rmtree(copy, ignore_errors=True)
    with suppress(FileNotFoundError, shutil.Error):
        shutil.copytree(checkpoint, copy, copy_function=_link)
    with events.open("rb") as source:
        copy.mkdir(exist_ok=True)
        (copy / protocol.EVENTS).write_bytes(source.read(said))
    return checkpoints.has_all(copy)


def _link(source: str, target: str) -> None:
    """What is in a complete checkpoint is never written again."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)


def _in_folder(folder: Path, name: str) -> list[Here]:
    """All files of a folder, under the name that it shall have."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [Here(name=f"{name}/{path.relative_to(folder)}", path=str(path)) for path in files]
