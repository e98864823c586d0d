"""What editors and type checkers see. Nothing here runs: test_typing.py has mypy and pyright read it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import assert_type
from uuid import UUID

from tropism import AsyncTropism, Tropism
from tropism.sdk.stream import AsyncStream, Stream
from tropism.wire import (
    ab_tests,
    access,
    chat,
    embeddings,
    evaluation,
    feedback,
    interactions,
    jobs,
    judges,
    models,
    reward_servers,
    training,
    use_cases,
)


def plain(client: Tropism, flag: bool, id: UUID) -> None:
    messages = [{"role": "user", "content": "hello"}]
    assert_type(client.chat.create(messages), chat.ChatCompletion)
    assert_type(client.chat.create([{"role": "user", "content": "hello"}], stream=False), chat.ChatCompletion)
    assert_type(client.chat.create(messages, stream=True), Stream[chat.ChatChunk])
    assert_type(client.chat.create(messages, stream=flag), chat.ChatCompletion | Stream[chat.ChatChunk])
    assert_type(client.completions.create("hello", True), Stream[chat.CompletionChunk])
    assert_type(client.completions.create("hello", n=2), chat.Completion)
    assert_type(client.embeddings.create(["a", "b"]), embeddings.EmbeddingResponse)
    assert_type(client.use_cases.list(), list[use_cases.UseCase])
    assert_type(client.models.attach(id, wait=True, placement={"max_ttft_ms": 5}), models.ModelService)
    assert_type(client.models.detach("m"), None)
    assert_type(client.models.list({"kind": "Generation"}), list[models.Model])
    assert_type(client.feedback.log_metric(True, id, "k"), feedback.MetricFeedback)
    assert_type(client.feedback.log_preference("k", id, {"model": "m", "text": "t"}), feedback.Comparison)
    assert_type(client.interactions.list_all(), Iterator[interactions.Interaction])
    assert_type(
        client.interactions.list(
            [{"field": "created_at", "order": "ASC"}],
            {"timerange": {"from": 1}, "feedbacks": [{"metric": "k", "gt": 0.5}], "source": ["LIVE"]},
            {"first": 5},
        ),
        interactions.InteractionPage,
    )
    assert_type(client.ab_tests.create("t", "k", ["a", "b"]), ab_tests.ABTest)
    assert_type(client.judges.agreement("j", "h", 0.5), judges.Agreement)
    assert_type(client.evaluation.jobs.get("j"), evaluation.EvaluationJob)
    assert_type(client.evaluation.jobs.watch("j"), Stream[jobs.Job])
    assert_type(client.jobs.get("j"), jobs.Job)
    assert_type(client.jobs.list(), list[jobs.Job])
    assert_type(client.jobs.watch("j"), Stream[jobs.Job])
    assert_type(client.reward_servers.add("http://x", "k"), reward_servers.RewardServer)
    assert_type(client.reward_servers.test("http://x"), reward_servers.RewardServerReport)
    assert_type(client.interactions.watch(), Stream[interactions.Interaction])
    assert_type(client.users.me(), access.Me)
    with client as same:
        assert_type(same, Tropism)
    with client.chat.create(messages, stream=True) as stream:
        for chunk in stream:
            assert_type(chunk, chat.ChatChunk)


async def awaited(client: AsyncTropism, flag: bool, id: UUID) -> None:
    messages = [{"role": "user", "content": "hello"}]
    assert_type(await client.chat.create(messages), chat.ChatCompletion)
    assert_type(await client.chat.create(messages, stream=True), AsyncStream[chat.ChatChunk])
    assert_type(await client.chat.create(messages, stream=flag), chat.ChatCompletion | AsyncStream[chat.ChatChunk])
    assert_type(await client.completions.create("hello", stream=True), AsyncStream[chat.CompletionChunk])
    assert_type(await client.use_cases.list(), list[use_cases.UseCase])
    assert_type(await client.reward_servers.list(), list[reward_servers.RewardServer])
    made = await client.training.jobs.create(
        "m",
        {
            "output_name": "better",
            "training_config": {
                "training_metadata": {"alignment_method": "GRPO", "parameters": {"grpo": {"steps": 20}}},
                "training_objective": {"reward_server": {"remote_env": "r"}},
            },
            "sample_config": {"datasource": {"completions": {"selection_type": "LAST", "max_samples": 10}}},
        },
        wait=True,
    )
    assert_type(made, training.TrainingJob)
    assert_type(await client.models.attach(id, wait=True), models.ModelService)
    assert_type(await client.models.detach("m"), None)
    assert_type(await client.feedback.log_metric(0.5, id, "k", user=id), feedback.MetricFeedback)
    assert_type(client.interactions.list_all(), AsyncIterator[interactions.Interaction])
    async with await client.chat.create(messages, stream=True) as stream:
        async for chunk in stream:
            assert_type(chunk, chat.ChatChunk)


def mistakes(client: Tropism) -> None:
    """Each line must be an error: an unused `ignore` is one itself."""
    client.feedback.log_metric(1, "c", "k", usr="u")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.feedback.register_key("k", kind="text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.interactions.list(filters={"model": ["m"]})  # type: ignore  # pyright: ignore[reportArgumentType]
    client.models.attach("m", deploy=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
