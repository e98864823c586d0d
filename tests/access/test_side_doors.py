"""What one permission would give that another one guards: a call that does two things needs the permissions of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tropism import PermissionDeniedError, Tropism
from tropism.wire.permissions import Permission

HELLO = [{"role": "user", "content": "Hello!"}]
LOGGED: Any = {"datasource": {"completions": {"selection_type": "ALL"}}}


@pytest.fixture
def narrowed(client: Tropism, with_key: Callable[[str], Tropism]) -> Callable[..., Tropism]:
    """`narrowed(permission, …)`: a client with a key of the admin that is good for these permissions alone."""
    return lambda *only: with_key(client.api_keys.create("narrowed", permissions=only).key)


Narrowed = Callable[..., Tropism]


def test_a_dataset_is_no_way_around_the_log(client: Tropism, narrowed: Narrowed, use_case: str) -> None:
    client.chat.create(HELLO, use_case=use_case)
    copier = narrowed("dataset:create", "dataset:read")
    with pytest.raises(PermissionDeniedError, match="interaction:read"):
        copier.datasets.from_interactions("copy", use_case=use_case)
    assert client.datasets.list(use_case=use_case) == []
    assert narrowed("dataset:create", "interaction:read").datasets.from_interactions("copy", use_case=use_case).lines


def test_an_interaction_brings_no_feedback_along(client: Tropism, narrowed: Narrowed, use_case: str) -> None:
    given: Any = {
        "prompt": "Q",
        "feedbacks": [{"feedback_key": f"{use_case}-thumbs", "value": 1}],
        "use_case": use_case,
    }
    with pytest.raises(PermissionDeniedError, match="feedback:create"):
        narrowed("interaction:create").interactions.create("A", **given)
    assert client.interactions.list(use_case=use_case).total_count == 0
    assert narrowed("interaction:create", "feedback:create").interactions.create("A", **given).feedback_ids


def test_a_comparison_brings_no_interactions_along(client: Tropism, narrowed: Narrowed, use_case: str) -> None:
    sides: tuple[Any, Any] = ({"model": "echo-a", "text": "A"}, {"model": "echo-a", "text": "B"})
    with pytest.raises(PermissionDeniedError, match="interaction:create"):
        narrowed("feedback:create").feedback.log_preference(f"{use_case}-thumbs", *sides, prompt="Q", use_case=use_case)
    assert client.interactions.list(use_case=use_case).total_count == 0
    both = narrowed("feedback:create", "interaction:create")
    assert both.feedback.log_preference(f"{use_case}-thumbs", *sides, prompt="Q", use_case=use_case)


def test_a_test_promotes_nothing_that_its_maker_could_not(client: Tropism, narrowed: Narrowed, use_case: str) -> None:
    client.models.attach("echo-b", wait=True, use_case=use_case)
    asked: tuple[Any, Any, Any] = (f"test-{uuid4().hex[:8]}", f"{use_case}-thumbs", ["echo-a", "echo-b"])
    tester = narrowed("ab_test:create")
    with pytest.raises(PermissionDeniedError, match="model:attach"):
        tester.ab_tests.create(*asked, auto_deploy=True, use_case=use_case)
    assert tester.ab_tests.create(*asked, use_case=use_case).auto_deploy is False


@pytest.mark.parametrize(
    ("lacks", "source"),
    [
        ("interaction:read", LOGGED),
        ("dataset:read", {"datasource": {"dataset": {"dataset": "lines"}}}),
        ("feedback_key:link", LOGGED),
    ],
)
def test_an_evaluation_shows_nothing_that_its_maker_could_not_read(
    client: Tropism, narrowed: Narrowed, use_case: str, lacks: Permission, source: Any
) -> None:
    client.chat.create(HELLO, use_case=use_case)
    client.datasets.from_interactions("lines", use_case=use_case)
    needs = {"evaluation:create", "evaluation:read", "interaction:read", "dataset:read", "feedback_key:link"}
    asked: Any = {"models": [], "judge_model": "echo-a", "method": "answer_relevancy", "use_case": use_case}
    judge = narrowed(*sorted(needs - {lacks}))
    with pytest.raises(PermissionDeniedError, match=lacks):
        judge.evaluation.jobs.create(source, **asked)
    assert client.evaluation.jobs.list(use_case=use_case) == []
    job = narrowed(*sorted(needs)).evaluation.jobs.create(source, **asked)
    client.evaluation.jobs.cancel(job.id)


def test_a_role_of_others_is_not_swapped(client: Tropism, new_user: Callable[..., Tropism], team: str) -> None:
    """Whoever gives it in the other team would give what somebody else has put into it."""
    other = client.teams.create(f"team-{uuid4().hex[:12]}").key
    maker, stranger = new_user(team, "admin"), new_user(other, "admin")
    maker.roles.create(key := f"role-{uuid4().hex[:8]}", ["use_case:read"])
    with pytest.raises(PermissionDeniedError, match="made"):
        stranger.roles.delete(key)
    assert [each.permissions for each in maker.roles.list() if each.key == key] == [["use_case:read"]]
    colleague = new_user(team, "admin")
    colleague.roles.delete(key)
