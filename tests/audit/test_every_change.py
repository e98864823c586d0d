"""Every row of the API that changes something is entered in the audit log: each is called once here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tropism import Tropism
from tropism.testing import RunningServer, run_server
from tropism.wire.api import ENDPOINTS

CHANGES_NOTHING = {
    "post_api_v1_chat_completions",
    "post_api_v1_completions",
    "post_api_v1_embeddings",
    "post_api_v1_interactions_query",
    "post_api_v1_interactions_export",
    "post_api_v1_ab_tests_plan",
    "post_api_v1_evaluation_jobs_estimate",
    "post_api_v1_reward_servers_test",
    "put_api_v1_dataset_uploads_upload",
    "post_v1_chat_completions",
    "post_v1_embeddings",
}
"""They ask, or bring bytes of which nothing has become yet. What models answer is its own log."""
TRAINS = {"post_api_v1_training_jobs", "post_api_v1_training_jobs_job_cancel"}
"""Where training is not installed, none begins; these write as evaluations do."""
AUDITED = {row.name for row in ENDPOINTS if row.method != "GET" and row.audited}
PASSWORD = "correct horse battery"
LOCAL = "http://127.0.0.1:9/v1"
Log = dict[str, Any]


@pytest.fixture(scope="module")
def entered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Any]]:
    folder = tmp_path_factory.mktemp("files")
    with run_server(echo_models=("echo-a", "echo-b")) as server, Tropism(server.base_url, server.api_key) as client:
        models(client, folder)
        use_case(client)
        people(client, server)
        things(client, folder)
        yield client.audit.list(limit=1000)


def models(client: Tropism, folder: Path) -> None:
    (folder / "model.gguf").write_bytes(b"GGUF, but nothing more")
    client.models.add_external("A", "a", "sk-1", "custom", LOCAL, "external")
    client.models.add_local(folder / "model.gguf", "local")
    client.jobs.cancel(client.models.add_hf_model("nobody/nothing", "hub"))
    client.models.add_variant("external", "variant", system_prompt="Be brief.")
    client.models.update_variant("variant", system_prompt="Be long.")
    client.models.roll_back("variant", 1)
    client.models.update_compute_config("external", {"max_seq_len": 256})
    client.models.update_prices("external", {"input_per_million": 1, "output_per_million": 1})
    client.models.update_concurrency("external", 4)
    client.models.deploy("external")
    client.models.terminate("external")


def use_case(client: Tropism) -> None:
    client.use_cases.create("case")
    client.set_default_use_case("case")
    client.use_cases.update(description="changed")
    client.models.attach("echo-a", make_default=True, wait=True)
    client.models.attach("echo-b", wait=True)
    client.models.update("echo-b", desired_online=True)
    client.feedback.register_key("thumbs", kind="bool")
    client.feedback.link("thumbs")
    client.ab_tests.create("test", "thumbs", ["echo-a", "echo-b"])
    client.ab_tests.cancel("test")
    client.models.detach("echo-b")
    client.feedback.unlink("thumbs")
    client.chat.create([{"role": "user", "content": "Hello"}])


def people(client: Tropism, server: RunningServer) -> None:
    client.teams.create("team")
    client.use_cases.share("team", "viewer")
    client.use_cases.unshare("team")
    client.roles.create("role", ["use_case:read"])
    client.roles.delete("role")
    client.api_keys.revoke(client.api_keys.create("key").id)
    for email in ("ada@example.com", "bob@example.com"):
        client.users.create(email, "A", "team")
    client.users.update("bob@example.com", "team", "annotator")
    client.users.deactivate("bob@example.com")
    client.users.activate("bob@example.com")
    client.users.remove("bob@example.com", "team")
    client.passwords.set(client.passwords.make_link("ada@example.com").token, PASSWORD)
    with httpx2.Client(base_url=server.base_url, headers={"X-Tropism-CSRF": "1"}) as browser:
        for _ in range(2):
            browser.post("/api/v1/sign_ins", json={"email": "ada@example.com", "password": PASSWORD})
        known = client.sign_ins.list("ada@example.com")
        client.sign_ins.end(known[1].id)
        body = {"password": PASSWORD, "new_password": f"{PASSWORD} staple"}
        assert browser.post("/api/v1/users/me/password", json=body).status_code == 200
        assert browser.post("/api/v1/sign_out", json={}).status_code == 200
    client.sign_ins.end_all("ada@example.com")


def things(client: Tropism, folder: Path) -> None:
    (folder / "lines.jsonl").write_text('{"messages": [{"role": "user", "content": "Q"}], "completion": "A"}\n')
    client.datasets.upload(folder / "lines.jsonl", "uploaded")
    client.datasets.from_interactions("copied")
    client.jobs.cancel(client.datasets.generate("asked", ["A document."], "echo-a").id)
    client.datasets.delete("uploaded")
    source: Any = {"datasource": {"dataset": {"dataset": "copied"}}}
    client.evaluation.jobs.cancel(client.evaluation.jobs.create(source, [], "echo-a", "answer_relevancy").id)
    client.reward_servers.add("http://127.0.0.1:9", "rewards", team="default")
    client.reward_servers.remove("rewards")
    client.limits.remove(client.limits.set("requests", 1000, "day", use_case="case").id)
    client.interactions.delete(user="01a22388-56fc-7691-8a88-4cc0bacbbffd")


@pytest.mark.parametrize("row", sorted(AUDITED - CHANGES_NOTHING - TRAINS))
def test_a_change_is_in_the_log(entered: list[Any], row: str) -> None:
    found = [each for each in entered if each.action == row]
    assert found, f"{row} leaves no trace; or nobody calls it here"
    assert all(each.user != "00000000-0000-0000-0000-000000000000" for each in found)


def test_what_changes_nothing_is_not_in_the_log(entered: list[Any]) -> None:
    assert not {each.action for each in entered} & CHANGES_NOTHING
