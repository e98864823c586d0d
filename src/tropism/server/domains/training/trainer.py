"""A trainer as the job has it: a process of its own that is started, listened to, and stopped within a step."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tropism.engines.cores import usable_cores
from tropism.server.domains.jobs import states
from tropism.server.domains.training import records, safekeeping
from tropism.server.domains.training.service import TrainingRequest
from tropism.server.identity.principal import SYSTEM
from tropism.server.jobs.protocol import JobFailed, Run
from tropism.server.processes.low_priority import lower_session
from tropism.trainers import protocol
from tropism.weights.size import size_so_far

LOOK_SECONDS = 0.5
PULSE_LOOKS = 60
"""So often without an event, a trainer that works is said to be alive: a step can take longer than a job may stall."""
LEAST_WORK = 100
"""Clock ticks, a hundred of which are a second: a process that computed less since the last look rather waits."""
STOP_SECONDS = 120.0
"""How long a step may take that a trainer is in when it is told to stop."""
HAND_BACK_SECONDS = 12.0
"""How long it has when the worker itself is told to stop; what is lost then is done again from the last checkpoint."""
OUTPUT = "output.txt"
TAIL = 600
SECRETS = ("TROPISM_ADMIN_API_KEY", "TROPISM_SECRET_KEY")
"""A trainer has no use for them."""
MOST_STARTS = 3
"""A trainer that was killed, as by a machine without memory, goes on from its last checkpoint so often."""


async def train(run: Run[TrainingRequest], part: str, module: str, folder: Path) -> protocol.Result:
    """Let a trainer work to its end in a folder that holds its config; its progress is the stage of this name."""
    starts = 0
    while True:
        code = await _attempt(run, part, module, folder)
        if (result := protocol.read_result(folder)) is not None:
            break
        starts += 1
        await run.log(f"the trainer ended with code {code}: {_last_words(folder)}", "warning")
        if code >= 0 or starts == MOST_STARTS:
            raise JobFailed(f"the trainer ended with code {code}, begun {starts} times: {_last_words(folder)}")
    if result.status != "COMPLETED":
        raise JobFailed(result.error or "the trainer was told to stop by somebody else; its last checkpoint is kept")
    return result


async def export(run: Run[TrainingRequest], folder: Path) -> protocol.Exported:
    """Bring what was trained to the engine, and compare it there."""
    async with _started(run, protocol.EXPORT_MODULE, folder) as process:
        await _listen(run, "export", folder / "export", protocol.EventReader(folder / "export"), process)
        code = await process.wait()
    exported = protocol.read_exported(folder)
    if exported is None:
        raise JobFailed(f"the export ended with code {code}: {_last_words(folder)}")
    if exported.file is None:
        raise JobFailed(exported.error or "nothing was exported")
    return exported


async def _attempt(run: Run[TrainingRequest], part: str, module: str, folder: Path) -> int:
    (folder / protocol.STOP).unlink(missing_ok=True)
    (folder / protocol.RESULT).unlink(missing_ok=True)
    read = await run.read(records.read_so_far, run.id, part)
    # What another machine had said after its last checkpoint is not in this file, and is said anew.
    reader = protocol.EventReader(folder, min(read, size_so_far(folder / protocol.EVENTS)))
    try:
        async with _started(run, module, folder) as process:
            await _listen(run, part, folder, reader, process)
            return await process.wait()
    except asyncio.CancelledError:
        # What it said while it stopped is true whatever became of the job: where the last checkpoint is.
        events = reader.read()
        await run.services.database.write(SYSTEM, records.keep, run.id, part, events, reader.offset)
        with suppress(states.Stopped, TimeoutError):
            async with asyncio.timeout(HAND_BACK_SECONDS):
                await _keep_saved(run, part, folder, events, reader.offset)
        raise


async def _listen(
    run: Run[TrainingRequest],
    part: str,
    folder: Path,
    reader: protocol.EventReader,
    process: asyncio.subprocess.Process,
) -> None:
    """Store what the trainer says, until it has ended."""
    silence, ended, before = 0, False, 0
    while not ended:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await process.wait()
        ended = process.returncode is not None
        if events := await asyncio.to_thread(reader.read):
            await _keep_saved(run, part, folder, events, reader.offset)
            await _store(run, part, events, reader.offset)
            silence = 0
        elif (silence := silence + 1) % PULSE_LOOKS == 0:
            done = _work_done(process.pid)
            if done - before > LEAST_WORK:
                await run.write(lambda transaction: None, stage=part)
            before = done


async def _keep_saved(
    run: Run[TrainingRequest], part: str, folder: Path, events: list[protocol.Event], offset: int
) -> None:
    """Of the checkpoints that were written since, the last is worth keeping elsewhere."""
    if saved := [event for event in events if isinstance(event, protocol.Saved)]:
        await safekeeping.keep_checkpoint(run, part, folder, saved[-1], offset)


async def _store(run: Run[TrainingRequest], part: str, events: list[protocol.Event], offset: int) -> None:
    for event in events:
        if isinstance(event, protocol.Warned):
            await run.log(event.message, "warning")
        elif isinstance(event, protocol.Began):
            await run.begin(part, total=event.total)
            await run.log(_beginning(event))
    steps = [event.step for event in events if isinstance(event, protocol.Progress | protocol.Began)]
    # Below what was done already, if it goes on from a checkpoint.
    advance = steps[-1] - await run.processed(part) if steps else 0
    await run.write(records.keep, run.id, part, events, offset, stage=part, advance=advance)


def _beginning(event: protocol.Began) -> str:
    return (
        f"begins at step {event.step} of {event.total} with {event.training_lines} samples, "
        f"{event.validation_lines} more held out; {event.trainable_parameters:,} of {event.parameters:,} weights learn"
    )


@asynccontextmanager
async def _started(run: Run[TrainingRequest], module: str, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process in a folder. At the end of the block it is told to stop, and killed if it does not."""
    threads = str(max(1, usable_cores() - 1))
    environment = {name: value for name, value in os.environ.items() if name not in SECRETS}
    with (folder / OUTPUT).open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *protocol.command(module, folder),
            stdin=asyncio.subprocess.PIPE,
            stdout=output,
            stderr=output,
            env={"OMP_NUM_THREADS": threads, **environment, **protocol.ENVIRONMENT},
            start_new_session=True,
        )
    # Its niceness is the worker's, but a new session has a share of its own.
    lower_session(process.pid)
    try:
        yield process
    finally:
        await _stop(run, process)


async def _stop(run: Run[TrainingRequest], process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        # Still ours means that the worker has to go, and is not given much time itself.
        is_ours = await run.services.database.read(SYSTEM, states.is_ours, run.id, run.attempt)
        try:
            async with asyncio.timeout(HAND_BACK_SECONDS if is_ours else STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
    assert process.stdin
    process.stdin.close()


def _work_done(pid: int) -> int:
    """How long all threads of a process have computed, in clock ticks. One that waits for ever computes no more."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])
    except OSError:
        return 0


def _last_words(folder: Path) -> str:
    try:
        written = (folder / OUTPUT).read_text(errors="replace")[-TAIL:]
        # Progress bars write over themselves.
        return "\n".join(line.rpartition("\r")[2] for line in written.splitlines()).strip() or "it said nothing"
    except OSError:
        return "it said nothing"
