"""Judges: the methods of judging, and how far a judge's verdicts agree with people's."""

from __future__ import annotations

import builtins

from tropism.sdk.flow import AsyncResource, Flow, Reference, Resource, SyncResource, operation
from tropism.sdk.inputs import unchecked
from tropism.sdk.send import send
from tropism.wire import judges as wire
from tropism.wire.page import Nothing


class _Judges(Resource):
    @operation
    def list(self) -> Flow[builtins.list[wire.JudgeMethod]]:
        """List the methods of judging: what each measures, needs, and asks of the judge's model per sample."""
        answer = yield from send(wire.LIST, Nothing())
        return answer.methods

    @operation
    def agreement(
        self,
        judge_key: Reference,
        human_key: Reference,
        threshold: float | None = None,
        *,
        human_threshold: float | None = None,
        use_case: Reference | None = None,
    ) -> Flow[wire.Agreement]:
        """Measure how far a judge agrees with people: two feedback keys on the same completions.

        A value is good from its threshold on (for a key of which lower is better, down to it). A bool key needs no
        threshold; for a scalar `judge_key` it is 0.5 unless given, for a scalar `human_key` give `human_threshold`.
        """
        takes = wire.AgreementQuery(
            use_case=self._use_case(use_case),
            judge_key=unchecked(judge_key),
            human_key=unchecked(human_key),
            threshold=threshold,
            human_threshold=human_threshold,
        )
        return (yield from send(wire.AGREEMENT, takes))


class Judges(_Judges, SyncResource):
    """Know what judges measure, and how far to trust them."""


class AsyncJudges(_Judges, AsyncResource):
    """Know what judges measure, and how far to trust them."""
