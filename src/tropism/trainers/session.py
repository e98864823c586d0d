"""The frame around every method: from the run's folder to its result, whatever happens in between."""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import transformers

import datasets
from tropism.rewards.protocol import RewardError
from tropism.trainers import checkpoints, config, data, model, protocol
from tropism.trainers.arguments import arguments
from tropism.trainers.events import EventWriter, now
from tropism.trainers.interrupt import Interrupt, Interrupted, die_with_parent
from tropism.trainers.lengths import fitting
from tropism.trainers.progress import Diverged, ProgressCallback, memory_bytes
from tropism.version import __version__

_LOW_FOR_ADAPTERS = 5e-5


class Session:
    """One run: what a method needs to make its trainer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writer = EventWriter(folder)
        self.interrupt = Interrupt(folder)
        self.progress = ProgressCallback(self.writer, self.interrupt)
        self.run = config.load(folder)
        self.lines = data.read(folder / path for path in self.run.data)
        self.rows: tuple[list[data.Row], list[data.Row]] = ([], [])
        self.base = model.base_folder(self.run, folder)
        self.tokenizer = model.load_tokenizer(self.base)

    def split(self, rows: list[data.Row], at_least: int = 1) -> Mapping[str, Any]:
        """Training and validation data, as the trainers of trl take them; few rows are repeated, to fill one batch."""
        rows = fitting(rows, self.run, self.tokenizer, self.writer.warn)
        train, held_out = self.rows = data.split(rows, self.run)
        made = datasets.Dataset.from_list
        return {
            "train_dataset": made(train * math.ceil(at_least / len(train))),
            "eval_dataset": made(held_out) if held_out else None,
        }

    def arguments(self, **special: Any) -> dict[str, Any]:
        """The arguments that all methods share, and a method's own. Call `split` first."""
        train, held_out = (len(rows) for rows in self.rows)
        output = str(self.folder / protocol.CHECKPOINTS)
        return arguments(self.run, output, train, held_out) | special

    def load_model(self) -> Any:
        """A model to train, in its own memory at each call."""
        return model.load_model(self.base, self.run, self.folder)


def run_trainer(prepare: Callable[[Session], Any]) -> None:
    """Train in the folder that the command line names, and leave a result. Exits with 0 if the model is there."""
    folder = Path(sys.argv[1]).resolve()
    if protocol.WITH_PARENT in sys.argv:
        die_with_parent()
    _be_quiet()
    began = time.monotonic()
    outcome = _Outcome(folder)
    try:
        outcome.train(prepare)
    except (config.ConfigError, Diverged, RewardError) as error:
        outcome.failed(str(error))
    except Interrupted:
        pass
    except Exception as error:
        outcome.failed(f"{type(error).__name__}: {error}")
        raise
    finally:
        outcome.finish(time.monotonic() - began)
    sys.exit(0 if outcome.status == "COMPLETED" else 1)


class _Outcome:
    """What becomes of a run, filled in as it goes."""

    def __init__(self, folder: Path) -> None:
        (folder / protocol.RESULT).unlink(missing_ok=True)
        self._folder = folder
        self.status: protocol.Status = "STOPPED"
        self._error: str | None = None
        self._session: Session | None = None
        self._trainer: Any = None

    def train(self, prepare: Callable[[Session], Any]) -> None:
        session = self._session = Session(self._folder)
        session.interrupt.listen()
        _seed(session.run)
        trainer = self._trainer = prepare(session)
        trainer.remove_callback(transformers.PrinterCallback)
        trainer.add_callback(session.progress)
        checkpoint = checkpoints.last_complete(self._folder / protocol.CHECKPOINTS)
        # A run that goes on has done that before.
        trainer.args.eval_on_start = trainer.args.eval_on_start and checkpoint is None
        _announce(session, trainer, checkpoints.step_of(checkpoint))
        if session.interrupt.requested():
            return
        try:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        except (Interrupted, RewardError):
            _keep_checkpoint(trainer)
            raise
        if trainer.state.global_step == trainer.state.max_steps:
            _validate_once_more(session, trainer)
            _save(self._folder, session, trainer)
            self.status = "COMPLETED"
        elif not session.interrupt.requested():
            raise RuntimeError(f"training ended after {trainer.state.global_step} of {trainer.state.max_steps} steps")

    def failed(self, error: str) -> None:
        self.status, self._error = "FAILED", error

    def finish(self, seconds: float) -> None:
        session, state = self._session, getattr(self._trainer, "state", None)
        validations = _validations(self._folder)
        writer = session.writer if session else EventWriter(self._folder)
        writer.finish(
            protocol.Result(
                status=self.status,
                step=state.global_step if state else 0,
                total=state.max_steps if state else 0,
                model=protocol.MODEL if self.status == "COMPLETED" else None,
                error=self._error,
                before=validations.get(0, {}),
                after=validations[max(validations)] if validations else {},
                seconds=round(seconds, 1),
                peak_memory_bytes=memory_bytes(),
                data_sha256=data.fingerprint(session.lines) if session else None,
                versions={"tropism": __version__} | {name: version(name) for name in protocol.PACKAGES},
            )
        )


def _validations(folder: Path) -> dict[int, dict[str, float]]:
    """Those of the whole run, by step; this process may have made only the last of them."""
    made = [event for event in protocol.EventReader(folder).read() if isinstance(event, protocol.Validation)]
    return {event.step: event.metrics | ({} if event.loss is None else {"loss": event.loss}) for event in made}


def _be_quiet() -> None:
    """Standard output and error are for what nobody foresaw; progress goes into the events."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()


def _seed(run: config.TrainingRun) -> None:
    """Before the model is made: a fresh adapter begins with random numbers."""
    if run.threads:
        torch.set_num_threads(run.threads)
    transformers.set_seed(run.seed)


def _announce(session: Session, trainer: Any, step: int) -> None:
    sizes = [(weights.numel(), weights.requires_grad) for weights in trainer.model.parameters()]
    run, (train, held_out) = session.run, session.rows
    session.writer.write(
        protocol.Began(
            at=now(),
            step=step,
            total=trainer.args.max_steps,
            training_lines=len(train),
            validation_lines=len(held_out),
            trainable_parameters=sum(size for size, trained in sizes if trained),
            parameters=sum(size for size, _ in sizes),
        )
    )
    if run.training_type == "PARAMETER_EFFICIENT" and run.learning_rate < _LOW_FOR_ADAPTERS:
        session.writer.warn(
            f"a learning rate of {run.learning_rate} changes an adapter little; 2e-4 to 5e-4 is usual for adapters"
        )


def _keep_checkpoint(trainer: Any) -> None:
    """The step in which this happened is lost, those before it are not."""
    kept = Path(trainer.args.output_dir, f"checkpoint-{trainer.state.global_step}", checkpoints.COMPLETE)
    if trainer.state.global_step and not kept.exists():
        trainer._save_checkpoint(trainer.model, trial=None)
        trainer.callback_handler.on_save(trainer.args, trainer.state, trainer.control)


def _validate_once_more(session: Session, trainer: Any) -> None:
    """The result says what the finished model is worth, even if no validation fell on its last step."""
    if session.rows[1] and trainer.state.global_step not in session.progress.validated:
        trainer.evaluate()


def _save(folder: Path, session: Session, trainer: Any) -> None:
    """Only a whole model ever has the final name."""
    partial, whole = folder / f"{protocol.MODEL}.partial", folder / protocol.MODEL
    if trainer.is_world_process_zero():
        shutil.rmtree(partial, ignore_errors=True)
    trainer.accelerator.wait_for_everyone()
    trainer.save_model(str(partial))
    if not trainer.is_world_process_zero():
        return
    session.tokenizer.save_pretrained(partial)
    # The copy of a parent adapter that served as reference.
    shutil.rmtree(partial / "ref", ignore_errors=True)
    shutil.rmtree(whole, ignore_errors=True)
    partial.replace(whole)
