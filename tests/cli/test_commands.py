"""Every command against a real engine: readable at 80 columns, and the same as JSON."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from tropism.wire import ab_tests, access, chat, costs, feedback, interactions, limits, models, trends, use_cases

HELP = [
    "use-cases list",
    "use-cases get",
    "use-cases create",
    "models list",
    "models get",
    "models add-external",
    "models add-hf",
    "models add-local",
    "models add-variant",
    "models attach",
    "models detach",
    "models deploy",
    "models terminate",
    "chat",
    "embed",
    "feedback keys",
    "feedback register-key",
    "feedback link",
    "feedback unlink",
    "feedback log",
    "feedback prefer",
    "interactions list",
    "interactions get",
    "costs",
    "costs prices",
    "trends",
    "limits list",
    "limits set",
    "limits remove",
    "ab list",
    "ab create",
    "ab report",
    "ab plan",
    "ab simulate",
    "ab cancel",
    "me",
    "serve",
    "demo",
    "",
]

READS: list[tuple[str, Any]] = [
    ("use-cases list", list[use_cases.UseCase]),
    ("use-cases get support", use_cases.UseCase),
    ("models list --kind Generation --all", list[models.Model]),
    ("models get echo", models.Model),
    ("feedback keys", list[feedback.FeedbackKey]),
    ("interactions list -u support --first 3", interactions.InteractionPage),
    ("interactions list -u support --group-by model", interactions.InteractionPage),
    ("costs --by model --by day --since 2026-01-01", costs.Costs),
    ("costs -u support --by user", costs.Costs),
    ("trends -u support --since 2026-11-01", trends.Trend),
    ("trends helpful -u support --by hour", trends.Trend),
    ("costs prices --provider open_ai", list[costs.ListedPrice]),
    ("limits set requests 100000 day -u support", limits.Limit),
    ("limits list", list[limits.Limit]),
    ("limits list --user admin@localhost", list[limits.Limit]),
    ("ab plan 0.06 --baseline 0.3 --variants 3", ab_tests.Forecast),
    ("ab plan 0.5 --sd 2 --skewness 1", ab_tests.Forecast),
    ("ab plan 0.1 --preference --ties 0.2", ab_tests.Forecast),
    ("ab list -u support --active", list[ab_tests.ABTest]),
    ("me", access.User),
    ("models deploy echo --wait", models.Model),
    ("chat hello -u support --model echo", chat.ChatCompletion),
    ("chat hello -u support --system brief --max-tokens 5 --temperature 0.5", chat.ChatCompletion),
]


@pytest.mark.parametrize("command", HELP)
def test_every_command_explains_itself_in_80_columns(tropism: Any, command: str) -> None:
    ran = tropism(*command.split(), "--help")
    assert ran.code == 0
    assert "Usage: tropism" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


@pytest.mark.parametrize(("command", "kind"), READS)
def test_json_holds_the_whole_answer(tropism: Any, completion_id: str, command: str, kind: Any) -> None:
    ran = tropism(*command.split(), "--json")
    assert (ran.code, ran.err) == (0, "")
    msgspec.json.decode(ran.out, type=kind)


@pytest.mark.parametrize("command", [command for command, _ in READS])
def test_people_read_it_in_80_columns(tropism: Any, completion_id: str, command: str) -> None:
    ran = tropism(*command.split())
    assert ran.code == 0
    assert ran.out.strip()
    assert max(map(len, ran.out.splitlines())) <= 80


def test_chat_prints_the_answer_alone_and_its_id_beside_it(tropism: Any) -> None:
    ran = tropism("chat", "hello there", "-u", "support", "--model", "echo")
    assert ran.out == "hello there\n"
    assert "completion " in ran.err


def test_chat_streams(tropism: Any) -> None:
    ran = tropism("chat", "hello there friend", "-u", "support", "--model", "echo", "--stream")
    assert ran.out == "hello there friend\n"
    assert "completion " in ran.err


def test_streamed_json_is_one_chunk_a_line(tropism: Any) -> None:
    ran = tropism("chat", "hello there", "-u", "support", "--stream", "--json")
    chunks = [msgspec.json.decode(line, type=chat.ChatChunk) for line in ran.out.splitlines()]
    assert "".join(choice.delta.content for chunk in chunks for choice in chunk.choices) == "hello there"


def test_chat_reads_the_standard_input(tropism: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("from a pipe"))
    assert tropism("chat", "-u", "support", "--model", "echo").out == "from a pipe\n"


def test_an_answer_cannot_talk_to_the_terminal(tropism: Any) -> None:
    ran = tropism("chat", "\x1b[2Jred\x07 \x9b31malert", "-u", "support", "--model", "echo")
    assert ran.out == "[2Jred 31malert\n"


def test_brackets_in_names_are_no_markup(tropism: Any) -> None:
    key = f"key-{uuid4()}"
    tropism("use-cases", "create", key, "--name", "[red]alert[/red] :smile:")
    assert "[red]alert[/red] :smile:" in tropism("use-cases", "get", key).out


def test_a_model_is_added_attached_and_detached(tropism: Any) -> None:
    key = f"terse-{uuid4()}"
    assert tropism("models", "add-variant", "echo", key, "--system-prompt", "Be terse.", "--top-p", 0.5).code == 0
    assert tropism("models", "attach", key, "-u", "support", "--wait", "--json").json["online"] == "ONLINE"
    assert tropism("models", "detach", key, "-u", "support").code == 0
    assert key not in tropism("use-cases", "get", "support").out


def test_a_model_gets_a_fallback(tropism: Any) -> None:
    key = f"terse-{uuid4()}"
    tropism("models", "add-variant", "echo", key, "--system-prompt", "Be terse.")
    ran = tropism("models", "attach", key, "-u", "support", "--fallback", "echo", "--fallback", "parrot")
    assert (ran.code, "echo, parrot" in ran.out) == (0, True)
    assert tropism("models", "attach", key, "-u", "support", "--json").json["fallbacks"] == ["echo", "parrot"]
    tropism("models", "detach", key, "-u", "support")


def test_a_model_gets_patience_and_a_bound(tropism: Any) -> None:
    says = ("--first-token", 5, "--retries", 2)
    made = tropism("models", "update-reliability", "parrot", "-u", "support", *says, "--json").json["reliability"]
    assert (made["first_token_seconds"], made["total_seconds"], made["retries"]) == (5, None, 2)
    assert "5" in tropism("models", "update-reliability", "parrot", "-u", "support", *says).out
    bound = tropism("models", "update-concurrency", "parrot", 3, "--waiting", 9, "--json").json["concurrency"]
    assert bound == {"at_once": 3, "waiting": 9}
    assert tropism("models", "update-concurrency", "parrot", "--json").json["concurrency"] is None


def test_a_model_gets_prices_and_answers_show_what_they_cost(tropism: Any) -> None:
    assert "2 and 10 USD per million tokens" in tropism("models", "update-prices", "parrot", 2, 10).out
    id = tropism("chat", "one two", "-u", "support", "--model", "parrot", "--json").json["choices"][0]["completion_id"]
    assert "2.4e-05 USD" in tropism("interactions", "get", id, "-u", "support").out


def test_a_model_is_run_otherwise(tropism: Any) -> None:
    changed = tropism("models", "update-compute-config", "parrot", "--max-seq-len", 512, "--tp", 2)
    assert "up to 512 tokens, 2 devices" in changed.out
    refused = tropism("models", "update-compute-config", "parrot", "--engine", "vllm")
    assert "'parrot' has no files here that vllm could run" in refused.err
    assert tropism("models", "update-compute-config", "parrot").code == 0


def test_an_external_model_is_registered(tropism: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TROPISM_PROVIDER_KEY", "secret")
    key = f"outside-{uuid4()}"
    ran = tropism("models", "add-external", "Outside", "gpt", "--provider", "open_ai", "--key", key)
    assert ran.code == 0
    assert "secret" not in ran.out
    assert "open_ai" in ran.out


def test_a_file_of_this_folder_is_found_by_an_engine_in_another(
    tropism: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here.gguf").write_bytes(b"no model, but a file")
    monkeypatch.chdir(tmp_path)
    here, nowhere = (tropism("models", "add-local", f"{name}.gguf", name) for name in ("here", "nowhere"))
    assert (here.code, nowhere.code) == (1, 1)
    assert "No such file" in nowhere.err
    assert "No such file" not in here.err


def test_a_feedback_key_is_registered_linked_and_unlinked(tropism: Any) -> None:
    key = f"speed-{uuid4()}"
    assert tropism("feedback", "register-key", key, "--scoring-type", "lower_is_better").code == 0
    assert tropism("feedback", "link", key, "-u", "support", "--json").json["key"] == key
    assert tropism("feedback", "unlink", key, "-u", "support").code == 0


@pytest.mark.parametrize(("word", "value"), [("yes", 1.0), ("false", 0.0), ("1", 1.0)])
def test_feedback_is_logged(tropism: Any, completion_id: str, word: str, value: float) -> None:
    assert tropism("feedback", "log", word, completion_id, "helpful", "--json").json["value"] == value
    assert f"helpful={value:g}" in tropism("interactions", "get", completion_id, "-u", "support").out


def test_a_value_that_is_no_value_is_refused(tropism: Any, completion_id: str) -> None:
    ran = tropism("feedback", "log", "maybe", completion_id, "helpful")
    assert (ran.code, "neither a number" in ran.err) == (1, True)


def test_a_negative_number_is_no_option(tropism: Any, completion_id: str) -> None:
    tropism("feedback", "register-key", "mood")
    tropism("feedback", "link", "mood", "-u", "support")
    assert tropism("feedback", "log", "-0.5", completion_id, "mood", "--json").json["value"] == -0.5


def test_a_preference_is_logged(tropism: Any) -> None:
    ids = [tropism("chat", "hi", "-u", "support", "--model", "echo", "--json").json["id"] for _ in range(2)]
    logged = tropism("feedback", "prefer", "helpful", *ids, "-u", "support", "--json").json
    assert [logged["preferred_completion_id"], logged["other_completion_id"]] == ids
    assert "helpful=won" in tropism("interactions", "get", ids[0], "-u", "support").out
    assert "helpful=lost" in tropism("interactions", "get", ids[1], "-u", "support").out


def test_interactions_are_filtered_and_paged(tropism: Any) -> None:
    for _ in range(3):
        tropism("chat", "hi", "-u", "support", "--model", "parrot")
    first = tropism("interactions", "list", "-u", "support", "--model", "parrot", "--first", 2, "--json").json
    assert {node["model"] for node in first["nodes"]} == {"parrot"}
    cursor = first["page_info"]["end_cursor"]
    more = tropism("interactions", "list", "-u", "support", "--model", "parrot", "--after", cursor, "--json").json
    assert not {node["id"] for node in first["nodes"]} & {node["id"] for node in more["nodes"]}
    assert (
        f"--after {cursor}" in tropism("interactions", "list", "-u", "support", "--model", "parrot", "--first", 2).err
    )


def test_chat_offers_tools_from_a_file_and_prints_the_calls(tropism: Any, tmp_path: Path) -> None:
    tools = tmp_path / "tools.json"
    tools.write_text('[{"type": "function", "function": {"name": "weather"}}]')
    asked = ("chat", 'call weather {"city": "Oslo"}', "-u", "support", "--tools", str(tools))
    assert tropism(*asked).out == 'weather({"city": "Oslo"})\n'
    assert tropism(*asked, "--stream").out.strip() == 'weather {"city": "Oslo"}'
    made = tropism("chat", "hi", "-u", "support", "--tools", str(tools), "--tool-choice", "weather", "--json").json
    assert made["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == '{"text": "hi"}'
    id = made["choices"][0]["completion_id"]
    assert 'weather({"text": "hi"})' in tropism("interactions", "get", id, "-u", "support").out


def test_a_schema_file_that_is_none_is_named(tropism: Any, tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none.json", "cannot be read"), (Path(__file__), "holds no JSON")):
        ran = tropism("chat", "hi", "-u", "support", "--schema", str(path))
        assert (ran.code, why in ran.err) == (1, True)
