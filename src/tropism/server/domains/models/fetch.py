"""Asks the hub in a process of its own: what a repository holds, then for its files. Only here its client is used."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from tropism.egress.policy import allowing
from tropism.egress.process import guard_process
from tropism.server.processes.low_priority import answer, asked
from tropism.weights.hub import Hub
from tropism.weights.messages import Ask, Fetched, Found, Verified
from tropism.weights.selection import TOKENIZER

WEB = {"http": 80, "https": 443}


def main() -> None:
    """Do what we are asked for, and say what came of it on the last line."""
    ask = asked(Ask)
    url = urlsplit(ask.hub)
    guard_process(allowing(ask.egress), (url.hostname or "", url.port or WEB.get(url.scheme, 0)))
    hub = Hub(ask.hub, ask.token)
    try:
        answer(_done(hub, ask))
    except Exception as error:  # whatever it is: a traceback could hold what nobody may see
        answer(hub.trouble(error, ask.hf_model_id, ask.revision))


def _done(hub: Hub, ask: Ask) -> Found | Fetched:
    if ask.found is None or ask.folder is None:
        return hub.find(ask.hf_model_id, ask.revision, ask.file)
    _fetch(hub, ask.found, Path(ask.folder))
    return Fetched()


def _fetch(hub: Hub, found: Found, folder: Path) -> None:
    """The small files first: they say whether the large ones are worth it."""
    for file in found.small:
        hub.download(found, file, folder, _verified)
    if any(file.name == TOKENIZER for file in found.small):
        from tropism.weights.convert import refuse_unconvertible  # only here: a GGUF file needs no converter

        refuse_unconvertible(folder)
    for file in found.weights:
        hub.download(found, file, folder, _verified)


def _verified(size: int) -> None:
    answer(Verified(size=size))


if __name__ == "__main__":
    main()
