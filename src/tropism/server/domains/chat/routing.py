"""Which model answers: the one named, a variant of a running A/B test, or the default. Pure, from the snapshot."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

from tropism.server.errors import Conflict, InvalidRequest, NotFound
from tropism.server.identity.principal import Principal
from tropism.server.snapshot import RunningTest, ServedModel, ServedUseCase, Snapshot
from tropism.wire.models import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The models that answer, one per choice. In a test, `unit` is who stays with the variant."""

    use_case: ServedUseCase
    models: tuple[ServedModel, ...]
    test: RunningTest | None = None
    unit: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What routing needs to know of a request. `unit` is its user, else its session, else the request itself."""

    name: str
    kind: Kind
    unit: UUID
    n: int = 1
    ab_campaign: str | None = None


def route(snapshot: Snapshot, principal: Principal, ask: Ask) -> Route:
    """Find the models. The same snapshot and unit give the same answer on every replica."""
    used, named = _named(snapshot, principal, ask.name)
    test = _forced(used, ask.ab_campaign) if ask.ab_campaign is not None else None
    if named is not None and test is None:
        return _checked(Route(use_case=used, models=(named,) * ask.n), ask.kind)
    if test is None:
        test = next((test for test in used.tests if _share(test, "in", ask.unit) < test.traffic_split), None)
    if test is None:
        return _checked(Route(use_case=used, models=(_default(used),) * ask.n), ask.kind)
    models = _variants(test, ask) if named is None else (_one_of(test, named),) * ask.n
    return _checked(Route(use_case=used, models=models, test=test, unit=ask.unit), ask.kind)


def _named(snapshot: Snapshot, principal: Principal, name: str) -> tuple[ServedUseCase, ServedModel | None]:
    key, slash, model = name.partition("/")
    used = snapshot.use_case(key, principal)
    if not slash:
        return used, None
    if model not in used.models:
        raise NotFound(
            f"model {model!r} is not attached to use case {used.key!r}; attach it with models.attach({model!r})",
            param="model",
        )
    return used, used.models[model]


def _default(used: ServedUseCase) -> ServedModel:
    if used.default is None:
        raise NotFound(
            f"use case {used.key!r} has no default model; set one with models.attach(MODEL, make_default=True)",
            param="model",
        )
    return used.default


def _forced(used: ServedUseCase, reference: str) -> RunningTest:
    for test in used.tests:
        if reference in (test.key, str(test.id)):
            return test
    raise NotFound(
        f"no A/B test {reference!r} is running in use case {used.key!r}; ab_tests.list() shows them",
        param="ab_campaign",
    )


def _one_of(test: RunningTest, named: ServedModel) -> ServedModel:
    if named not in test.variants:
        raise Conflict(f"model {named.key!r} is not a variant of A/B test {test.key!r}", param="ab_campaign")
    return named


def _variants(test: RunningTest, ask: Ask) -> tuple[ServedModel, ...]:
    """One variant for all choices; in a preference test different ones in turn, so that they can be compared."""
    variants = test.variants
    first = int(_share(test, "variant", ask.unit) * len(variants))
    if test.feedback_type == "metric":
        return (variants[first],) * ask.n
    return tuple(variants[(first + choice) % len(variants)] for choice in range(ask.n))


def _share(test: RunningTest, purpose: str, unit: UUID) -> float:
    """A number in [0, 1) that depends on nothing but the test, the purpose and the unit."""
    digest = hashlib.blake2b(unit.bytes + test.id.bytes, digest_size=8, person=purpose.encode()).digest()
    return (int.from_bytes(digest) >> 11) / (1 << 53)


def takes_shadow(route: Route, request_id: UUID) -> bool:
    """Whether a request of a preference test is answered by another variant, too."""
    test = route.test
    return test is not None and len(route.models) == 1 and _share(test, "shadow", request_id) < test.shadow


def other_variant(route: Route) -> ServedModel:
    """The variant after the one that answers, in the test's order."""
    assert route.test is not None
    variants = route.test.variants
    return variants[(variants.index(route.models[0]) + 1) % len(variants)]


def _checked(route: Route, kind: Kind) -> Route:
    for model in route.models:
        if model.kind == kind:
            continue
        if kind == "Generation":
            message = f"{model.key!r} is an embedding model: it cannot chat; use embeddings.create or another model"
        else:
            message = f"{model.key!r} generates text: it makes no embeddings; attach an embedding model"
        raise InvalidRequest(message, param="model")
    return route
