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
            _work(pool.running_jobs, pool.waiting_jobs),
            _work(pool.running_requests, pool.waiting_requests),
            len(pool.models_online),
        )
        for pool in found
    ]
    columns = ["=Pool", "=Workers", "Does", "Devices", "=Jobs", "=Requests", "=Models"]
    show.answer(engine, found, lambda: show.table(columns, rows, "No pools."))


def _work(running: int, waiting: int) -> str:
    return f"{running}, {waiting} waiting" if waiting else f"{running}"
