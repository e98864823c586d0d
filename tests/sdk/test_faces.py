"""Both clients offer the same operations, and both look like ordinary methods."""

from __future__ import annotations

import asyncio
import inspect
import os
import pydoc
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any

import pytest

import tropism
from tropism import AsyncTropism, Tropism, resources

SYNC = [getattr(resources, name) for name in resources.__all__ if not name.startswith("Async")]
DOMAINS = [
    "ab_tests",
    "chat",
    "completions",
    "compute_pools",
    "embeddings",
    "feedback",
    "interactions",
    "jobs",
    "models",
    "permissions",
    "reward_servers",
    "use_cases",
    "users",
]


def methods(resource: Any) -> list[str]:
    return [name for name in dir(resource) if not name.startswith("_")]


def operations() -> list[Any]:
    found = []
    for resource in SYNC:
        twin = getattr(resources, f"Async{resource.__name__}")
        for name in methods(resource):
            found.append(pytest.param(resource, twin, name, id=f"{resource.__name__}.{name}"))
    return found


@pytest.mark.parametrize("resource", SYNC)
def test_both_faces_have_the_same_methods(resource: type) -> None:
    assert methods(resource) == methods(getattr(resources, f"Async{resource.__name__}"))


@pytest.mark.parametrize(("resource", "twin", "name"), operations())
def test_both_faces_show_the_same_signature_and_docstring(resource: type, twin: type, name: str) -> None:
    plain, awaited = getattr(resource, name), getattr(twin, name)
    assert str(inspect.signature(plain)).replace("Iterator", "") == str(inspect.signature(awaited)).replace(
        "AsyncIterator", ""
    )
    assert plain.__doc__ == awaited.__doc__
    assert plain.__doc__
    assert "Flow" not in str(inspect.signature(plain))


@pytest.mark.parametrize(("resource", "twin", "name"), operations())
def test_only_the_async_face_is_awaited(resource: type, twin: type, name: str) -> None:
    plain, awaited = getattr(resource, name), getattr(twin, name)
    assert not inspect.iscoroutinefunction(plain)
    assert inspect.iscoroutinefunction(awaited) or inspect.isasyncgenfunction(awaited)


@pytest.mark.parametrize(("resource", "twin", "name"), operations())
def test_annotations_can_be_evaluated(resource: type, twin: type, name: str) -> None:
    assert "return" in typing.get_type_hints(getattr(resource, name))
    assert "return" in typing.get_type_hints(getattr(twin, name))


def test_help_shows_arguments_and_text() -> None:
    shown = pydoc.plain(pydoc.render_doc(resources.AsyncFeedback))
    assert "log_metric(self, value: 'float | bool', completion_id: 'Id'" in shown
    assert "The same user on the same completion and key replaces the earlier value." in shown


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("use_cases.create", "key name description team"),
        ("use_cases.get", "use_case"),
        ("models.add_external", "name external_model_id api_key provider endpoint key extra_params"),
        ("models.list", "filter"),
        ("models.attach", "model wait make_default placement"),
        ("models.update", "model is_default attached desired_online placement"),
        ("models.update_compute_config", "model compute_config"),
        ("models.deploy", "model wait"),
        ("models.terminate", "model force"),
        (
            "chat.create",
            "messages stream model stop max_tokens temperature top_p stream_include_usage session_id user ab_campaign "
            "n labels",
        ),
        ("embeddings.create", "input model encoding_format user"),
        (
            "interactions.create",
            "completion model prompt messages feedbacks user session_id ab_campaign labels created_at",
        ),
        ("interactions.list", "order filters page group_by"),
        ("interactions.get", "completion_id"),
        ("feedback.register_key", "key kind scoring_type name description"),
        ("feedback.log_metric", "value completion_id feedback_key user details"),
        (
            "feedback.log_preference",
            "feedback_key preferred_completion other_completion user prompt messages tied",
        ),
        ("ab_tests.create", "ab_test_key feedback_key models traffic_split feedback_type auto_deploy"),
        ("ab_tests.list", "active status"),
        ("reward_servers.add", "url key name description"),
        ("reward_servers.remove", "key"),
        ("reward_servers.test", "url"),
    ],
)
def test_arguments_are_those_of_the_reference(method: str, arguments: str) -> None:
    resource, name = method.split(".")
    with Tropism("http://unused", "k") as client:
        parameters = inspect.signature(getattr(getattr(client, resource), name)).parameters.values()
    assert [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD] == arguments.split()


def test_clients_have_the_same_resources() -> None:
    plain, awaited = Tropism("http://unused", "k"), AsyncTropism("http://unused", "k")
    for domain in DOMAINS:
        kind = type(getattr(plain, domain))
        assert kind.__name__ in resources.__all__
        assert type(getattr(awaited, domain)).__name__ == f"Async{kind.__name__}"
    plain.close()
    asyncio.run(awaited.close())


def test_the_package_exports_its_clients_and_errors() -> None:
    assert tropism.__all__ == sorted(tropism.__all__, key=str)
    assert all(hasattr(tropism, name) for name in tropism.__all__)
    assert resources.__all__ == sorted(resources.__all__)


HEAVY = ["httpx2", "asyncio", "starlette", "sqlalchemy", "uvicorn", "aiohttp", "numpy", "rich", "cyclopts"]


def test_the_import_is_light() -> None:
    code = f"import sys, tropism; print([name for name in {HEAVY} if name in sys.modules])"
    assert _python(code) == "[]"


def test_a_client_imports_no_server_package() -> None:
    code = f"import sys, tropism; tropism.Tropism('http://x', 'k'); print([n for n in {HEAVY[2:]} if n in sys.modules])"
    assert _python(code) == "[]"


def _python(code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(Path(tropism.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()
