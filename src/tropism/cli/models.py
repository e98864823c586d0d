"""`tropism models`: register models, run them, attach them to use cases."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

from cyclopts import App, Parameter
from rich.console import RenderableType

from tropism.cli import jobs, show
from tropism.cli.engine import DEFAULT, Engine, UseCase
from tropism.cli.job_progress import follow
from tropism.sdk.client import Tropism
from tropism.wire import models as wire
from tropism.wire.reliability import Reliability

app = App(name="models", help="Register models, run them, attach them to use cases.")

Wait = Annotated[bool, Parameter(negative="", help="Come back when it is online.")]
Watch = Annotated[bool, Parameter(negative="--no-watch", help="Follow the job, or only say which one it is.")]


@app.command(name="list")
def list_(
    *,
    kind: wire.Kind | None = None,
    online: wire.Online | None = None,
    available: bool | None = None,
    trainable: bool | None = None,
    in_storage: bool | None = None,
    all: Annotated[bool, Parameter(negative="", help="Show those that cannot run here, too.")] = False,
    engine: Engine = DEFAULT,
) -> None:
    """List models."""
    filter = wire.ModelFilter(
        kind=kind, online=online, available=available, trainable=trainable, in_storage=in_storage, view_all=all
    )
    with engine.client() as client:
        found = client.models.list(filter)
    rows = [(model.key, model.kind, model.online, _size(model.size), _origin(model)) for model in found]
    columns = ["Key", "Kind", "State", ">Size", "From"]
    show.answer(engine, found, lambda: show.table(columns, rows, "No models. `tropism models add-external --help`."))


@app.command
def get(model: str, *, engine: Engine = DEFAULT) -> None:
    """Show one model."""
    with engine.client() as client:
        found = client.models.get(model)
    show.answer(engine, found, lambda: picture(found))


@app.command
def add_external(
    name: str,
    external_model_id: str,
    *,
    provider: wire.Provider,
    provider_key: Annotated[str, Parameter(env_var="TROPISM_PROVIDER_KEY")] = "",
    endpoint: str | None = None,
    key: str | None = None,
    kind: wire.Kind = "Generation",
    engine: Engine = DEFAULT,
) -> None:
    """Register a model of an outside provider, or of any OpenAI-compatible server (`--provider custom`).

    Parameters
    ----------
    name
        What people read.
    external_model_id
        How the provider calls the model.
    provider
        Who serves it.
    provider_key
        Your key at the provider; better set in the environment than typed.
    endpoint
        The URL of the server; needed for azure and custom.
    key
        How it is called here; made from the name if not given.
    kind
        What it makes.
    """
    with engine.client() as client:
        made = client.models.add_external(
            name, external_model_id, provider_key, provider, endpoint=endpoint, key=key, kind=kind
        )
    show.answer(engine, made, lambda: picture(made))


@app.command
def add_hf(
    hf_model_id: str,
    key: str,
    *,
    name: str | None = None,
    revision: str | None = None,
    file: str | None = None,
    hf_token: Annotated[str | None, Parameter(env_var="HF_TOKEN")] = None,
    watch: Watch = True,
    engine: Engine = DEFAULT,
) -> None:
    """Download a model of the Hugging Face hub and register it, as a job that is watched to its end.

    Parameters
    ----------
    hf_model_id
        What the hub calls it, such as `org/name`.
    key
        How it is called here.
    name
        What people read; the key if not given.
    revision
        A branch, tag or commit; the main branch if not given.
    file
        Which one of several GGUF files.
    hf_token
        For gated and private models; better set in the environment than typed.
    """
    with engine.client() as client:
        job_id = client.models.add_hf_model(hf_model_id, key, hf_token, name, revision=revision, file=file)
        _brought(client, job_id, watch, engine)


@app.command
def add_local(path: Path, key: str, *, name: str | None = None, watch: Watch = True, engine: Engine = DEFAULT) -> None:
    """Register a model on the engine's disk, as a job that is watched to its end.

    Parameters
    ----------
    path
        Where the engine finds it: a GGUF file, or a folder of a model for transformers, with safetensors.
    key
        How it is called here.
    name
        What people read; the key if not given.
    """
    # The engine may have been started in another folder of this machine.
    where = path.absolute() if engine.is_local() else path
    with engine.client() as client:
        _brought(client, client.models.add_local(where, key, name), watch, engine)


@app.command
def update_prices(
    model: str,
    input_per_million: float,
    output_per_million: float,
    *,
    engine: Engine = DEFAULT,
) -> None:
    """Say what a model and its variants cost from now on, in US dollars.

    Parameters
    ----------
    input_per_million
        For a million tokens read.
    output_per_million
        For a million tokens written.
    """
    prices = wire.Prices(input_per_million=input_per_million, output_per_million=output_per_million)
    with engine.client() as client:
        changed = client.models.update_prices(model, prices)
    show.answer(engine, changed, lambda: picture(changed))


@app.command
def update_compute_config(
    model: str,
    *,
    tp: int = 1,
    kv_cache_len: int | None = None,
    max_seq_len: int = 2048,
    runtime: Annotated[wire.Runtime | None, Parameter(name="--engine")] = None,
    url: str | None = None,
    served_name: str | None = None,
    provider_key: Annotated[str | None, Parameter(env_var="TROPISM_PROVIDER_KEY")] = None,
    engine: Engine = DEFAULT,
) -> None:
    """Say how a model is run; one that runs is started again. What is not given goes back to its default.

    Parameters
    ----------
    tp
        Over how many GPUs vLLM spreads it.
    kv_cache_len
        Tokens that all requests share.
    max_seq_len
        Longest prompt and answer, in tokens.
    runtime
        What runs it, for models whose files are here.
    url
        A vLLM server that runs already.
    served_name
        What that server calls the model, if it has several.
    provider_key
        That server's key; better set in the environment than typed.
    """
    config = wire.ComputeConfig(
        tp=tp, kv_cache_len=kv_cache_len, max_seq_len=max_seq_len, engine=runtime, url=url, served_name=served_name
    )
    with engine.client() as client:
        changed = client.models.update_compute_config(model, config, api_key=provider_key if url else None)
    show.answer(engine, changed, lambda: picture(changed))


@app.command
def update_concurrency(model: str, at_once: int | None = None, *, waiting: int = 100, engine: Engine = DEFAULT) -> None:
    """Say how many requests a model and its variants work on at once; use cases take turns.

    Parameters
    ----------
    at_once
        Without it, there is no bound.
    waiting
        So many may wait; more are refused.
    """
    with engine.client() as client:
        changed = client.models.update_concurrency(model, at_once, waiting)
    show.answer(engine, changed, lambda: picture(changed))


@app.command
def update_reliability(
    model: str,
    *,
    use_case: UseCase,
    first_token: float | None = None,
    between_tokens: float | None = None,
    total: float | None = None,
    retries: int = 0,
    engine: Engine = DEFAULT,
) -> None:
    """Say how long the answers of an attached model may take, and how often it is asked again.

    Parameters
    ----------
    first_token
        In so many seconds a stream has to begin.
    between_tokens
        For so many seconds a stream may be silent.
    total
        In so many seconds an answer has to end, all tries included.
    retries
        So often it is asked again where it has certainly generated nothing.
    """
    says = Reliability(
        first_token_seconds=first_token, between_tokens_seconds=between_tokens, total_seconds=total, retries=retries
    )
    with engine.client() as client:
        service = client.models.update(model, reliability=says, use_case=use_case)
    fields = {"Model": service.model.key, "First token": first_token, "Between tokens": between_tokens, "Total": total}
    show.answer(engine, service, lambda: show.record({**fields, "Retries": retries}))


@app.command
def attach(
    model: str,
    *,
    use_case: UseCase,
    default: Annotated[bool, Parameter(negative="", help="Make it the use case's default.")] = False,
    fallback: Annotated[list[str] | None, Parameter(negative="")] = None,
    pool: Annotated[list[str] | None, Parameter(negative="")] = None,
    max_ttft_ms: int | None = None,
    wait: Wait = False,
    engine: Engine = DEFAULT,
) -> None:
    """Attach a model to a use case; it is started if it does not run yet.

    Parameters
    ----------
    fallback
        An attached model that answers when this one cannot. May be given several times, first choice first.
    pool
        A compute pool that runs the model. May be given several times, first choice first.
    max_ttft_ms
        How long a request may wait in line in one pool before it goes to the next.
    """
    placement = None if pool is None else wire.Placement(compute_pools=pool, max_ttft_ms=max_ttft_ms)
    with engine.client() as client, show.waiting("Starting …"):
        service = client.models.attach(model, wait, default, placement, fallbacks=fallback, use_case=use_case)
    fields = {"Model": service.model.key, "Use case": use_case, "Default": service.is_default, "State": service.online}
    show.answer(engine, service, lambda: show.record({**fields, "Fallbacks": service.fallbacks}))


@app.command
def detach(model: str, *, use_case: UseCase, engine: Engine = DEFAULT) -> None:
    """Detach a model from a use case. The model stays, and so does all that it answered."""
    with engine.client() as client:
        client.models.detach(model, use_case=use_case)
    show.note(f"{model} is no longer attached to {use_case}.")


@app.command
def deploy(model: str, *, wait: Wait = False, engine: Engine = DEFAULT) -> None:
    """Start a model."""
    with engine.client() as client, show.waiting("Starting …"):
        deployed = client.models.deploy(model, wait)
    show.answer(engine, deployed, lambda: picture(deployed))


@app.command
def terminate(
    model: str,
    *,
    force: Annotated[bool, Parameter(negative="", help="Even if a use case is served by it.")] = False,
    engine: Engine = DEFAULT,
) -> None:
    """Stop a model."""
    with engine.client() as client:
        stopped = client.models.terminate(model, force)
    show.answer(engine, stopped, lambda: picture(stopped))


def _brought(client: Tropism, job_id: UUID, watch: bool, engine: Engine) -> None:
    """Follow the job to its end and show the model, or only say which job it is."""
    if not watch:
        job = client.jobs.get(job_id)
        show.answer(engine, job, lambda: jobs.picture(job))
        return
    job = follow(client, str(job_id))
    if job.status != "COMPLETED":
        show.answer(engine, job, lambda: jobs.picture(job))
        raise SystemExit(1)
    made = client.models.get(job_id)
    show.answer(engine, made, lambda: picture(made))


def picture(model: wire.Model) -> RenderableType:
    config, origin = model.compute_config, model.origin
    return show.record(
        {
            "Key": model.key,
            "Name": model.name,
            "Id": model.id,
            "State": model.online,
            "Error": model.error,
            "Kind": model.kind,
            "From": _origin(model),
            "Revision": origin.revision if origin else None,
            "Architecture": origin.architecture if origin else None,
            "Context": origin.context_length if origin else None,
            "Licence": origin.licence if origin else None,
            "Size": None if model.size is None else _size(model.size),
            "Version": model.version,
            "System prompt": model.system_prompt,
            "Prices": _prices(model.prices),
            "Runs on": config.url or config.engine,
            "Runs with": f"up to {config.max_seq_len} tokens, {config.tp} device{'s' if config.tp > 1 else ''}",
            "Trainable": model.trainable,
            "Created": model.created_at,
        }
    )


def _origin(model: wire.Model) -> str:
    if model.provider_name is not None:
        return model.provider_name
    if model.origin is not None and model.origin.hf_model_id is not None:
        return model.origin.hf_model_id
    if model.backbone is None:
        return "here"
    return f"{'adapter' if model.is_adapter else 'variant'} of {model.backbone}"


def _prices(prices: wire.Prices | None) -> str | None:
    if prices is None:
        return None
    return f"{prices.input_per_million:g} and {prices.output_per_million:g} USD per million tokens read and written"


def _size(parameters: int | None) -> str | None:
    """A number of parameters as people say it: 135M, 7.2B."""
    if parameters is None:
        return None
    for unit, letter in ((10**9, "B"), (10**6, "M")):
        if parameters >= unit:
            return f"{parameters / unit:.3g}{letter}"
    return str(parameters)
