"""The Helm chart renders to objects that Kubernetes takes, and refuses values that cannot work."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from tropism.cli import app
from tropism.server.domains.compute_pools.service import INFERENCE
from tropism.server.domains.jobs.service import CAPABILITIES
from tropism.server.settings import for_a_worker, from_environment

from .chart import CAN_RENDER, Refused, render
from .files import CONTAINERFILE, OPEN_PATHS, PORT, VARIABLES, WORKER

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
POOLS: dict[str, Any] = {
    **MANY,
    "data": {"size": "5Gi"},
    "pools": [
        {
            "name": "gpu",
            "replicas": 2,
            "capabilities": ["inference", "evaluation"],
            "image": {"repository": "tropism-vllm"},
            "data": {"size": "200Gi", "storageClass": "fast"},
            "environment": {"TROPISM_VLLM": "/opt/vllm/bin/vllm", "TROPISM_LOG_REQUESTS": False},
            "resources": {"limits": {"nvidia.com/gpu": 1}},
            "nodeSelector": {"gpu": "l4"},
            "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
            "affinity": {"podAntiAffinity": {}},
        },
        {"name": "jobs"},
    ],
}
"""Engines, and the workers of a pool that says all, and of one that says nothing."""


def only(objects: list[dict[str, Any]], kind: str, name: str = "example") -> Any:
    (found,) = [each for each in objects if each["kind"] == kind and each["metadata"]["name"] == name]
    return found


def pod_of(name: str = "example", **values: Any) -> Any:
    return only(render(**values), "StatefulSet", name)["spec"]["template"]["spec"]


def engine(**values: Any) -> Any:
    """The one container of an engine's pod."""
    (container,) = pod_of(**values)["containers"]
    return container


def worker(name: str, **values: Any) -> Any:
    """The one container of a pod of a pool."""
    (container,) = pod_of(f"example-pool-{name}", **values)["containers"]
    return container


@pytest.mark.skipif(find_spec("kubernetes_validate") is None, reason="make test-deploy")
@pytest.mark.parametrize("values", [LEAST, MANY, POOLS], ids=["least", "many", "pools"])
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
    selectors = _selectors(objects)
    assert len(selectors) == 4
    assert all(selector.items() <= labels.items() for selector in selectors.values())
    names = {each["metadata"]["name"] for each in objects if each["kind"] == "Service"}
    assert only(objects, "StatefulSet")["spec"]["serviceName"] in names
    (path,) = only(objects, "Ingress")["spec"]["rules"][0]["http"]["paths"]
    assert path["backend"]["service"]["name"] in names


def _selectors(objects: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, str]]:
    """By what each object finds its pods."""
    found = {}
    for each in objects:
        if selector := each["spec"].get("selector"):
            found[each["kind"], each["metadata"]["name"]] = selector.get("matchLabels", selector)
    return found


# Workers


def test_nobody_who_looks_for_engines_finds_a_worker() -> None:
    objects = render(**POOLS)
    pods = {
        each["metadata"]["name"]: each["spec"]["template"]["metadata"]["labels"]
        for each in objects
        if each["kind"] == "StatefulSet"
    }
    found = {
        of: [name for name, labels in pods.items() if selector.items() <= labels.items()]
        for of, selector in _selectors(objects).items()
    }
    assert found == {
        ("StatefulSet", "example"): ["example"],
        ("Service", "example"): ["example"],
        ("Service", "example-engines"): ["example"],
        ("PodDisruptionBudget", "example"): ["example"],
        ("StatefulSet", "example-pool-gpu"): ["example-pool-gpu"],
        ("Service", "example-pool-gpu"): ["example-pool-gpu"],
        ("PodDisruptionBudget", "example-pool-gpu"): ["example-pool-gpu"],
        ("StatefulSet", "example-pool-jobs"): ["example-pool-jobs"],
        ("Service", "example-pool-jobs"): ["example-pool-jobs"],
    }


def test_a_pool_is_started_with_commands_that_exist() -> None:
    told = {}
    for name in ("gpu", "jobs"):
        words = worker(name, **POOLS)["args"]
        _, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
        assert words[0] == "worker"
        told[name] = {option: str(value) for option, value in bound.arguments.items()}
    assert told == {
        "gpu": {
            "pool": "gpu",
            "capabilities": "inference,evaluation",
            "listen": "0.0.0.0:8090",
            "data": "/data",
        },
        "jobs": {"pool": "jobs", "data": "/data"},
    }


def test_a_pool_may_do_what_workers_can() -> None:
    able = sorted((*CAPABILITIES, INFERENCE))
    everything = {**POOLS, "pools": [{"name": "gpu", "capabilities": able}]}
    assert f"--capabilities={','.join(able)}" in worker("gpu", **everything)["args"]


def test_engines_ask_a_worker_by_the_name_of_its_pod() -> None:
    objects = render(**POOLS)
    workers, service = (only(objects, kind, "example-pool-gpu") for kind in ("StatefulSet", "Service"))
    assert workers["spec"]["serviceName"] == service["metadata"]["name"]
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"], "an engine asks as soon as the database has the address"
    (port,) = service["spec"]["ports"]
    (container,) = workers["spec"]["template"]["spec"]["containers"]
    assert container["ports"] == [{"name": port["targetPort"], "containerPort": port["port"]}]
    assert f"--listen=0.0.0.0:{port['port']}" in container["args"]
    names = [variable["name"] for variable in container["env"]]
    assert names.index("POD_NAME") < names.index("TROPISM_WORKER_ADDRESS"), "a variable knows those before it"
    by_name = {variable["name"]: variable for variable in container["env"]}
    assert by_name["POD_NAME"]["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    address = by_name["TROPISM_WORKER_ADDRESS"]["value"]
    assert address == f"http://$(POD_NAME).example-pool-gpu.default.svc:{port['port']}"


def test_a_pool_without_inference_listens_nowhere() -> None:
    container = worker("jobs", **POOLS)
    assert "ports" not in container
    assert "ports" not in only(render(**POOLS), "Service", "example-pool-jobs")["spec"]
    assert not {"startupProbe", "livenessProbe", "readinessProbe"} & container.keys()
    assert "TROPISM_WORKER_ADDRESS" not in {variable["name"] for variable in container["env"]}


def test_workers_are_probed_as_in_compose() -> None:
    """Where that probe is tried on a worker: tests/deploy/test_files.py."""
    container = worker("gpu", **POOLS)
    for name in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[name]["exec"]["command"] == WORKER["healthcheck"]["test"][1:]


def test_variables_of_a_worker_are_settings_and_its_own_go_before_those_of_all() -> None:
    variables = worker("gpu", **POOLS)["env"]
    names = [variable["name"] for variable in variables]
    assert len(names) == len(set(names))
    assert set(names) - VARIABLES == {"POD_NAME"}
    values = {variable["name"]: variable.get("value") for variable in variables}
    assert values["TROPISM_VLLM"] == "/opt/vllm/bin/vllm"
    assert values["TROPISM_LOG_REQUESTS"] == "false"
    assert values["TROPISM_SIGN_IN_HOURS"] == "8"
    assert {variable["name"]: variable.get("value") for variable in engine(**POOLS)["env"]}[
        "TROPISM_LOG_REQUESTS"
    ] == "true"


def test_a_worker_has_the_secrets_of_an_engine_but_the_key_of_the_admin() -> None:
    secrets: list[set[str]] = []
    for container in (engine(**POOLS), worker("jobs", **POOLS)):
        assert container["envFrom"] == [{"secretRef": {"name": "bucket"}}]
        secrets.append({each["name"] for each in container["env"] if "secretKeyRef" in each.get("valueFrom", {})})
    assert secrets[0] - secrets[1] == {"TROPISM_ADMIN_API_KEY"}
    assert secrets[1] == {"TROPISM_DATABASE", "TROPISM_SECRET_KEY"}


def test_a_worker_reaches_no_more_than_an_engine_that_listens_everywhere() -> None:
    def reached(container: Any) -> object:
        variables = {variable["name"]: variable.get("value") for variable in container["env"]}
        told = {"TROPISM_EGRESS_ALLOW": variables.get("TROPISM_EGRESS_ALLOW", "")}
        settings = from_environment(told, host="0.0.0.0")
        return (settings if container["name"] == "engine" else for_a_worker(settings)).egress

    for environment in ({}, {"TROPISM_EGRESS_ALLOW": "private"}):
        values = {**POOLS, "environment": environment}
        assert reached(worker("jobs", **values)) == reached(engine(**values))


def test_a_worker_may_write_to_its_volumes_alone_and_has_time_to_drain() -> None:
    engines, workers = pod_of(**POOLS), pod_of("example-pool-gpu", **POOLS)
    for name in ("securityContext", "terminationGracePeriodSeconds", "automountServiceAccountToken", "volumes"):
        assert workers[name] == engines[name]
    for name in ("securityContext", "volumeMounts"):
        assert workers["containers"][0][name] == engines["containers"][0][name]
    assert "lifecycle" not in workers["containers"][0], "nothing is sent to a worker that has left the pool"


def test_a_pool_says_where_its_workers_run_and_what_they_have() -> None:
    said, silent = pod_of("example-pool-gpu", **POOLS), pod_of("example-pool-jobs", **POOLS)
    wanted = POOLS["pools"][0]
    for name in ("nodeSelector", "tolerations", "affinity"):
        assert said[name] == wanted[name]
        assert name not in silent, "those of the engines are of the engines"
    assert said["containers"][0]["resources"] == wanted["resources"]
    assert "resources" not in silent["containers"][0]
    assert said["containers"][0]["image"].startswith("tropism-vllm:")
    assert silent["containers"][0]["image"] == engine(**POOLS)["image"]
    assert said["imagePullSecrets"] == silent["imagePullSecrets"] == [{"name": "registry"}]


def test_each_worker_has_a_disk_of_its_own_where_engines_have() -> None:
    def disk(pool: str, **values: Any) -> Any:
        spec = only(render(**values), "StatefulSet", f"example-pool-{pool}")["spec"]
        return [claim["spec"] for claim in spec.get("volumeClaimTemplates", [])]

    ((fast,), (usual,)) = disk("gpu", **POOLS), disk("jobs", **POOLS)
    assert (fast["resources"]["requests"]["storage"], fast["storageClassName"]) == ("200Gi", "fast")
    assert usual["resources"]["requests"]["storage"] == "5Gi"
    shared = {**POOLS, "data": {"claim": "shared"}}
    assert disk("gpu", **shared) == []
    assert {"name": "data", "persistentVolumeClaim": {"claimName": "shared"}} in pod_of("example-pool-gpu", **shared)[
        "volumes"
    ]


@pytest.mark.parametrize(("given", "replicas"), [({}, 1), ({"replicas": 0}, 0), ({"replicas": 3}, 3)])
def test_a_pool_has_one_worker_unless_it_says_how_many(given: dict[str, int], replicas: int) -> None:
    objects = render(**{**POOLS, "pools": [{"name": "jobs", **given}]})
    assert only(objects, "StatefulSet", "example-pool-jobs")["spec"]["replicas"] == replicas
    budgets = [each["metadata"]["name"] for each in objects if each["kind"] == "PodDisruptionBudget"]
    assert ("example-pool-jobs" in budgets) == (replicas > 1)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({}, "name a Secret with the keys"),
        ({**LEAST, "replicas": 2}, "more than one engine need `database: true`"),
        ({**LEAST, "replicas": 2, "database": True}, "need a `storage`, or `data.claim`"),
        ({**LEAST, "ingress": {"enabled": True}}, "the name by which browsers find the engine"),
        ({**LEAST, "replica": 2}, "replica"),
        ({**LEAST, "publicUrl": "https://example.org/path"}, "publicUrl|does not match"),
        ({**LEAST, "pools": [{"name": "gpu"}]}, "pools: engines and workers need `database: true`"),
        ({**LEAST, "pools": [{"name": "gpu"}], "database": True}, "pools: .* need a `storage`, or `data.claim`"),
        ({**POOLS, "pools": [{"name": "gpu"}, {"name": "gpu"}]}, 'there are two of the name "gpu"'),
        ({**POOLS, "pools": [{"name": "default", "capabilities": ["inference"]}]}, "the engines themselves answer"),
        ({**POOLS, "pools": [{"name": "g" * 50}]}, "longer than the 52 characters that Kubernetes takes"),
        ({**POOLS, "pools": [{"name": "GPU_1"}]}, "GPU_1"),
        ({**POOLS, "pools": [{"replicas": 2}]}, "name"),
        (
            {**POOLS, "pools": [{"name": "gpu", "capabilities": ["cook"]}]},
            "'evaluation', 'inference', 'models', 'train",
        ),
        ({**POOLS, "pools": [{"name": "gpu", "data": {"claim": "own"}}]}, "claim"),
    ],
)
def test_values_that_cannot_work_are_refused(values: dict[str, Any], why: str) -> None:
    with pytest.raises(Refused, match=why):
        render(**values)
