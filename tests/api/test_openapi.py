"""The OpenAPI document: valid, complete, and true of the server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from tests.api.generated import KNOWN, OWN, REACHED

from tropism import Tropism
from tropism.testing import RunningServer, run_server
from tropism.wire.api import ENDPOINTS
from tropism.wire.endpoint import Endpoint
from tropism.wire.interactions import WATCH

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
DEEP = [allow_header_conformance, ignored_auth, missing_required_header, negative_data_rejection, unsupported_method]
"""These ask more requests of their own; `make torture` has the time."""
NOT_OURS = "positive_data_acceptance"
"""A schema cannot say that a name must be of something that is there, nor that two fields go together."""
WALK = """
[phases.stateful.inference]  # what is guessed beside our own links mostly leads nowhere
algorithms = []
[[operations]]  # a user who is deleted is there, but not active
include-path = "/api/v1/users/{user}"
checks.use_after_free.enabled = false
"""
WALKING = {False: 30, True: 300}
"""For how many seconds links are followed."""


@pytest.fixture(scope="module")
def apart() -> Iterator[RunningServer]:
    """A server of our own: what is tried here stops models."""
    with run_server(echo_models=("echo-a", "echo-b")) as running:
        yield running


@pytest.fixture(scope="module")
def document(apart: RunningServer) -> Any:
    return httpx2.get(f"{apart.base_url}/openapi.json").json()


@pytest.fixture(scope="module")
def api(document: Any) -> Any:
    return schemathesis.openapi.from_dict(document)


@pytest.fixture(scope="module")
def session(apart: RunningServer) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {apart.api_key}"
        yield session


@pytest.fixture
def known(apart: RunningServer) -> dict[str, Any]:
    """What is there to be named: without it, hardly a call would succeed."""
    case = f"case-{uuid4().hex[:12]}"
    with Tropism(apart.base_url, apart.api_key) as client:
        client.use_cases.create(case, team="default")  # by now there may be other teams
        for model in ("echo-b", "echo-a"):
            client.models.attach(model, make_default=True, wait=True, use_case=case)
        client.feedback.register_key(f"{case}-stars")
        client.feedback.link(f"{case}-stars", use_case=case)
        client.ab_tests.create(f"{case}-test", f"{case}-stars", ["echo-a", "echo-b"], use_case=case)
        one, two = (
            client.interactions.create(
                "A",
                prompt="Q",
                model=model,
                feedbacks=[{"feedback_key": f"{case}-stars", "value": 1}],
                use_case=case,
            )
            for model in ("echo-a", "echo-b")
        )
    stars = f"{case}-stars"
    names = {"use_case": case, "feedback_key": stars, "metric": stars, "ab_test": f"{case}-test", "value": 1}
    sides = {"preferred_completion": str(one.completion_id), "other_completion": str(two.completion_id)}
    ids = {"completion_id": str(one.completion_id), "session_id": str(one.session_id)}
    return names | sides | ids | {"models": ["echo-a", "echo-b"], "model": "echo-a", "filters": None}


def named(case: Any, known: dict[str, Any], path: str) -> None:
    """Let the case speak of what is there."""
    if "chat" in path or "completions" in path or "embeddings" in path:
        known = known | {"model": known["use_case"]}
    for part in (case.path_parameters, case.query, case.body):
        if isinstance(part, dict):
            part.update({name: value for name, value in known.items() if name in part})


def test_the_document_is_valid(document: Any) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_every_endpoint_is_in_it(document: Any) -> None:
    operations = {(method.upper(), path) for path, found in document["paths"].items() for method in found}
    assert operations == {(row.method, row.path) for row in ENDPOINTS}
    ids = [operation["operationId"] for found in document["paths"].values() for operation in found.values()]
    assert len(ids) == len(set(ids)) == len(ENDPOINTS)


def test_every_reference_leads_somewhere(document: Any) -> None:
    for name in re.findall(r'"#/components/schemas/([^"]+)"', httpx2.Response(200, json=document).text):
        assert name in document["components"]["schemas"]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("row", ENDPOINTS, ids=lambda row: row.name)
def test_the_server_does_what_the_document_says(
    apart: RunningServer,
    api: Any,
    session: requests.Session,
    known: dict[str, Any],
    row: Endpoint[Any, Any],
    mode: GenerationMode,
    request: pytest.FixtureRequest,
) -> None:
    is_deep = request.config.getoption("times") >= 10
    is_positive = mode is GenerationMode.POSITIVE
    examples = 8 if is_positive else 4
    cases = api[row.path][row.method].as_strategy(generation_mode=mode)
    seconds = 5 if row is WATCH else 60  # a watch does not end, and is read for all the time that there is

    @settings(max_examples=examples, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=cases, is_known=st.just(True) if is_positive else st.booleans())
    def holds(case: Any, is_known: bool) -> None:
        if is_known:
            named(case, known, row.path)
        case.call_and_validate(
            base_url=apart.base_url, session=session, checks=CHECKS + DEEP * is_deep, timeout=seconds
        )

    try:
        holds()
    except Unsatisfiable:
        assert not is_positive
        assert not row.takes.__struct_fields__


def test_links_lead_from_what_is_made_to_what_is_done_with_it(document: Any) -> None:
    def linked(method: str, path: str, status: str = "200") -> dict[str, Any]:
        found = document["paths"][path][method]["responses"][status].get("links", {})
        return {name: link["parameters"] for name, link in found.items()}

    made = linked("post", "/api/v1/use_cases", "201")
    assert made["patch_api_v1_use_cases_use_case"] == {"path.use_case": "$response.body#/id"}
    assert "delete_api_v1_use_cases_use_case_shares_team" not in made, "its own team is none that it is shared with"
    inside = linked("get", "/api/v1/use_cases/{use_case}/datasets/{dataset}")
    assert inside["delete_api_v1_use_cases_use_case_datasets_dataset"] == {
        "path.dataset": "$response.body#/id",
        "path.use_case": "$request.path.use_case",
    }
    attached = linked("post", "/api/v1/use_cases/{use_case}/models", "201")
    assert attached["delete_api_v1_use_cases_use_case_models_model"]["path.model"] == "$request.body#/model"
    begun = linked("post", "/api/v1/use_cases/{use_case}/dataset_uploads", "201")
    assert begun["put_api_v1_dataset_uploads_upload"]["query.offset"] == "$response.body#/offset"
    trained = linked("post", "/api/v1/training/jobs", "201")
    assert set(trained) == {"get_api_v1_training_jobs_job", "post_api_v1_training_jobs_job_cancel"}


def test_what_follows_from_an_answer_does_what_the_document_says(
    apart: RunningServer, known: dict[str, Any], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Walks along the links, by schemathesis' own program: it knows what to make of a server that remembers."""
    is_deep = request.config.getoption("times") >= 10
    reached = tmp_path / "reached"
    there = known | {"team": "default", "role": "viewer", "backbone": "echo-a", "feedback_key": known["metric"]}
    with Tropism(apart.base_url, apart.api_key) as client:
        me = client.users.me()
        own = [str(me.id), me.email, *(str(key.id) for key in client.api_keys.list())]
    more = {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "SCHEMATHESIS_HOOKS": "tests.api.linked",
        KNOWN: json.dumps(there),
        OWN: json.dumps(own),
        REACHED: str(reached),
    }
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "run",
        f"{apart.base_url}/openapi.json",
        "--phases",
        "stateful",
    ]
    command += ["--checks", "all", "--exclude-checks", NOT_OURS, "--exclude-path-regex", "/events$", "--no-color"]
    command += ["--header", f"Authorization: Bearer {apart.api_key}", "--generation-database", "none"]
    command += ["--max-time", str(WALKING[is_deep]), "--request-timeout", "60"]  # a busy machine is no fault
    command += ["--seed", str(request.config.getoption("seed"))]
    (tmp_path / "schemathesis.toml").write_text(WALK)
    done = subprocess.run(command, env=os.environ | more, cwd=tmp_path, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    assert len(set(reached.read_text().splitlines())) > 5, "it came nowhere"
