"""The edge of the command line: whatever goes wrong becomes one red line with the next step, and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from tropism.sdk.errors import APIConnectionError, AuthenticationError, PermissionDeniedError, TropismError

FAILED, MISUSED, INTERRUPTED = 1, 2, 130

NEXT_STEP: dict[type[TropismError], str] = {
    APIConnectionError: "`tropism serve` starts an engine here; --base-url names one elsewhere.",
    AuthenticationError: "Give --api-key, or set TROPISM_API_KEY.",
    PermissionDeniedError: "`tropism me` shows whose key you are using.",
}


def run(app: App, arguments: Sequence[str]) -> int:
    """The exit code of a command: 0, 1 when it failed, 2 when it was called in a wrong way."""
    try:
        app(list(arguments), exit_on_error=False, print_error=False, result_action="return_none")
    except CycloptsError as error:
        return _say(f"{str(error).strip()} `{_help(error)}` shows how it is called.", MISUSED)
    except TropismError as error:
        return _say(" ".join(filter(None, [_sentence(str(error)), NEXT_STEP.get(type(error))])), FAILED)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("tropism"):
            raise
        return _say(f"This needs the package {error.name!r}. `pip install 'tropism[server]'` brings it.", FAILED)
    except SystemExit as ended:  # a command that has said all there is to say
        return ended.code if isinstance(ended.code, int) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough (`| head`). Python would complain once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return 0


def _say(message: str, code: int) -> int:
    from rich.console import Console
    from rich.text import Text

    from tropism.cli.show import printable

    line = Text.assemble(("Error: ", "bold red"), (printable(" ".join(message.split())), "red"))
    Console(stderr=True, highlight=False, soft_wrap=True).print(line)
    return code


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!", "…")) else f"{text}."


def _help(error: CycloptsError) -> str:
    return " ".join(["tropism", *(error.command_chain or ()), "--help"])
