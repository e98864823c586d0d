"""`tropism compute-pools`: who does the work, and where."""

from __future__ import annotations

from cyclopts import App

from tropism.cli import show
from tropism.cli.engine import DEFAULT, Engine

app = App(name="compute-pools", help="Where models run and jobs are done.")


@app.command(name="list")
def list_(*, engine: Engine = DEFAULT) -> None:
    """List the pools with their workers; `tropism worker --pool NAME` adds one."""
    with engine.client() as client:
        found = client.compute_pools.list()
    rows = [
        (
            pool.key,
            len(pool.workers),
            ", ".join(pool.capabilities) or "-",
            ", ".join(pool.devices) or "-",
            pool.running_jobs,
            pool.waiting_jobs,
            len(pool.models_online),
            pool.running_requests + pool.waiting_requests,
        )
        for pool in found
    ]
    columns = ["=Pool", "Workers", "~Does", "~Devices", "Running", "Waiting", "Models online", "Requests"]
    show.answer(engine, found, lambda: show.table(columns, rows, "No pools."))
