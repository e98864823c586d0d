"""Interactions: the log of every completion, with its feedback."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from datetime import datetime
from os import PathLike
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from tropism.sdk.flow import AsyncResource, Flow, Reference, Resource, Sleep, SyncResource, operation, streaming
from tropism.sdk.inputs import (
    Feedbacks,
    Filters,
    Id,
    InteractionDict,
    Labels,
    Messages,
    Orders,
    Page,
    ToolCalls,
    Tools,
    unchecked,
)
from tropism.sdk.saving import LinesFile, save_as
from tropism.sdk.send import ask, send
from tropism.sdk.stream import AsyncStream, Stream
from tropism.wire import interactions as wire

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 2.0
"""Seconds between looks at a deletion."""


Logged = TypeVar("Logged")
"""What watching gives: a stream, or a coroutine that gives one."""


class _Interactions(Resource, Generic[Logged]):
    if TYPE_CHECKING:  # what comes out depends on the face, which a flow cannot say

        def watch(self, filters: Filters | None = None, *, use_case: Reference | None = None) -> Logged:
            """A stream of the interactions that match, each soon after it was logged; without an end."""

    else:

        @streaming
        def watch(self, filters: Filters | None = None, *, use_case: Reference | None = None) -> Flow[Any]:
            """A stream of the interactions that match, each soon after it was logged; without an end."""
            takes = wire.InteractionWatch(use_case=self._use_case(use_case), filters=unchecked(filters))
            return (yield from ask(self, wire.WATCH, takes, stream=True))

    @operation
    def create(
        self,
        completion: str,
        model: Reference | None = None,
        prompt: str | None = None,
        messages: Messages | None = None,
        feedbacks: Feedbacks | None = None,
        user: Id | None = None,
        session_id: Id | None = None,
        ab_campaign: Reference | None = None,
        labels: Labels | None = None,
        created_at: datetime | str | None = None,
        *,
        tools: Tools | None = None,
        tool_calls: ToolCalls | None = None,
        metadata: Mapping[str, Any] | None = None,
        use_case: Reference | None = None,
    ) -> Flow[wire.InteractionLogged]:
        """Log a completion made elsewhere, with exactly one of `prompt` and `messages`.

        `feedbacks` are logged with it, and count in the A/B test `ab_campaign` if one is named.
        """
        takes = wire.InteractionCreate(
            use_case=self._use_case(use_case),
            completion=completion,
            model=unchecked(model),
            prompt=prompt,
            messages=unchecked(messages),
            feedbacks=unchecked(feedbacks),
            user=unchecked(user),
            session_id=unchecked(session_id),
            ab_campaign=unchecked(ab_campaign),
            labels=unchecked(labels),
            tools=unchecked(tools),
            tool_calls=unchecked(tool_calls),
            metadata=unchecked(metadata),
            created_at=unchecked(created_at),
        )
        return (yield from send(wire.CREATE, takes))

    @operation
    def create_many(
        self, interactions: Sequence[InteractionDict | wire.InteractionCreate], *, use_case: Reference | None = None
    ) -> Flow[builtins.list[wire.InteractionLogged]]:
        """Log many completions made elsewhere: all of them, or none. Each may name a use case of its own."""
        named = [self._with_use_case(interaction, use_case) for interaction in interactions]
        answer = yield from send(wire.CREATE_MANY, wire.InteractionsCreate(interactions=unchecked(named)))
        return answer.interactions

    def _with_use_case(self, interaction: InteractionDict | wire.InteractionCreate, use_case: Reference | None) -> Any:
        if not isinstance(interaction, dict) or "use_case" in interaction:
            return interaction
        return {**interaction, "use_case": self._use_case(use_case)}

    @operation
    def list(
        self,
        order: Orders | None = None,
        filters: Filters | None = None,
        page: Page | None = None,
        group_by: wire.GroupBy | None = None,
        *,
        use_case: Reference | None = None,
    ) -> Flow[wire.InteractionPage]:
        """Get a page of interactions, or with `group_by` of groups of them; the newest come first."""
        takes = wire.InteractionQuery(
            use_case=self._use_case(use_case),
            order=unchecked(order),
            filters=unchecked(filters),
            page=unchecked(page),
            group_by=group_by,
        )
        return (yield from send(wire.QUERY, takes, reads_only=True))

    @operation
    def get(self, completion_id: Id, *, use_case: Reference | None = None) -> Flow[wire.Interaction]:
        """Get a logged completion with its prompt, feedback, usage and timings."""
        takes = wire.InteractionReference(completion_id=unchecked(completion_id), use_case=self._use_case(use_case))
        return (yield from send(wire.GET, takes))

    @operation
    def export(
        self,
        destination: PathLike[str] | str,
        format: Literal["jsonl", "parquet"] = "jsonl",
        filters: Filters | None = None,
        *,
        use_case: Reference | None = None,
    ) -> Flow[int]:
        """Write all interactions that match to a file, oldest first, with their feedback; return how many there are.

        What `get` shows is a JSON object on a line, or a row of Parquet (which needs `pip install 'tropism[parquet]'`).
        Interactions that are logged meanwhile are left out. The file is there as a whole or not at all.
        """
        takes = wire.InteractionExport(use_case=self._use_case(use_case), filters=unchecked(filters))
        if format == "parquet":
            from tropism.sdk.parquet import interactions_file

            return (yield from save_as(destination, wire.EXPORT, takes, interactions_file))
        return (yield from save_as(destination, wire.EXPORT, takes, LinesFile))

    @operation
    def delete(
        self,
        user: Id | None = None,
        session_id: Id | None = None,
        completion_ids: Sequence[Id] | None = None,
        older_than: datetime | str | None = None,
        wait: bool = True,
        *,
        use_case: Reference | None = None,
    ) -> Flow[wire.Deletion]:
        """Delete the interactions for which everything given holds, with their feedback; there is no way back.

        With `user`, what that user said about others' completions stays without their id and words. It goes on to its
        end even if this program does not wait for it; repeated, it deletes what has come since.
        """
        takes = wire.InteractionsDelete(
            use_case=self._use_case(use_case),
            user=unchecked(user),
            session_id=unchecked(session_id),
            completion_ids=unchecked(None if completion_ids is None else [*completion_ids]),
            older_than=unchecked(older_than),
        )
        found, pause = (yield from send(wire.DELETE, takes)), FIRST_PAUSE
        while wait and found.status == "RUNNING":
            yield Sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            found = yield from send(wire.GET_DELETION, wire.DeletionReference(deletion=found.id))
        return found

    @operation
    def get_deletion(self, deletion: Id) -> Flow[wire.Deletion]:
        """Get how far a deletion is."""
        return (yield from send(wire.GET_DELETION, wire.DeletionReference(deletion=unchecked(deletion))))


class Interactions(_Interactions[Stream[wire.Interaction]], SyncResource):
    """The log of every completion."""

    def list_all(
        self,
        order: Orders | None = None,
        filters: Filters | None = None,
        *,
        page_size: int = 100,
        use_case: Reference | None = None,
    ) -> Iterator[wire.Interaction]:
        """Iterate over all interactions that match; pages are fetched as the loop goes on."""
        after: str | None = None
        while True:
            page = self.list(order, filters, _following(page_size, after), use_case=use_case)
            yield from page.nodes
            if not page.page_info.has_next_page:
                return
            after = page.page_info.end_cursor


class AsyncInteractions(_Interactions[Coroutine[Any, Any, AsyncStream[wire.Interaction]]], AsyncResource):
    """The log of every completion."""

    async def list_all(
        self,
        order: Orders | None = None,
        filters: Filters | None = None,
        *,
        page_size: int = 100,
        use_case: Reference | None = None,
    ) -> AsyncIterator[wire.Interaction]:
        """Iterate over all interactions that match; pages are fetched as the loop goes on."""
        after: str | None = None
        while True:
            page = await self.list(order, filters, _following(page_size, after), use_case=use_case)
            for interaction in page.nodes:
                yield interaction
            if not page.page_info.has_next_page:
                return
            after = page.page_info.end_cursor


def _following(page_size: int, after: str | None) -> Page:
    return {"first": page_size} if after is None else {"first": page_size, "after": after}
