"""Feedback: keys, metric values on completions, preferences between completions, outcomes of sessions."""

from __future__ import annotations

import builtins

from tropism.sdk.flow import AsyncResource, Flow, Reference, Resource, SyncResource, operation
from tropism.sdk.inputs import Compared, Id, Messages, unchecked
from tropism.sdk.send import send
from tropism.wire import feedback as wire
from tropism.wire.page import Nothing


class _Feedback(Resource):
    @operation
    def register_key(
        self,
        key: str,
        kind: wire.FeedbackKind = "scalar",
        scoring_type: wire.ScoringType = "higher_is_better",
        name: str | None = None,
        description: str | None = None,
    ) -> Flow[wire.FeedbackKey]:
        """Register what a number of feedback means, and which direction is better."""
        takes = wire.FeedbackKeyCreate(
            key=key, kind=kind, scoring_type=scoring_type, name=name, description=description
        )
        return (yield from send(wire.REGISTER_KEY, takes))

    @operation
    def list_keys(self) -> Flow[builtins.list[wire.FeedbackKey]]:
        """List the feedback keys."""
        answer = yield from send(wire.LIST_KEYS, Nothing())
        return answer.feedback_keys

    @operation
    def get_key(self, feedback_key: Reference) -> Flow[wire.FeedbackKey]:
        """Get a feedback key."""
        return (yield from send(wire.GET_KEY, wire.FeedbackKeyReference(feedback_key=unchecked(feedback_key))))

    @operation
    def link(self, feedback_key: Reference, *, use_case: Reference | None = None) -> Flow[wire.FeedbackKey]:
        """Let a use case take feedback of this key."""
        takes = wire.FeedbackKeyLink(use_case=self._use_case(use_case), feedback_key=unchecked(feedback_key))
        return (yield from send(wire.LINK, takes))

    @operation
    def unlink(self, feedback_key: Reference, *, use_case: Reference | None = None) -> Flow[None]:
        """Let a use case take no more feedback of this key. What was logged stays."""
        takes = wire.FeedbackKeyLink(use_case=self._use_case(use_case), feedback_key=unchecked(feedback_key))
        yield from send(wire.UNLINK, takes)

    @operation
    def log_metric(
        self,
        value: float | bool,
        completion_id: Id,
        feedback_key: Reference,
        user: Id | None = None,
        details: str | None = None,
        *,
        reason: str | None = None,
    ) -> Flow[wire.MetricFeedback]:
        """Log a value for a completion. The same user on the same completion and key replaces the earlier value.

        A bool key takes 0, 1, True and False, a scalar key any finite number.
        """
        takes = wire.MetricFeedbackCreate(
            metric=unchecked(feedback_key),
            value=value,
            completion_id=unchecked(completion_id),
            user_id=unchecked(user),
            details=details,
            reason=reason,
        )
        return (yield from send(wire.LOG_METRIC, takes))

    @operation
    def log_preference(
        self,
        feedback_key: Reference,
        preferred_completion: Compared,
        other_completion: Compared,
        user: Id | None = None,
        prompt: str | None = None,
        messages: Messages | None = None,
        tied: wire.Tie | None = None,
        *,
        use_case: Reference | None = None,
    ) -> Flow[wire.Comparison]:
        """Log that one completion is better than another; with `tied`, that both are good, or both bad.

        Each side is a completion id, or `{"model": ..., "text": ...}` together with `prompt` or `messages`.
        """
        takes = wire.ComparisonCreate(
            metric=unchecked(feedback_key),
            preferred_completion=unchecked(preferred_completion),
            other_completion=unchecked(other_completion),
            use_case=self._use_case(use_case),
            user_id=unchecked(user),
            prompt=prompt,
            messages=unchecked(messages),
            tied=tied,
        )
        return (yield from send(wire.LOG_PREFERENCE, takes))

    @operation
    def log_outcome(
        self, value: float | bool, session_id: Id, feedback_key: Reference, user: Id | None = None
    ) -> Flow[wire.MetricFeedback]:
        """Log a value for a whole session; it is kept with the session's last completion."""
        takes = wire.OutcomeCreate(
            metric=unchecked(feedback_key), value=value, session_id=unchecked(session_id), user_id=unchecked(user)
        )
        return (yield from send(wire.LOG_OUTCOME, takes))


class Feedback(_Feedback, SyncResource):
    """Say how good completions are."""


class AsyncFeedback(_Feedback, AsyncResource):
    """Say how good completions are."""
