"""The job that brings a model here: downloaded, converted, tried in the engine, registered."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec

from tropism.engines.llama_cpp import LlamaCppEngine
from tropism.engines.protocol import EngineError, Message, ModelSource, Prompt
from tropism.server.domains.jobs import states
from tropism.server.domains.models import service
from tropism.server.domains.models.download import downloaded
from tropism.server.domains.models.homes import GGUF, SOURCE, home, tidy
from tropism.server.domains.models.imports import STORE, ImportRequest
from tropism.server.domains.models.service import Imported, Paths, longest_request
from tropism.server.files.carrying import Here
from tropism.server.identity.principal import SYSTEM
from tropism.server.jobs.protocol import JobFailed, Run, runs
from tropism.server.jobs.storing import store
from tropism.server.processes.hard_work import beside
from tropism.weights.messages import Found, Prepare, Prepared, Refused, Written
from tropism.weights.probe import PROBE
from tropism.weights.selection import parts_of, select
from tropism.wire.models import Origin

_read = msgspec.json.Decoder(Written | Prepared | Refused).decode


@runs("model", ImportRequest)
async def bring(run: Run[ImportRequest]) -> dict[str, Any]:
    """Do it, or go on with it. What was canceled leaves no files."""
    try:
        return await _bring(run)
    except (asyncio.CancelledError, states.Stopped):  # which of the two depends on who notices first
        await asyncio.shield(_clear_if_canceled(run))
        raise


async def _bring(run: Run[ImportRequest]) -> dict[str, Any]:
    request, folder = run.request, home(run.services.settings, run.id)
    await tidy(run.services)  # where no engine shares our data directory, nobody else does
    found = await downloaded(run, request.hub) if request.hub else None
    source = folder / SOURCE if found else Path(request.path or "")
    ask = _preparation(source, folder, found)
    prepared = await _prepared(run, ask, folder)
    await _try(run, prepared)
    paths = Paths(path=prepared.path, weights_path=ask.folder)
    if request.stored:
        paths = await _stored(run, paths)
    await run.begin("register", total=1)
    made = _imported(run, prepared, found, paths)
    model = await run.write(service.add_imported, made, stage="register", advance=1 - await run.processed("register"))
    if model.key != request.key:
        await run.log(f"the key {request.key!r} was taken meanwhile; the model is {model.key!r}", "warning")
    return {"model": model.key}


def _preparation(source: Path, folder: Path, found: Found | None) -> Prepare:
    """What there is to look at or to convert."""
    if not source.exists():
        raise JobFailed(f"there is no {str(source)!r} on the machine of this worker")
    if source.is_file():
        return Prepare(parts=[str(source)])
    names: Sequence[str] = [file.name for file in found.weights] if found else []
    if found is None:
        chosen = select(each.name for each in source.iterdir())
        kind, names = chosen.kind, chosen.weights
    else:
        kind = found.kind
    if kind == "gguf":
        return Prepare(parts=[str(source / name) for name in names])
    return Prepare(folder=str(source), target=str(folder / GGUF), licence=found.licence if found else None)


async def _prepared(run: Run[ImportRequest], ask: Prepare, folder: Path) -> Prepared:
    await run.begin("convert")
    if ask.target:
        folder.mkdir(parents=True, exist_ok=True)
    end: Prepared | Refused | None = None
    async with beside("tropism.server.domains.models.prepare", ask) as answers:
        while line := await answers.readline():
            said = _read(line)
            if isinstance(said, Written):
                await _count(run, said)
            else:
                end = said
    if not isinstance(end, Prepared):
        raise JobFailed(end.message if end else "the conversion said nothing")
    await run.end("convert")
    return end


async def _count(run: Run[ImportRequest], said: Written) -> None:
    if said.size == 0:
        await run.begin("convert", total=said.total)
    await run.write(lambda _: None, stage="convert", advance=said.size - await run.processed("convert"))


async def _try(run: Run[ImportRequest], prepared: Prepared) -> None:
    """Let the engine load it and answer once, before anybody relies on it."""
    await run.begin("check", total=1)
    facts = prepared.facts
    if facts.kind == "Generation" and not facts.has_chat_template:
        await run.log("it has no chat template, and is asked in the form that llama.cpp has for such models", "warning")
    source = ModelSource(
        key=run.request.key, kind=facts.kind, path=Path(prepared.path), slots=1, context=longest_request(facts.context)
    )
    engine = LlamaCppEngine(source)
    try:
        await engine.start()
        await _ask(engine, prepared)
    except EngineError as error:
        raise JobFailed(f"llama.cpp cannot run this model: {error}") from None
    finally:
        await engine.close()
    await run.write(lambda _: None, stage="check", advance=1 - await run.processed("check"))
    await run.end("check")


async def _ask(engine: LlamaCppEngine, prepared: Prepared) -> None:
    if prepared.probe is not None and await engine.tokenize(PROBE) != prepared.probe:
        raise JobFailed(
            "llama.cpp splits text in another way than the model's own tokenizer, so that the model would read what "
            "it never learnt; add a GGUF file of the model instead"
        )
    if prepared.facts.kind == "Embedding":
        await engine.embed(["Hello"])
        return
    async with aclosing(
        engine.generate(Prompt(messages=[Message(role="user", content="Hello")], max_tokens=4))
    ) as said:
        async for _ in said:
            pass


async def _stored(run: Run[ImportRequest], paths: Paths) -> Paths:
    """Put what is served, and the exact weights, into the storage; they have the same names in each data directory."""
    data, folder = run.services.settings.data.absolute(), home(run.services.settings, run.id)
    source, served = (folder / SOURCE).relative_to(data), Path(paths.path)
    name = served.relative_to(data) if served.is_relative_to(folder) else source / served.name
    here = [Here(name=str(name.with_name(Path(each).name)), path=each) for each in parts_of(paths.path)]
    if paths.weights_path is not None:
        exact = Path(paths.weights_path)
        chosen = select(each.name for each in exact.iterdir())
        here += [Here(name=str(source / each), path=str(exact / each)) for each in (*chosen.small, *chosen.weights)]
    await store(run, here, STORE, is_counted=True)
    await run.end(STORE)
    return Paths(path=str(name), weights_path=None if paths.weights_path is None else str(source))


def _imported(run: Run[ImportRequest], prepared: Prepared, found: Found | None, paths: Paths) -> Imported:
    facts = prepared.facts
    origin = Origin(
        hf_model_id=found.hf_model_id if found else None,
        revision=found.revision if found else None,
        base_model=found.base_model if found else None,
        licence=(found.licence if found else None) or facts.licence,
        architecture=facts.architecture,
        context_length=facts.context,
    )
    return Imported(
        id=run.id,
        key=run.request.key,
        name=run.request.name,
        kind=facts.kind,
        paths=paths,
        size=facts.parameters,
        origin=origin,
    )


async def _clear_if_canceled(run: Run[ImportRequest]) -> None:
    """A worker that has to go hands the job back, and its files are gone on with; what was canceled goes."""
    if await run.services.database.read(SYSTEM, states.is_canceled, run.id):
        await asyncio.to_thread(shutil.rmtree, home(run.services.settings, run.id), ignore_errors=True)
