"""Every operation sends one request that its row of the API takes."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import msgspec
import pytest

from tropism import TropismError
from tropism.wire import datasets, interactions, otlp, sign_ins
from tropism.wire.api import ENDPOINTS
from tropism.wire.interactions import InteractionFilter, InteractionPage
from tropism.wire.page import PageInfo

ID = str(UUID(int=9))
HELLO = [{"role": "user", "content": "hello"}]

CALLS: list[tuple[str, dict[str, Any], str]] = [
    ("use_cases.create", {"key": "k", "team": UUID(int=3)}, "POST /api/v1/use_cases"),
    ("use_cases.list", {}, "GET /api/v1/use_cases"),
    ("use_cases.get", {"use_case": UUID(int=3)}, f"GET /api/v1/use_cases/{UUID(int=3)}"),
    ("models.list", {"filter": {"view_all": True, "online": "ONLINE"}}, "GET /api/v1/models"),
    ("models.get", {"model": "m"}, "GET /api/v1/models/m"),
    (
        "models.add_external",
        {"name": "n", "external_model_id": "x", "api_key": "s", "provider": "custom", "endpoint": "http://x"},
        "POST /api/v1/models/external",
    ),
    ("models.add_hf_model", {"hf_model_id": "o/n", "output_model_key": "k"}, "POST /api/v1/models/hf"),
    ("models.add_local", {"path": "/m.gguf", "key": "k"}, "POST /api/v1/models/local"),
    ("models.add_variant", {"backbone": "m", "key": "v", "parameters": {"top_p": 0.5}}, "POST /api/v1/models/variants"),
    ("models.update_variant", {"model": "m", "system_prompt": "p"}, "PATCH /api/v1/models/m/variant"),
    ("models.versions", {"model": "m"}, "GET /api/v1/models/m/versions"),
    ("models.roll_back", {"model": "m", "version": 2}, "POST /api/v1/models/m/rollback"),
    (
        "models.update_compute_config",
        {"model": "m", "compute_config": {"max_seq_len": 512}},
        "PATCH /api/v1/models/m/compute_config",
    ),
    (
        "models.update_prices",
        {"model": "m", "prices": {"input_per_million": 0.15, "output_per_million": 1}},
        "PATCH /api/v1/models/m/prices",
    ),
    ("models.update_concurrency", {"model": "m", "at_once": 4, "waiting": 9}, "PATCH /api/v1/models/m/concurrency"),
    ("models.deploy", {"model": "m"}, "POST /api/v1/models/m/deploy"),
    ("models.terminate", {"model": "m", "force": True}, "POST /api/v1/models/m/terminate"),
    (
        "models.attach",
        {"model": "m", "make_default": True, "placement": {"compute_pools": ["p"]}, "fallbacks": ["n"]},
        "POST /api/v1/use_cases/u/models",
    ),
    ("models.detach", {"model": "m"}, "DELETE /api/v1/use_cases/u/models/m"),
    ("models.update", {"model": "m", "desired_online": False}, "PATCH /api/v1/use_cases/u/models/m"),
    (
        "chat.create",
        {
            "messages": HELLO,
            "model": "m",
            "stop": ["x"],
            "max_tokens": 5,
            "temperature": 0.5,
            "top_p": 0.5,
            "stream_include_usage": True,
            "session_id": ID,
            "user": UUID(int=5),
            "ab_campaign": "t",
            "n": 2,
            "labels": {"a": "b"},
            "seed": 3,
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
        },
        "POST /api/v1/chat/completions",
    ),
    ("completions.create", {"prompt": "hello"}, "POST /api/v1/completions"),
    ("embeddings.create", {"input": ["a"], "model": "m", "encoding_format": "Base64"}, "POST /api/v1/embeddings"),
    (
        "interactions.create",
        {"completion": "c", "messages": HELLO, "feedbacks": [{"feedback_key": "k", "value": 1}]},
        "POST /api/v1/interactions",
    ),
    ("interactions.create_many", {"interactions": [{"completion": "c"}]}, "POST /api/v1/interactions/bulk"),
    (
        "interactions.list",
        {
            "order": [{"field": "created_at", "order": "ASC"}],
            "filters": {"timerange": {"from": 1, "to": 2}, "labels": [{"key": "a"}]},
            "page": {"first": 3},
            "group_by": "model",
        },
        "POST /api/v1/interactions/query",
    ),
    ("interactions.get", {"completion_id": ID}, f"GET /api/v1/interactions/{ID}"),
    (
        "interactions.export",
        {"destination": "log.jsonl", "filters": {"models": ["m"]}},
        "POST /api/v1/interactions/export",
    ),
    ("datasets.upload", {"file_path": __file__, "dataset_key": "k"}, "POST /api/v1/use_cases/u/dataset_uploads"),
    ("datasets.list", {}, "GET /api/v1/use_cases/u/datasets"),
    ("datasets.get", {"dataset": "d"}, "GET /api/v1/use_cases/u/datasets/d"),
    ("datasets.preview", {"dataset": UUID(int=3), "first": 3}, f"GET /api/v1/use_cases/u/datasets/{UUID(int=3)}/lines"),
    ("datasets.delete", {"dataset": "d"}, "DELETE /api/v1/use_cases/u/datasets/d"),
    (
        "datasets.from_interactions",
        {"dataset_key": "k", "filters": {"labels": [{"key": "a"}]}, "preferences": UUID(int=4)},
        "POST /api/v1/use_cases/u/datasets/from_interactions",
    ),
    (
        "datasets.generate",
        {"dataset_key": "k", "documents": ["D"], "model": UUID(int=4), "num_questions": 3},
        "POST /api/v1/use_cases/u/datasets/generate",
    ),
    ("feedback.register_key", {"key": "k", "kind": "bool"}, "POST /api/v1/feedback_keys"),
    ("feedback.list_keys", {}, "GET /api/v1/feedback_keys"),
    ("feedback.get_key", {"feedback_key": "k"}, "GET /api/v1/feedback_keys/k"),
    ("feedback.link", {"feedback_key": "k"}, "POST /api/v1/use_cases/u/feedback_keys"),
    ("feedback.unlink", {"feedback_key": "k"}, "DELETE /api/v1/use_cases/u/feedback_keys/k"),
    (
        "feedback.log_metric",
        {"value": True, "completion_id": ID, "feedback_key": "k", "user": ID, "details": "d", "reason": "r"},
        "POST /api/v1/feedback",
    ),
    (
        "feedback.log_preference",
        {
            "feedback_key": "k",
            "preferred_completion": {"model": "a", "text": "x"},
            "other_completion": {"model": "b", "text": "y"},
            "messages": HELLO,
            "tied": "good",
        },
        "POST /api/v1/comparison",
    ),
    ("feedback.log_outcome", {"value": 0.5, "session_id": ID, "feedback_key": "k"}, "POST /api/v1/outcome"),
    (
        "ab_tests.create",
        {"ab_test_key": "t", "feedback_key": "k", "models": ["a", UUID(int=4)], "traffic_split": 0.5},
        "POST /api/v1/ab_tests",
    ),
    ("ab_tests.list", {"active": True}, "GET /api/v1/ab_tests"),
    ("ab_tests.get", {"key": "t"}, "GET /api/v1/ab_tests/t"),
    ("ab_tests.cancel", {"key": "t"}, "POST /api/v1/ab_tests/t/cancel"),
    ("ab_tests.history", {"key": "t"}, "GET /api/v1/ab_tests/t/history"),
    ("jobs.list", {"status": "RUNNING", "use_case": "u"}, "GET /api/v1/jobs"),
    ("jobs.get", {"job_id": ID}, f"GET /api/v1/jobs/{ID}"),
    ("jobs.watch", {"job_id": ID}, f"GET /api/v1/jobs/{ID}/events"),
    ("jobs.logs", {"job_id": ID, "after": 3}, f"GET /api/v1/jobs/{ID}/logs"),
    ("jobs.cancel", {"job_id": ID}, f"POST /api/v1/jobs/{ID}/cancel"),
    ("ab_tests.plan", {"effect": 0.1, "baseline": 0.3}, "POST /api/v1/ab_tests/plan"),
    (
        "reward_servers.add",
        {"url": "http://x", "key": "k", "name": "n", "description": "d", "team": "t"},
        "POST /api/v1/reward_servers",
    ),
    ("reward_servers.list", {}, "GET /api/v1/reward_servers"),
    ("reward_servers.remove", {"key": "k"}, "DELETE /api/v1/reward_servers/k"),
    ("reward_servers.test", {"url": "http://x"}, "POST /api/v1/reward_servers/test"),
    ("compute_pools.list", {}, "GET /api/v1/compute_pools"),
    ("trends.query", {"metric": "m", "use_case": "u"}, "POST /api/v1/trends/query"),
    ("judges.list", {}, "GET /api/v1/judges"),
    (
        "training.jobs.create",
        {
            "model": "m",
            "config": {
                "output_name": "better",
                "training_config": {
                    "training_metadata": {"alignment_method": "SFT"},
                    "training_objective": {"sft": {}},
                },
                "sample_config": {"datasource": {"dataset": {"dataset": "d"}}},
            },
            "compute_pool": "default",
        },
        "POST /api/v1/training/jobs",
    ),
    ("training.jobs.list", {"status": "RUNNING"}, "GET /api/v1/training/jobs"),
    ("training.jobs.get", {"job_id": ID}, f"GET /api/v1/training/jobs/{ID}"),
    ("training.jobs.watch", {"job_id": ID}, f"GET /api/v1/jobs/{ID}/events"),
    ("training.jobs.cancel", {"job_id": ID}, f"POST /api/v1/training/jobs/{ID}/cancel"),
    (
        "judges.agreement",
        {"judge_key": "j", "human_key": "h", "threshold": 0.7, "human_threshold": 4},
        "GET /api/v1/judges/agreement",
    ),
    (
        "use_cases.update",
        {
            "name": "n",
            "description": "d",
            "retention_days": 30,
            "redact": ["email"],
            "cache_seconds": 60,
            "cache_answers": 5,
        },
        "PATCH /api/v1/use_cases/u",
    ),
    (
        "interactions.delete",
        {"user": UUID(int=5), "session_id": ID, "completion_ids": [ID], "older_than": "2026-01-01T00:00:00Z"},
        "POST /api/v1/interactions/deletions",
    ),
    ("interactions.get_deletion", {"deletion": ID}, f"GET /api/v1/interactions/deletions/{ID}"),
    ("use_cases.share", {"team": "t", "role": "viewer"}, "POST /api/v1/use_cases/u/shares"),
    ("use_cases.unshare", {"team": "t"}, "DELETE /api/v1/use_cases/u/shares/t"),
    ("users.list", {}, "GET /api/v1/users"),
    ("users.create", {"email": "a@b.c", "name": "n", "team": "t", "kind": "service"}, "POST /api/v1/users"),
    ("users.update", {"email": "a", "team": "t", "role": "viewer"}, "PATCH /api/v1/users/a"),
    ("users.remove", {"email": "a", "team": "t"}, "DELETE /api/v1/users/a/teams/t"),
    ("users.deactivate", {"user": "a"}, "DELETE /api/v1/users/a"),
    ("users.activate", {"user": UUID(int=4)}, f"POST /api/v1/users/{UUID(int=4)}/activation"),
    ("sign_ins.list", {"user": "a@b.c"}, "GET /api/v1/sign_ins"),
    ("sign_ins.end", {"sign_in": ID}, f"DELETE /api/v1/sign_ins/{ID}"),
    ("sign_ins.end_all", {"user": "a@b.c"}, "DELETE /api/v1/sign_ins"),
    ("passwords.make_link", {"user": "a"}, "POST /api/v1/users/a/password_links"),
    ("passwords.set", {"token": "t", "password": "p"}, "POST /api/v1/passwords"),
    ("passwords.change", {"password": "p", "new_password": "q"}, "POST /api/v1/users/me/password"),
    ("teams.list", {}, "GET /api/v1/teams"),
    ("teams.create", {"key": "k"}, "POST /api/v1/teams"),
    ("roles.list", {}, "GET /api/v1/roles"),
    ("costs.query", {"group_by": ["day"], "use_case": "u", "since": "2026-11-28"}, "POST /api/v1/costs/query"),
    ("costs.prices", {}, "GET /api/v1/costs/prices"),
    (
        "limits.set",
        {"measure": "usd", "amount": 2.5, "period": "day", "user": "a@b.c"},
        "POST /api/v1/limits",
    ),
    ("limits.list", {"use_case": "u"}, "GET /api/v1/limits"),
    ("limits.remove", {"limit": ID}, f"DELETE /api/v1/limits/{ID}"),
    ("roles.create", {"key": "k", "permissions": ["chat:create"]}, "POST /api/v1/roles"),
    ("roles.delete", {"role": "k"}, "DELETE /api/v1/roles/k"),
    ("api_keys.list", {"user": "a@b.c"}, "GET /api/v1/api_keys"),
    ("api_keys.create", {"name": "n", "use_cases": ["u"], "permissions": ["chat:create"]}, "POST /api/v1/api_keys"),
    ("api_keys.revoke", {"api_key": ID}, f"DELETE /api/v1/api_keys/{ID}"),
    ("audit.list", {"user": "a@b.c", "before": 9}, "GET /api/v1/audit"),
    ("audit.verify", {}, "GET /api/v1/audit/verification"),
    (
        "evaluation.jobs.create",
        {
            "data_config": {"datasource": {"completions": {"selection_type": "LAST", "max_samples": 5}}},
            "models": ["a", UUID(int=4)],
            "judge_model": "j",
            "method": "custom",
            "custom_eval_config": {"guidelines": [{"name": "n", "description": "d"}], "feedback_key": "k"},
            "name": "n",
            "compute_pool": "default",
        },
        "POST /api/v1/evaluation/jobs",
    ),
    (
        "evaluation.jobs.estimate",
        {
            "data_config": {"datasource": {"dataset": {"dataset": UUID(int=4)}}},
            "models": [],
            "judge_model": "j",
            "method": "faithfulness",
        },
        "POST /api/v1/evaluation/jobs/estimate",
    ),
    ("evaluation.jobs.list", {"status": "FAILED", "after": ID, "limit": 3}, "GET /api/v1/evaluation/jobs"),
    ("evaluation.jobs.get", {"job_id": ID}, f"GET /api/v1/evaluation/jobs/{ID}"),
    (
        "evaluation.jobs.samples",
        {"job_id": ID, "model": "m", "status": "scored", "min_score": 0.2, "max_score": 0.5, "after": "3.0"},
        f"GET /api/v1/evaluation/jobs/{ID}/samples",
    ),
    ("evaluation.jobs.cancel", {"job_id": ID}, f"POST /api/v1/evaluation/jobs/{ID}/cancel"),
    ("permissions.list", {}, "GET /api/v1/permissions"),
    ("users.me", {}, "GET /api/v1/users/me"),
]
LATER = {"DOWNLOAD", "GET_UPLOAD", "UPLOAD_PART", "COMPLETE_UPLOAD"}
"""Rows of datasets that an operation calls after another one; tests/datasets goes all the way."""
BROWSER_ROWS = (sign_ins.WAYS, sign_ins.CREATE, sign_ins.START_OIDC, sign_ins.FINISH_OIDC, sign_ins.SIGN_OUT)
BY_BROWSERS = {row.summary for row in BROWSER_ROWS}
"""Rows that are about cookies, which the SDK does not keep."""
ELSEWHERE = {interactions.WATCH.summary, otlp.TRACES.summary}
"""A stream that does not end (tests/interactions/test_watch.py), and what other systems call (tests/otlp)."""
ROWS = {row.summary: row for row in ENDPOINTS if row.path.startswith("/api/")}


@pytest.mark.parametrize(("operation", "arguments", "line"), CALLS, ids=[f"{c[0]}" for c in CALLS])
def test_an_operation_sends_what_its_row_takes(
    both: Any, scripted: Any, operation: str, arguments: dict[str, Any], line: str
) -> None:
    scripted.json(404, b'{"type": "not_found", "message": "no"}')
    both.client.set_default_use_case("u")
    with pytest.raises(TropismError):
        both(operation, **arguments)
    got = scripted.received[0]
    address = urlsplit(got.target)
    assert f"{got.method} {address.path}" == line
    row, named = _row(got.method, address.path)
    given = named | dict(parse_qsl(address.query)) | json.loads(got.body or b"{}")
    msgspec.convert(given, row.takes, strict=row.has_body)


def test_every_row_is_called_by_some_operation() -> None:
    called = {_row(*line.split())[0].summary for _, _, line in CALLS}
    assert called | {getattr(datasets, name).summary for name in LATER} | BY_BROWSERS | ELSEWHERE == set(ROWS)


def _row(method: str, path: str) -> tuple[Any, dict[str, str]]:
    """The row that a router would choose: literal parts win over names."""
    fitting = []
    for row in ROWS.values():
        pairs = list(zip(row.path.split("/"), path.split("/"), strict=False))
        same_length = row.path.count("/") == path.count("/")
        if same_length and row.method == method and all(a == b or a.startswith("{") for a, b in pairs):
            fitting.append((row, {a.strip("{}"): b for a, b in pairs if a.startswith("{")}))
    return min(fitting, key=lambda found: len(found[1]))


def page(end: str | None, more: bool) -> bytes:
    info = PageInfo(start_cursor=end, end_cursor=end, has_next_page=more, has_previous_page=False)
    return msgspec.json.encode(InteractionPage(nodes=[], groups=[], page_info=info, total_count=0))


def test_list_all_follows_the_cursors(both: Any, scripted: Any) -> None:
    scripted.json(200, page("first-end", more=True))
    scripted.json(200, page("second-end", more=False))
    assert both.items(both.client.interactions.list_all(page_size=7, use_case="u")) == []
    pages = [json.loads(request.body)["page"] for request in scripted.received]
    assert pages == [{"first": 7}, {"first": 7, "after": "first-end"}]


def test_filters_may_be_structs(both: Any, scripted: Any) -> None:
    scripted.json(200, page(None, more=False))
    both("interactions.list", filters=InteractionFilter(models=["m"]), use_case="u")
    assert json.loads(scripted.received[0].body)["filters"]["models"] == ["m"]


def test_many_interactions_may_have_use_cases_of_their_own(both: Any, scripted: Any) -> None:
    scripted.json(201, b'{"interactions": []}')
    both("interactions.create_many", [{"completion": "a"}, {"completion": "b", "use_case": "v"}], use_case="u")
    sent = json.loads(scripted.received[0].body)["interactions"]
    assert [interaction["use_case"] for interaction in sent] == ["u", "v"]


def test_a_mistyped_model_filter_is_a_clear_error(both: Any, scripted: Any) -> None:
    with pytest.raises(TropismError, match="kynd"):
        both("models.list", {"kynd": "Generation"})
