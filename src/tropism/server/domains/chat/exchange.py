"""One request and its answers: engines asked, pieces collected, all logged before the caller hears the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from tropism.engines.protocol import EngineError, EngineRejected, Piece, Usage
from tropism.server.context import Context
from tropism.server.database.session import Writing
from tropism.server.domains.ab_tests import assignment
from tropism.server.domains.chat import amounts, cache, shadow
from tropism.server.domains.chat.choice import Choice, Earlier
from tropism.server.domains.chat.merging import Pieces, merged
from tropism.server.domains.chat.patience import Patience
from tropism.server.domains.chat.prompting import parameters_of, prompt_for, system_prompt
from tropism.server.domains.chat.routing import Ask, Route, route, takes_shadow
from tropism.server.domains.interactions import records
from tropism.server.domains.interactions.records import Record
from tropism.server.domains.limits.admission import Held, admit
from tropism.server.errors import EngineFailed, InvalidRequest, NotLogged, Overloaded, StorageFailed
from tropism.server.identity.principal import SYSTEM
from tropism.server.limits import leases
from tropism.server.limits.leases import Spend
from tropism.server.observability.observing import Asked, Attempt, Told
from tropism.server.snapshot import ServedModel
from tropism.wire.chat import ChatMessage, ChatRequest, Sampling


@dataclass(frozen=True, slots=True)
class Logged:
    """An answer as it is stored, with what its request used of limits."""

    record: Record
    spends: Sequence[Spend]
    is_kept: bool = True
    """Otherwise only what it cost is counted."""
    cached: cache.Kept | None = None
    """Under what it is given again, if it is."""


class NotBegun(Exception):
    """A model failed before it gave any of its answer: another one may still give it."""

    def __init__(self, reason: EngineError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Exchange:
    """A request on its way, made by `begin`. It ends in exactly one of three: `log`, `give_up`, an engine's error."""

    def __init__(self, context: Context, request: Sampling, messages: Sequence[ChatMessage]) -> None:
        self._context, self._request, self._messages = context, request, messages
        self._new_id = context.services.clock.new_id
        self.id = self._new_id()
        self.session_id = request.session_id or self._new_id()
        self._route = self._find_route()
        self._refuse_gaps()
        self.choices = [self._choice(index, model) for index, model in enumerate(self._route.models)]
        self.shadow_id: UUID | None = None
        self.created = int(time.time())
        self._started = time.perf_counter()
        self._first_token_ms: float | None = None
        # None until it is asked for: one that never began would hold this exchange, which holds it.
        self._pieces: Pieces | None = None
        self._ended = False
        self._held: Held | None = None
        self._digests = cache.digests(self._route, self.choices) if self._is_kept else []

    async def recall(self) -> None:
        """Answer as before, where the use case wants that and the caller does not want it anew."""
        if not self._digests:
            return
        wish, found = self._context.visit.headers.get("cache-control", "").lower(), list[Earlier]()
        if "no-store" in wish:
            self._digests = []
            return
        services, used = self._context.services, self._route.use_case
        if "no-cache" not in wish:
            found = await services.database.read(SYSTEM, cache.look_up, used, self._digests)
        for choice, earlier in zip(self.choices, found, strict=False):
            choice.earlier = earlier
        self._context.headers[cache.HEADER] = result = "hit" if found else "miss"
        services.observer.metrics.looked_up(used.key, result)

    async def admit(self) -> None:
        """Hold what the answers may use of the caller's limits, or be refused. Nothing was asked of an engine yet."""
        self._held = await admit(self._context, self._route.use_case.id, amounts.needed(self.choices))

    def _find_route(self) -> Route:
        request = self._request
        ask = Ask(
            name=request.model,
            kind="Generation",
            unit=request.user or request.session_id or self.id,
            n=request.n or 1,
            ab_campaign=request.ab_campaign,
        )
        return route(self._context.snapshot, self._context.principal, ask)

    def _refuse_gaps(self) -> None:
        """A request that one variant of a test cannot be asked is asked of none: else it would lose its hard cases."""
        for model in self._route.test.variants if self._route.test else ():
            system_prompt(model, self._request)

    def _choice(self, index: int, model: ServedModel) -> Choice:
        prompt = prompt_for(model, self._request, self._messages, index)
        return Choice(index, self.id if index == 0 else self._new_id(), model, model, prompt)

    @property
    def model(self) -> str:
        return self.choices[0].model.key

    @property
    def usage(self) -> Usage:
        """Tokens of all choices together."""
        known = [choice.usage for choice in self.choices if choice.usage is not None]
        return Usage(
            prompt_tokens=sum(usage.prompt_tokens for usage in known),
            completion_tokens=sum(usage.completion_tokens for usage in known),
            cached_tokens=_sum(usage.cached_tokens for usage in known),
            reasoning_tokens=_sum(usage.reasoning_tokens for usage in known),
        )

    @property
    def _is_kept(self) -> bool:
        return self._request.store is not False

    @property
    def expects_shadow(self) -> bool:
        """Whether `log` asks another variant the same, unless too many are being asked."""
        return self._is_kept and takes_shadow(self._route, self.id)

    async def next(self) -> tuple[Choice, Piece] | None:
        """The next piece of any choice, or None at the end of all. An error of one ends the exchange."""
        try:
            self._pieces = self._pieces or self._answers()
            found = await anext(self._pieces, None)
        except Exception:
            self._ended = True
            if self._held is not None:
                self._held.give_back()
            raise
        if found is not None:
            self._note_first_token()
            found[0].take(found[1])
        return found

    async def finish(self) -> None:
        """Take all pieces, then log."""
        while await self.next() is not None:
            pass
        await self.log()

    async def log(self) -> None:
        """Store what was answered; it is on disk when this returns."""
        self._ended = True
        await self._store()
        if self.expects_shadow:
            self.shadow_id = shadow.start(
                self._context.services, self._route, self._request, self._messages, self.session_id, self._held
            )

    async def _store(self) -> None:
        database = self._context.services.database
        try:
            stored = [database.append(insert, logged) for logged in self._logged()]
            await (stored[0] if len(stored) == 1 else asyncio.gather(*stored))  # one needs no gathering
        except (Overloaded, StorageFailed) as error:
            # Not a 503: clients repeat those at once, and would pay for the answer again.
            raise NotLogged(f"the answer was made but could not be stored: {error}") from error

    def give_up(self) -> None:
        """The caller went away: stop the engines, and log what they had said by then."""
        if not self._ended:
            self._ended = True
            self._context.services.spawn(self._abandon())

    async def _abandon(self) -> None:
        if self._pieces is not None:
            await self._pieces.aclose()
        for choice in self.choices:
            choice.finish_reason = choice.finish_reason or "cancelled"
        await self._store()

    def _note_first_token(self) -> None:
        if self._first_token_ms is None and self._request.stream:
            self._first_token_ms = self._elapsed_ms()

    def _elapsed_ms(self) -> float:
        return (time.perf_counter() - self._started) * 1000

    def _answers(self) -> Pieces:
        answers = [self._ask(choice) for choice in self.choices]
        return merged(answers) if len(answers) > 1 else answers[0]

    async def _ask(self, choice: Choice) -> Pieces:
        """From the model that was routed to, or the first of its fallbacks that begins to answer."""
        failed: list[tuple[str, EngineError]] = []
        if choice.earlier is not None:
            for piece in choice.earlier.pieces():
                yield choice, piece
            return
        try:
            for model in (choice.assigned, *self._route.use_case.fallbacks.get(choice.assigned.id, ())):
                try:
                    if failed:
                        choice.prompt = prompt_for(model, self._request, self._messages, choice.index)
                        choice.model = model
                    async with aclosing(self._tries(choice)) as answer:
                        async for piece in answer:
                            yield choice, piece
                    return
                except InvalidRequest as error:
                    failed.append((model.key, EngineRejected(str(error))))
                except NotBegun as error:
                    failed.append((model.key, error.reason))
                    if failed[0][1].status < 500:  # the caller's fault: another model would say the same
                        break
            first, *rest = failed
            raise EngineFailed(*first, [EngineFailed(*each) for each in rest]) from first[1]
        except Exception as error:
            self._count_failure(choice, error)
            raise

    async def _tries(self, choice: Choice) -> AsyncGenerator[Piece, None]:
        """The answer of one model, which is asked again only where it has generated nothing for certain."""
        patience = Patience(choice.model.reliability)
        while True:
            try:
                async with aclosing(self._attempt(choice, patience)) as answer:
                    async for piece in answer:
                        yield piece
                return
            except NotBegun as error:
                if (pause := patience.pause(error.reason)) is None:
                    raise
            await asyncio.sleep(pause)

    async def _attempt(self, choice: Choice, patience: Patience) -> AsyncGenerator[Piece, None]:
        """The answer to one try. An answer that has begun is never taken up by another one."""
        begun, seen, services, began = False, self._seen(choice), self._context.services, time.perf_counter()
        attempt: dict[str, Any] = {"model": choice.model.key, "error": None}
        choice.attempts.append(attempt)
        try:
            async with (
                services.fleet.engine(choice.model) as engine,
                services.doors.through(choice.model, self._route.use_case.id, patience.left),
                aclosing(patience.timed(engine.generate(choice.prompt), choice.prompt.stream)) as answer,
            ):
                async for piece in answer:
                    if not begun:
                        begun = True
                        seen.begun()
                    yield piece
        except EngineError as error:
            seen.ended(Told(error=error.type))
            attempt["error"] = str(error)
            if begun:
                raise EngineFailed(choice.model.key, error) from error
            raise NotBegun(error) from error
        finally:
            seen.ended(choice.told)
            attempt["latency_ms"] = (time.perf_counter() - began) * 1000

    def _seen(self, choice: Choice) -> Attempt:
        """What observers are told of an attempt."""
        return self._context.seen.generating(
            Asked(
                operation="chat",
                use_case=self._route.use_case.key,
                model=choice.model.key,
                provider=choice.model.provider,
                prompt=choice.prompt,
                session=self.session_id,
                completion=choice.completion_id,
            )
        )

    def _count_failure(self, choice: Choice, error: Exception) -> None:
        """In a test, a variant that cannot answer is counted, and nobody for it; not what the caller got wrong."""
        if self._route.test is None or not self._is_kept or (isinstance(error, EngineFailed) and error.status < 500):
            return
        services, place = self._context.services, (self._route.test.id, choice.assigned.id)
        services.spawn(services.database.write(SYSTEM, assignment.count_failure, place))

    def _logged(self) -> list[Logged]:
        """Each answer as it is stored; the first one carries what all have used of the limits."""
        spends = self._held.use(amounts.used(self.choices)) if self._held is not None else []
        made = self._records()
        stored = [records.redacted(record, self._route.use_case.redact) for record in made]
        kept: list[cache.Kept | None] = [None] * len(made)
        if self._digests:
            kept = [cache.kept(*each) for each in zip(self._digests, self.choices, made, stored, strict=True)]
        return [
            Logged(record, spends if index == 0 else (), self._is_kept, cached)
            for index, (record, cached) in enumerate(zip(stored, kept, strict=True))
        ]

    def _records(self) -> list[Record]:
        latency = self._elapsed_ms()
        test = self._route.test
        return [
            Record(
                id=choice.completion_id,
                use_case_id=self._route.use_case.id,
                model_id=choice.model.id,
                session_id=self.session_id,
                user_id=self._request.user,
                ab_test_id=test.id if test else None,
                ab_unit=self._route.unit,
                source="LIVE",
                messages=self._messages,
                completion=choice.text,
                finish_reason=choice.finish_reason,
                prompt_tokens=choice.usage.prompt_tokens if choice.usage else None,
                completion_tokens=choice.usage.completion_tokens if choice.usage else None,
                latency_ms=latency,
                first_token_ms=self._first_token_ms,
                parameters=parameters_of(choice.prompt),
                labels=self._request.labels,
                assigned_model_id=choice.assigned.id if choice.model.id != choice.assigned.id else None,
                cost_usd=choice.cost_usd,
                api_key_id=self._context.principal.key_id,
                cached_tokens=choice.usage.cached_tokens if choice.usage else None,
                reasoning_tokens=choice.usage.reasoning_tokens if choice.usage else None,
                tools=choice.prompt.tools or None,
                tool_calls=choice.calls.whole(),
                metadata=self._request.metadata if isinstance(self._request, ChatRequest) else None,
                attempts=choice.attempts if len(choice.attempts) > 1 else None,
                cached_from=choice.cached_from,
                is_first=all(each.assigned.id != choice.assigned.id for each in self.choices[: choice.index]),
                model_version=choice.model.version,
                system_prompt_args=self._request.system_prompt_args,
            )
            for choice in self.choices
        ]


async def begin(context: Context, request: Sampling, messages: Sequence[ChatMessage]) -> Exchange:
    """A request that is let in."""
    exchange = Exchange(context, request, messages)
    await exchange.recall()
    await exchange.admit()
    return exchange


def insert(transaction: Writing, rows: Sequence[Logged]) -> None:
    """Store completions, many at a time; count them in their A/B tests and limits."""
    stored = [row.record for row in rows if row.is_kept]
    records.store(transaction, stored)
    records.count_cost(transaction, [replace(row.record, user_id=None) for row in rows if not row.is_kept])
    cache.keep(transaction, [row.cached for row in rows])
    assignment.count(transaction, stored)
    leases.spend(transaction, [spend for row in rows for spend in row.spends])


def _sum(counts: Iterable[int | None]) -> int | None:
    """What is known of them together."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
