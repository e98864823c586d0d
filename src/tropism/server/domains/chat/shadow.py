"""Shadow answers: in a preference test, another variant is asked the same in the background, to be compared.

They are bounded: where too many are under way, the next request has none. Nobody waits for them, and what they cost is
shown in the test's report. A variant that cannot answer has none: a fallback's would be compared under its name.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from msgspec.structs import replace

from tropism.engines.protocol import EngineError, FinishReason, Usage
from tropism.server.context import Services
from tropism.server.database.session import Writing
from tropism.server.domains.ab_tests import assignment
from tropism.server.domains.chat import amounts
from tropism.server.domains.chat.calls import Calls
from tropism.server.domains.chat.prompting import parameters_of, prompt_for
from tropism.server.domains.chat.routing import Route, other_variant
from tropism.server.domains.interactions import records
from tropism.server.domains.interactions.records import Record
from tropism.server.domains.limits.admission import Held
from tropism.server.identity.principal import SYSTEM
from tropism.server.limits import leases
from tropism.server.limits.leases import Spend
from tropism.server.snapshot import ServedModel
from tropism.wire.chat import ChatMessage, ChatRequest, Sampling

AT_ONCE = 4
log = logging.getLogger("tropism.shadow")


def start(
    services: Services,
    route: Route,
    request: Sampling,
    messages: Sequence[ChatMessage],
    session_id: UUID,
    held: Held | None,
) -> UUID | None:
    """Begin to make a shadow answer, and return its completion id; None if too many are under way."""
    if len(services.shadows) >= AT_ONCE:
        return None
    shadow = Shadow(
        completion_id=services.clock.new_id(),
        route=route,
        model=other_variant(route),
        request=request,
        messages=messages,
        session_id=session_id,
        held=held,
    )
    services.shadows.add(shadow.completion_id)
    services.spawn(shadow.run(services))
    return shadow.completion_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """One answer that is made in the background."""

    completion_id: UUID
    route: Route
    model: ServedModel
    request: Sampling
    messages: Sequence[ChatMessage]
    session_id: UUID
    held: Held | None

    async def run(self, services: Services) -> None:
        try:
            record = records.redacted(await self._answered(services), self.route.use_case.redact)
            await services.database.write(SYSTEM, _store, record, self._spends(record))
        except EngineError as error:
            log.warning("no shadow answer from %s: %s", self.model.key, error)
        finally:
            services.shadows.discard(self.completion_id)

    def _spends(self, record: Record) -> Sequence[Spend]:
        """It was let in with the request that it shadows, and uses what that one's limits have left, or more."""
        return [] if self.held is None else self.held.use(amounts.of_record(record))

    async def _answered(self, services: Services) -> Record:
        prompt = replace(prompt_for(self.model, self.request, self.messages), stream=False)
        parts: list[str] = []
        calls = Calls()
        finish_reason: FinishReason | None = None
        usage: Usage | None = None
        async with (
            services.fleet.engine(self.model) as engine,
            services.doors.through(self.model, self.route.use_case.id),
            aclosing(engine.generate(prompt)) as answer,
        ):
            async for piece in answer:
                parts.append(piece.text)
                calls.take(piece.tool_calls)
                finish_reason, usage = piece.finish_reason or finish_reason, piece.usage or usage
        return Record(
            id=self.completion_id,
            use_case_id=self.route.use_case.id,
            model_id=self.model.id,
            session_id=self.session_id,
            user_id=self.request.user,
            ab_test_id=self.route.test.id if self.route.test else None,
            ab_unit=self.route.unit,
            source="AUTOMATION",
            messages=self.messages,
            completion="".join(parts),
            finish_reason=finish_reason,
            prompt_tokens=usage.prompt_tokens if usage else None,
            completion_tokens=usage.completion_tokens if usage else None,
            parameters=parameters_of(prompt),
            labels=self.request.labels,
            cost_usd=self.model.cost(usage.prompt_tokens, usage.completion_tokens) if usage else None,
            cached_tokens=usage.cached_tokens if usage else None,
            reasoning_tokens=usage.reasoning_tokens if usage else None,
            tools=prompt.tools or None,
            tool_calls=calls.whole(),
            model_version=self.model.version,
            system_prompt_args=self.request.system_prompt_args,
            metadata=self.request.metadata if isinstance(self.request, ChatRequest) else None,
        )


def _store(transaction: Writing, record: Record, spends: Sequence[Spend]) -> None:
    records.store(transaction, [record])
    leases.spend(transaction, spends)
    assignment.count_shadow(transaction, record)
