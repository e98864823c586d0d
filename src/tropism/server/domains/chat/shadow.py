"""Shadow answers: in a preference test, another variant is asked the same in the background, to be compared.

They are bounded: where too many are under way, the next request has none. Nobody waits for them, and what they cost is
shown in the test's report.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from uuid import UUID

from tropism.engines.protocol import EngineError, FinishReason, Usage
from tropism.server.context import Context, Services
from tropism.server.database.session import Writing
from tropism.server.domains.ab_tests import assignment
from tropism.server.domains.chat.prompting import parameters_of, prompt_for
from tropism.server.domains.chat.routing import Route, other_variant, takes_shadow
from tropism.server.domains.interactions import records
from tropism.server.domains.interactions.records import Record
from tropism.server.principal import SYSTEM
from tropism.server.snapshot import ServedModel
from tropism.wire.chat import ChatMessage, Sampling

AT_ONCE = 4
log = logging.getLogger("tropism.shadow")


def planned(services: Services, route: Route, request_id: UUID) -> Shadow | None:
    """The shadow of a request, if it is to have one and there is room."""
    if not takes_shadow(route, request_id) or services.shadows.locked():
        return None
    return Shadow(services.clock.new_id(), route, other_variant(route))


@dataclass(frozen=True, slots=True)
class Shadow:
    """One answer to be made in the background, under an id that the caller is told at once."""

    completion_id: UUID
    route: Route
    model: ServedModel

    def start(self, context: Context, request: Sampling, messages: Sequence[ChatMessage], session_id: UUID) -> None:
        context.services.spawn(self._run(context.services, request, messages, session_id))

    async def _run(
        self, services: Services, request: Sampling, messages: Sequence[ChatMessage], session_id: UUID
    ) -> None:
        async with services.shadows:
            try:
                record = await self._answered(services, request, messages, session_id)
            except EngineError as error:
                log.warning("no shadow answer from %s: %s", self.model.key, error)
                return
        await services.database.write(SYSTEM, _store, record)

    async def _answered(
        self, services: Services, request: Sampling, messages: Sequence[ChatMessage], session_id: UUID
    ) -> Record:
        prompt = replace(prompt_for(self.model, request, messages), stream=False)
        parts: list[str] = []
        finish_reason: FinishReason | None = None
        usage: Usage | None = None
        async with services.fleet.engine(self.model) as engine, aclosing(engine.generate(prompt)) as answer:
            async for piece in answer:
                parts.append(piece.text)
                finish_reason, usage = piece.finish_reason or finish_reason, piece.usage or usage
        return Record(
            id=self.completion_id,
            use_case_id=self.route.use_case.id,
            model_id=self.model.id,
            session_id=session_id,
            user_id=request.user,
            ab_test_id=self.route.test.id if self.route.test else None,
            ab_unit=self.route.unit,
            source="AUTOMATION",
            messages=messages,
            completion="".join(parts),
            finish_reason=finish_reason,
            prompt_tokens=usage.prompt_tokens if usage else None,
            completion_tokens=usage.completion_tokens if usage else None,
            parameters=parameters_of(prompt),
            labels=request.labels,
        )


def _store(transaction: Writing, record: Record) -> None:
    records.store(transaction, [record])
    assignment.count_shadow(transaction, record)
