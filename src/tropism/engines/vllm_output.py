"""Why vLLM ended, from what it has printed: a traceback of several processes, the cause somewhere in the middle."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tropism.engines.children import ending, without_folders

_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_PREFIX = re.compile(r"^(?:\([^()]*pid=\d+\) *)?(?:(?:INFO|WARNING|ERROR|CRITICAL) [\d-]+ [\d:]+ \[[^\]]*\] ?)?")
_CAUSE = re.compile(r"^(?:[\w.]*(?:Error|Exception)\b: .+|vllm[\w ]*: error: .+)")
_SAYS_NOTHING = (
    *("Engine core initialization failed", "See root cause above", "EngineDeadError", "EngineCore encountered"),
    *("Engine process failed to start", "WorkerProc initialization failed", "Executor failed", "EngineCore failed"),
)
_LONGEST = 500


def reason(code: int, output: str) -> str:
    """One line for people. What was printed before a signal came need not be about it."""
    lines = [_plain(line) for line in output.splitlines()]
    return ending(code) or _cause([line for line in lines if line]) or f"vLLM ended with code {code} and said nothing"


def _plain(line: str) -> str:
    return without_folders(_PREFIX.sub("", _COLOUR.sub("", line)).strip())[:_LONGEST]


def _cause(lines: Sequence[str]) -> str:
    """The last error that says something; else the last one; else the last line."""
    errors = [line for line in lines if _CAUSE.match(line)]
    telling = [line for line in errors if not any(words in line for words in _SAYS_NOTHING)]
    return (telling or errors or lines or [""])[-1]
