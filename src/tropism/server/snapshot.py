"""All that the hot path looks at, in memory: who may call, which models serve, which A/B tests run.

It is read anew in each transaction that changes one of these, and replaced before that write is answered.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from tropism.server.database.session import Reading
from tropism.server.errors import NotFound
from tropism.server.identity.grants import SignedIn, grants_of, principals, signed_in
from tropism.server.identity.principal import Principal
from tropism.server.serving import placement
from tropism.server.serving.adapters import adapter_of
from tropism.server.serving.placement import DEFAULT_POOL, PoolWorker
from tropism.server.tables import ab_tests, models, use_cases
from tropism.server.tables.limits import usage_limit
from tropism.server.tables.snapshot import snapshot_version
from tropism.wire.limits import Measure, Period
from tropism.wire.models import Kind, Online, Prices
from tropism.wire.reliability import Concurrency, Reliability
from tropism.wire.use_cases import Redactable


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """A model as one use case sees it. `engine_id` is the model whose engine answers: its backbone, or itself."""

    id: UUID
    use_case_id: UUID
    key: str
    kind: Kind
    provider: str
    """The name of its engine, which is that of its provider."""
    online: Online
    error: str | None
    engine_id: UUID
    desired_online: bool
    system_prompt: str | None
    parameters: Mapping[str, Any]
    version: int | None
    """Of these two, if it is a variant."""
    prices: Prices | None
    reliability: Reliability | None
    concurrency: Concurrency | None
    """Of its engine, whoever uses it."""
    adapter: Path | None
    """The weights on top of the engine's, if this model is an adapter."""
    makeup: bytes
    """A digest of all that its answers come from, and of its attachment."""
    pools: tuple[str, ...] = ()
    """Where it is asked, first choice first; none if that is in the engines alone."""
    max_ttft_ms: int | None = None
    """So long a request may wait in line in one pool, where there is another one."""

    @property
    def asked_for(self) -> tuple[UUID, ...]:
        """What a worker must have to answer for it."""
        return (self.engine_id,) if self.adapter is None else (self.engine_id, self.id)

    def cost(self, read: int | None, written: int | None) -> float | None:
        """US dollars for so many tokens; None where the prices or the tokens are not known."""
        if self.prices is None or read is None or written is None:
            return None
        return (read * self.prices.input_per_million + written * self.prices.output_per_million) / 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningTest:
    """An A/B test that takes traffic."""

    id: UUID
    key: str
    feedback_type: str
    traffic_split: float
    shadow: float
    variants: tuple[ServedModel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedUseCase:
    """A use case with its attached models, by key and by id, and its running tests, oldest first.

    `fallbacks` are, by the id of a model, those that answer for it when its engine cannot, first choice first.
    """

    id: UUID
    key: str
    team_id: UUID
    default: ServedModel | None
    models: Mapping[str, ServedModel]
    fallbacks: Mapping[UUID, tuple[ServedModel, ...]]
    tests: tuple[RunningTest, ...]
    redact: tuple[Redactable, ...] = ()
    cache_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedLimit:
    """How much of `measure` may be used in a `period`, in whole units (limits/windows.py)."""

    id: UUID
    kind: str
    """What it holds for, in words."""
    measure: Measure
    period: Period
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One consistent state. `use_cases` is keyed by key and by id, `principals` by the digest of the api key."""

    principals: Mapping[bytes, Principal]
    sign_ins: Mapping[bytes, SignedIn]
    """By the digest of the token that the browser holds."""
    use_cases: Mapping[str, ServedUseCase]
    limits: Mapping[UUID, tuple[ServedLimit, ...]]
    """By the id of the key, user or use case."""
    workers: tuple[PoolWorker, ...] = ()
    """Those that answer for models in other pools than the engines'."""
    version: int = 0
    """Counts the changes; processes that share a database find by it that another one made some."""

    def use_case(self, reference: str, principal: Principal) -> ServedUseCase:
        found = self.use_cases.get(reference)
        if found is None or not principal.sees(found.team_id, found.id):
            raise no_use_case(reference)
        return found


def no_use_case(reference: str) -> NotFound:
    return NotFound(f"no use case {reference!r}; create it with use_cases.create({reference!r})", param="use_case")


def load(session: Reading) -> Snapshot:
    """Read the present state."""
    workers = placement.workers(session)
    served = _served_models(session, workers)
    tests, fallbacks = _running_tests(session, served), _fallbacks(session, served)
    found: dict[str, ServedUseCase] = {}
    for row in session.rows(select(use_cases.use_case)):
        mine = served.get(row.id, {})
        default = next((model for model, is_default in mine.values() if is_default), None)
        models_by_name = {name: model for model, _ in mine.values() for name in (model.key, str(model.id))}
        use_case = ServedUseCase(
            id=row.id,
            key=row.key,
            team_id=row.team_id,
            default=default,
            models=models_by_name,
            fallbacks=fallbacks.get(row.id, {}),
            tests=tuple(tests.get(row.id, ())),
            redact=tuple(row.redact or ()),
            cache_seconds=row.cache_seconds,
        )
        found[row.key] = found[str(row.id)] = use_case
    grants = grants_of(session)
    return Snapshot(
        principals=principals(session, grants),
        sign_ins=signed_in(session, grants),
        use_cases=found,
        limits=_limits(session),
        workers=workers,
        version=version(session),
    )


def version(session: Reading) -> int:
    """How many changes there were."""
    return int(session.value(select(snapshot_version.c.number)))


def _limits(session: Reading) -> dict[UUID, tuple[ServedLimit, ...]]:
    found: dict[UUID, tuple[ServedLimit, ...]] = defaultdict(tuple)
    for row in session.rows(select(usage_limit).order_by(usage_limit.c.id)):
        served = ServedLimit(
            id=row.id, kind=row.kind.replace("_", " "), measure=row.measure, period=row.period, amount=row.amount
        )
        found[row.subject_id] += (served,)
    return dict(found)


_SOURCE = ("path", "endpoint", "external_model_id", "extra_params", "compute_config")
"""The columns that say which model an engine runs, and how."""
Served = dict[UUID, dict[UUID, tuple[ServedModel, bool]]]


def _served_models(session: Reading, workers: Sequence[PoolWorker]) -> Served:
    backbone = models.model.alias("backbone")
    statement = (
        select(models.model, models.attachment, backbone.c.online.label("engine_online"), backbone.c.error.label("why"))
        .add_columns(backbone.c.prices.label("engine_prices"), backbone.c.concurrency.label("engine_concurrency"))
        .add_columns(*(backbone.c[name].label(f"engine_{name}") for name in _SOURCE))
        .join(models.attachment, models.attachment.c.model_id == models.model.c.id)
        .outerjoin(backbone, models.model.c.backbone_id == backbone.c.id)
    )
    served: Served = defaultdict(dict)
    for row in session.rows(statement):
        online, error = _fares(row, workers)
        model = ServedModel(
            id=row.id,
            use_case_id=row.use_case_id,
            key=row.key,
            kind=row.kind,
            provider=row.engine,
            online=online,
            error=error,
            engine_id=row.backbone_id or row.id,
            desired_online=row.desired_online,
            system_prompt=row.system_prompt,
            parameters=row.parameters or {},
            version=row.version,
            prices=msgspec.convert(row.engine_prices or row.prices, Prices | None),
            reliability=msgspec.convert(row.reliability, Reliability | None),
            concurrency=msgspec.convert(row.engine_concurrency or row.concurrency, Concurrency | None),
            adapter=adapter_of(row),
            makeup=_makeup(row),
            pools=_pools(row),
            max_ttft_ms=(row.placement or {}).get("max_ttft_ms"),
        )
        served[row.use_case_id][row.id] = (model, row.is_default)
    return served


def _pools(row: Any) -> tuple[str, ...]:
    names = placement.pools_of(row, row.placement)
    return () if names == (DEFAULT_POOL,) else names


def _fares(row: Any, workers: Sequence[PoolWorker]) -> placement.State:
    """How it fares where this use case has it."""
    engines = _online(row), row.why or row.error
    return engines if engines[0] == "OFFLINE" else placement.fares(row, row.placement, workers, engines)


def _makeup(row: Any) -> bytes:
    """Where this changes, so may the answers."""
    own = (row.id, row.backbone_id, row.since, row.adapter_path, row.system_prompt, row.parameters)
    source = ((getattr(row, name), getattr(row, f"engine_{name}")) for name in _SOURCE)
    return hashlib.sha256(msgspec.json.encode([own, *source])).digest()


def _online(row: Any) -> Online:
    """What runs is the engine; an adapter can be left out of it, or be refused by it."""
    state: Online = row.engine_online or row.online
    if row.adapter_path is None:
        return state
    if not row.deployed:
        return "OFFLINE"
    own: Online = row.online
    return own if state == "ONLINE" else state


def _fallbacks(session: Reading, served: Served) -> dict[UUID, dict[UUID, tuple[ServedModel, ...]]]:
    found: dict[UUID, dict[UUID, tuple[ServedModel, ...]]] = defaultdict(dict)
    for row in session.rows(select(models.attachment).where(models.attachment.c.fallbacks.is_not(None))):
        here = served[row.use_case_id]
        found[row.use_case_id][row.model_id] = tuple(here[UUID(id)][0] for id in row.fallbacks)
    return found


def _running_tests(session: Reading, served: Served) -> dict[UUID, list[RunningTest]]:
    test, variant = ab_tests.ab_test, ab_tests.ab_variant
    statement = (
        select(test, variant.c.model_id)
        .join(variant, variant.c.ab_test_id == test.c.id)
        .where(test.c.status.in_(("warmup", "in_progress")))
        .order_by(test.c.id, variant.c.position)
    )
    rows: dict[UUID, list[Any]] = defaultdict(list)
    for row in session.rows(statement):
        rows[row.id].append(row)
    running: dict[UUID, list[RunningTest]] = defaultdict(list)
    for id, of_test in rows.items():
        first = of_test[0]
        running[first.use_case_id].append(
            RunningTest(
                id=id,
                key=first.key,
                feedback_type=first.feedback_type,
                traffic_split=first.traffic_split,
                shadow=first.shadow,
                variants=tuple(served[first.use_case_id][row.model_id][0] for row in of_test),
            )
        )
    return running
