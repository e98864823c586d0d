"""The Helm chart renders to objects that Kubernetes takes, and refuses values that cannot work."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from .chart import CAN_RENDER, Refused, render
from .files import CONTAINERFILE, OPEN_PATHS, PORT, VARIABLES

pytestmark = pytest.mark.skipif(not CAN_RENDER, reason="neither helm nor gotpl is here: make test-deploy")
LEAST = {"secretName": "tropism"}
MANY: dict[str, Any] = {
    **LEAST,
    "replicas": 3,
    "database": True,
    "publicUrl": "https://tropism.example.org",
    "environment": {"TROPISM_LOG_REQUESTS": True, "TROPISM_SIGN_IN_HOURS": 8},
    "metrics": {"enabled": True},
    "ingress": {"enabled": True, "className": "nginx", "host": "tropism.example.org", "tlsSecretName": "tls"},
    "resources": {"requests": {"cpu": "1", "memory": "2Gi"}},
    "pullSecrets": [{"name": "registry"}],
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "gpu", "operator": "Exists"}],
    "podAnnotations": {"team": "ml"},
    "data": {"claim": "shared"},
    "storage": "s3://bucket/prefix",
    "environmentSecret": "bucket",
}


def only(objects: list[dict[str, Any]], kind: str) -> Any:
    (found,) = [each for each in objects if each["kind"] == kind]
    return found


def engine(**values: Any) -> Any:
    """The one container of an engine's pod."""
    (container,) = only(render(**values), "StatefulSet")["spec"]["template"]["spec"]["containers"]
    return container


@pytest.mark.skipif(find_spec("kubernetes_validate") is None, reason="make test-deploy")
@pytest.mark.parametrize("values", [LEAST, MANY], ids=["least", "many"])
@pytest.mark.parametrize("version", ["1.27", "1.34"])
def test_every_object_has_the_shape_that_kubernetes_wants(values: dict[str, Any], version: str) -> None:
    import kubernetes_validate

    for each in render(**values):
        kubernetes_validate.validate(each, version, strict=True)


def test_one_engine_needs_a_secret_and_nothing_else() -> None:
    objects = render(**LEAST)
    assert sorted(each["kind"] for each in objects) == ["Service", "Service", "StatefulSet"]
    names = {variable["name"] for variable in engine(**LEAST)["env"]}
    assert "TROPISM_DATABASE" not in names
    assert "TROPISM_STORAGE" not in names


def test_every_variable_is_a_setting_and_is_set_once() -> None:
    names = [variable["name"] for variable in engine(**MANY)["env"]]
    assert len(names) == len(set(names))
    assert set(names) <= VARIABLES
    values = {variable["name"]: variable.get("value") for variable in engine(**MANY)["env"]}
    assert values["TROPISM_LOG_REQUESTS"] == "true"
    assert values["TROPISM_STORAGE"] == "s3://bucket/prefix"
    assert values["TROPISM_METRICS_PORT"] == "9090"


def test_secrets_come_from_the_secret_alone() -> None:
    secret = {"TROPISM_SECRET_KEY", "TROPISM_ADMIN_API_KEY", "TROPISM_DATABASE"}
    found = {each["name"]: each for each in engine(**MANY)["env"] if each["name"] in secret}
    assert found.keys() == secret
    assert {each["valueFrom"]["secretKeyRef"]["name"] for each in found.values()} == {"tropism"}
    assert all("value" not in each for each in found.values())


def test_probes_ask_open_routes_at_the_port_of_the_image() -> None:
    container = engine(**MANY)
    (port,) = [each["containerPort"] for each in container["ports"] if each["name"] == "http"]
    assert port == PORT
    probes = {name: container[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert {each["port"] for each in probes.values()} == {"http"}
    assert {each["path"] for each in probes.values()} <= OPEN_PATHS
    assert probes["readinessProbe"]["path"] == "/ready"
    assert probes["livenessProbe"]["path"] == "/health", "a database that is away is no reason to kill an engine"


def test_a_pod_has_time_to_leave_and_to_drain() -> None:
    pod = only(render(**LEAST, drainSeconds=100, leaveSeconds=7), "StatefulSet")["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > 107
    (container,) = pod["containers"]
    assert container["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", "7"]
    assert {"name": "TROPISM_DRAIN_SECONDS", "value": "100"} in container["env"]


def test_an_engine_may_write_to_its_volumes_alone() -> None:
    pod = only(render(**MANY), "StatefulSet")["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert pod["securityContext"]["runAsNonRoot"]
    assert f"useradd --uid {pod['securityContext']['runAsUser']}" in CONTAINERFILE
    paths = [mount["mountPath"] for mount in container["volumeMounts"]]
    assert paths == ["/data", "/tmp"]
    assert {volume["name"] for volume in pod["volumes"]} == {"data", "tmp"}


def test_one_engine_gets_a_claim_of_its_own() -> None:
    spec = only(render(**LEAST, data={"size": "50Gi", "storageClass": "fast"}), "StatefulSet")["spec"]
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "50Gi"
    assert claim["spec"]["storageClassName"] == "fast"
    assert "volumeClaimTemplates" not in only(render(**MANY), "StatefulSet")["spec"]


def test_engines_with_a_storage_need_no_shared_claim() -> None:
    apart = {name: value for name, value in MANY.items() if name != "data"}
    spec = only(render(**apart), "StatefulSet")["spec"]
    assert [claim["spec"]["accessModes"] for claim in spec["volumeClaimTemplates"]] == [["ReadWriteOnce"]]
    assert engine(**apart)["envFrom"] == [{"secretRef": {"name": "bucket"}}]


def test_services_and_budgets_find_the_engines() -> None:
    objects = render(**MANY)
    labels = only(objects, "StatefulSet")["spec"]["template"]["metadata"]["labels"]
    selectors = [each["spec"]["selector"] for each in objects if each["kind"] == "Service"]
    selectors.append(only(objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"])
    assert len(selectors) == 3
    assert all(selector.items() <= labels.items() for selector in selectors)
    names = {each["metadata"]["name"] for each in objects if each["kind"] == "Service"}
    assert only(objects, "StatefulSet")["spec"]["serviceName"] in names
    (path,) = only(objects, "Ingress")["spec"]["rules"][0]["http"]["paths"]
    assert path["backend"]["service"]["name"] in names


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, "name a Secret with the keys"),
        ({**LEAST, "replicas": 2}, "more than one engine need `database: true`"),
        ({**LEAST, "replicas": 2, "database": True}, "need a `storage`, or `data.claim`"),
        ({**LEAST, "ingress": {"enabled": True}}, "the name by which browsers find the engine"),
        ({**LEAST, "replica": 2}, "replica"),
        ({**LEAST, "publicUrl": "https://example.org/path"}, "publicUrl|does not match"),
    ],
)
def test_values_that_cannot_work_are_refused(values: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused, match=why):
        render(**values)
