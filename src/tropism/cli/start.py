"""`tropism serve` and `tropism demo` as the command line sees them; the engine's packages are imported when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

DEFAULT_DATA = Path(".tropism")


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    data: Path = DEFAULT_DATA,
    database: str | None = None,
    storage: str | None = None,
    workers: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=64))] = 1,
    echo_models: str = "",
) -> None:
    """Start the engine: API, database and local models in one process.

    Parameters
    ----------
    host
        The address to listen on.
    port
        The port to listen on; 0 takes a free one.
    data
        Where the database, the keys and the model files live.
    database
        The database's URL; a SQLite file in the data directory if not given.
    storage
        Where datasets are kept, and files of models for machines with a data directory each: a directory, or a URL such
        as s3://bucket/prefix. In the data directory if not given.
    workers
        How many processes answer, behind one port. Each runs the local models for itself.
    echo_models
        Keys of models that repeat what they are told, separated by commas; for tests.
    """
    from tropism.cli.serve import serve

    serve(host=host, port=port, data=data, database=database, storage=storage, workers=workers, echo_models=echo_models)


def worker(
    *,
    pool: str = "default",
    capabilities: str = "evaluation,models,training",
    data: Path = DEFAULT_DATA,
    database: Annotated[str | None, Parameter(env_var="TROPISM_DATABASE")] = None,
    storage: Annotated[str | None, Parameter(env_var="TROPISM_STORAGE")] = None,
    listen: Annotated[str | None, Parameter(env_var="TROPISM_WORKER_LISTEN")] = None,
) -> None:
    """Do the work of a compute pool on this machine, beside engines that share its database.

    Parameters
    ----------
    pool
        The pool to work in; it is made by its first worker.
    capabilities
        What to do there, separated by commas: evaluation, models (bring models here), training,
        inference (run the models that are placed in the pool, and answer for them).
    data
        The data directory: a folder of its own where the engines have a storage, else the same one as theirs.
    database
        The database's URL; a SQLite file in the data directory if not given.
    storage
        Where datasets and files of models are kept, as for the engines.
    listen
        For inference: HOST:PORT where engines ask this worker. A free port for engines on this machine alone if not
        given.
    """
    from tropism.cli.worker import worker

    words = tuple(word for word in capabilities.split(",") if word)
    worker(pool=pool, capabilities=words, data=data, database=database, storage=storage, listen=listen)


def demo(
    *,
    train: Annotated[bool, Parameter(negative="")] = False,
    base_url: Annotated[str | None, Parameter(env_var="TROPISM_BASE_URL")] = None,
    api_key: Annotated[str | None, Parameter(env_var="TROPISM_API_KEY")] = None,
) -> None:
    """Walk once through the whole loop, from a use case to the winner of an A/B test.

    Parameters
    ----------
    train
        Then train the model on that feedback, test it against its parent, and promote it if it wins.
    base_url
        A running engine to do it on; one of its own if not given.
    api_key
        Your key there.
    """
    from tropism.cli.demo import demo

    demo(train=train, base_url=base_url, api_key=api_key)
