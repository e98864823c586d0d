"""What `tropism secrets` does to the master key: it works on the data directory, with the engine's own code."""

from __future__ import annotations

from pathlib import Path

from tropism.cli import show
from tropism.cli.engine import Engine
from tropism.sdk.errors import TropismError
from tropism.server.clock import Clock
from tropism.server.database.engines import only_reading
from tropism.server.database.session import Reading
from tropism.server.identity import rotation, secrets
from tropism.server.identity.principal import SYSTEM
from tropism.server.identity.rotation import Dependents
from tropism.server.processes.lock import DataInUse, take
from tropism.server.settings import from_environment

KEY_FILE = "secret.key"


def rotate(data: Path) -> None:
    """Put a new master key in front of the present one. It is used from the next start of the engine on."""
    present, made = _masters(data), secrets.new_master_key()
    if from_environment().secret_key:
        show.note(f"Put this key and a comma in front of what TROPISM_SECRET_KEY holds: {made}")
    else:
        secrets.write_private(data / KEY_FILE, "\n".join([made, *secrets.split(present)]))
    show.note(
        "Restart the engine: it seals every secret with the new key. Api keys follow when they are used. "
        "`tropism secrets status` shows which were not; `tropism secrets forget` drops master keys nobody needs."
    )


def status(data: Path, json: bool) -> None:
    """Show how many secrets and api keys depend on each master key, newest first."""
    found = _dependents(data)
    plain = [{"fingerprint": each.hex(), "secrets": d.secrets, "api_keys": d.api_keys} for each, d in found.items()]
    rows = [(each.hex(), d.secrets, len(d.api_keys), _some(d.api_keys)) for each, d in found.items()]
    columns = ["Master key", ">Secrets", ">Api keys", "They begin with"]
    show.answer(Engine(json=json), plain, lambda: show.table(columns, rows, "No keys."))


def forget(data: Path) -> None:
    """Drop the older master keys on which nothing depends any more. The engine must not run."""
    try:
        held = take(data, shared=False)
    except DataInUse as error:
        raise TropismError(str(error)) from None
    with held:
        _forget(data)


def _forget(data: Path) -> None:
    masters, found = secrets.split(_masters(data)), _dependents(data)
    fingerprints = secrets.Secrets(",".join(masters)).fingerprints
    older = list(zip(masters, fingerprints, strict=True))[1:]
    if not older:
        raise TropismError("There is one master key, and no older one. `tropism secrets rotate` makes a new one.")
    needed = [(key, each) for key, each in older if found[each] != Dependents(0, [])]
    if needed:
        raise TropismError(" ".join(_dependency(each.hex(), found[each]) for _, each in needed))
    if from_environment().secret_key:
        show.note("Nothing depends on the older keys: leave the first one alone in TROPISM_SECRET_KEY.")
        return
    secrets.write_private(data / KEY_FILE, masters[0])
    show.note(f"Dropped {len(older)} of {len(masters)} master keys.")


def _dependency(fingerprint: str, of: Dependents) -> str:
    said = []
    if of.secrets:
        said.append(f"{of.secrets} secrets (start the engine once: it seals them anew)")
    if of.api_keys:
        keys = f"{len(of.api_keys)} api keys ({_some(of.api_keys)})"
        said.append(f"{keys}: use them once and wait a minute, or revoke them with `tropism api-keys revoke`")
    return f"On master key {fingerprint} depend {' and '.join(said)}."


def _some(api_keys: list[str]) -> str:
    return ", ".join(api_keys[:5]) + (", …" if len(api_keys) > 5 else "")


def _masters(data: Path) -> str:
    given = from_environment().secret_key
    if not given and not (data / KEY_FILE).exists():
        raise TropismError(f"There is no {KEY_FILE} in {data}; --data names the engine's data directory.")
    return secrets.master_key(given, data / KEY_FILE)


def _dependents(data: Path) -> dict[bytes, Dependents]:
    masters = secrets.Secrets(_masters(data))
    engine = only_reading(from_environment(data=data).database_url)
    with engine.connect() as connection:
        found = rotation.dependents(Reading(connection, SYSTEM, Clock()), masters)
    engine.dispose()
    return found
