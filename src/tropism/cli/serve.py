"""`tropism serve`: start the engine, say where it is and how to try it."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tropism.server.app import DatabaseUnusable
from tropism.server.founding import FIRST_USE_CASE, KEY_FILE
from tropism.server.observability import logs
from tropism.server.processes import siblings
from tropism.server.processes.lock import DataInUse
from tropism.server.processes.run import serve as run
from tropism.server.processes.siblings import CannotStart
from tropism.server.settings import Settings, from_environment
from tropism.server.web.listening import CannotListen, new_event_loop
from tropism.server.web.ui import NOT_BUILT, folder


def serve(
    *, host: str, port: int, data: Path, database: str | None, storage: str | None, workers: int, echo_models: str
) -> None:
    """Start the engine with these options of the command line; return when it is told to stop."""
    console = Console(stderr=True)
    try:
        keys = tuple(key for key in echo_models.split(",") if key)
        settings = from_environment(
            host=host, port=port, data=data, database=database, storage=storage, echo_models=keys
        )
        logs.set_up(settings)
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(_run(settings, workers))
    except (CannotListen, CannotStart, DataInUse, DatabaseUnusable, ValueError, OSError) as error:
        console.print(Text.assemble(("tropism serve: ", "red"), str(error)), soft_wrap=True)
        sys.exit(1)


async def _run(settings: Settings, workers: int) -> None:
    def welcome(url: str) -> None:
        _welcome(url, settings)

    await (run(settings, welcome) if workers == 1 else siblings.serve(settings, workers, welcome))


def _welcome(url: str, settings: Settings) -> None:
    key, python = _key(settings), _python()
    model = f'"model": "{FIRST_USE_CASE}", "messages": [{{"role": "user", "content": "Hello!"}}]'
    lines = [
        f"Tropism is ready at {url}   (API reference: {url}/docs)",
        f"In a browser: sign in at {url} with the admin key, or a password." if folder() else NOT_BUILT,
        f"Admin key: {key}",
        "To choose a password: tropism users set-password admin@localhost",
        "",
        "Try it:",
        f"  curl {url}/v1/chat/completions -H \"Authorization: Bearer {key}\" -d '{{{model}}}'",
        f"  {python} -c \"from tropism import Tropism; print(Tropism('{url}', '{key}').chat.create("
        f"[{{'role': 'user', 'content': 'Hello!'}}], use_case='{FIRST_USE_CASE}').choices[0].message.content)\"",
        f"  {python} -c \"from openai import OpenAI; print(OpenAI(base_url='{url}/v1', api_key='{key}')"
        f".chat.completions.create(model='{FIRST_USE_CASE}', messages=[{{'role': 'user', 'content': 'Hello!'}}])"
        '.choices[0].message.content)"',
    ]
    print("\n".join(lines), flush=True)  # noqa: T201


def _key(settings: Settings) -> str:
    """The admin's key, if the first start made it; one that the operator set is theirs to know and to export."""
    file = settings.data / KEY_FILE
    return file.read_text().strip() if file.exists() else "$TROPISM_API_KEY"


def _python() -> str:
    """An interpreter that has Tropism, as it is typed here: `python` where its environment is active."""
    if os.environ.get("VIRTUAL_ENV") == sys.prefix or sys.prefix == sys.base_prefix:
        return "python"
    executable = Path(sys.executable)
    return str(executable.relative_to(Path.cwd()) if executable.is_relative_to(Path.cwd()) else executable)
