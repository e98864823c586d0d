"""Models: registered once, deployed on engines, attached to use cases."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tropism.wire.endpoint import Endpoint
from tropism.wire.jobs import Job
from tropism.wire.page import Nothing
from tropism.wire.reliability import Concurrency, Reliability
from tropism.wire.values import Key, Name, Reference, Secret, Time
from tropism.wire.variants import Parameters as Parameters
from tropism.wire.variants import VariantCreate, VariantRollback, VariantUpdate, Versions

Online = Literal["ONLINE", "PENDING", "OFFLINE", "ERROR"]
Kind = Literal["Generation", "Embedding"]
Fallbacks = Annotated[list[Reference], Meta(max_length=8)]
Provider = Literal["open_ai", "azure", "google", "anthropic", "nvidia", "custom"]


Runtime = Literal["llama_cpp", "vllm"]


class ComputeConfig(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How a model is run.

    `engine` says by what, for models whose files are here. With `vllm`, `url` is a vLLM server that is there already,
    and `served_name` what it calls the model if it has several; without `url` one is started.
    """

    tp: Annotated[int, Meta(ge=1, le=64, description="Tensor parallelism: over how many devices.")] = 1
    kv_cache_len: (
        Annotated[int, Meta(ge=128, description="Tokens that all requests share; None takes what fits.")] | None
    ) = None
    max_seq_len: Annotated[int, Meta(ge=128, le=1_048_576, description="Longest prompt and answer, in tokens.")] = 2048
    engine: Annotated[Runtime | None, Meta(description="None is llama.cpp.")] = None
    url: Annotated[str, Meta(min_length=1, max_length=2_000)] | None = None
    served_name: Annotated[str, Meta(min_length=1, max_length=300)] | None = None


class Placement(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Where an attached model should run."""

    compute_pools: list[Reference] = []
    max_ttft_ms: Annotated[int, Meta(ge=1)] | None = None


class Prices(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What a model costs, in US dollars per million tokens read and written."""

    input_per_million: Annotated[float, Meta(ge=0, le=1e6)]
    output_per_million: Annotated[float, Meta(ge=0, le=1e6)]


class Origin(Struct, kw_only=True, frozen=True):
    """Where a model's files come from, and what they say of it. `revision` is the commit on the hub."""

    hf_model_id: str | None
    revision: str | None
    base_model: str | None
    licence: str | None
    architecture: str
    context_length: int | None


class Model(Struct, kw_only=True, frozen=True):
    """A registered model.

    `backbone` is the key of the model that an adapter or a variant stands on. `size` counts parameters. `available`
    says that everything needed to run it is at hand, `in_storage` that its weights are here. A variant has the `prices`
    of its backbone, and a `version`: how many system prompts and parameters it has had. `prices_source` is the list
    that prices are from, None where somebody has said them. `training_job` made it; that job tells its parent, data,
    config, versions and figures. `origin` is there for models that were downloaded or added from this machine; their id
    is that of the job which brought them.
    """

    id: UUID
    key: str
    name: str
    online: Online
    error: str | None
    kind: Kind
    is_external: bool
    provider_name: Provider | None
    is_adapter: bool
    is_training: bool
    in_storage: bool
    available: bool
    trainable: bool
    size: int | None
    backbone: str | None
    system_prompt: str | None
    parameters: Parameters | None
    version: int | None
    compute_config: ComputeConfig
    prices: Prices | None
    prices_source: str | None
    concurrency: Concurrency | None
    training_job: UUID | None
    origin: Origin | None
    created_at: Time


class ModelService(Struct, kw_only=True, frozen=True):
    """A model attached to a use case. `online` is the model's state as this use case sees it.

    `fallbacks` are the keys of the models that answer, in this order, when this one cannot.
    """

    model: Model
    is_default: bool
    desired_online: bool
    online: Online
    placement: Placement | None
    fallbacks: list[str]
    reliability: Reliability | None


class ModelFilter(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which models to list; `None` does not filter. `view_all` shows those that cannot run here, too."""

    in_storage: bool | None = None
    available: bool | None = None
    trainable: bool | None = None
    kind: Kind | None = None
    online: Online | None = None
    view_all: bool = False


class Models(Struct, kw_only=True, frozen=True):
    """A list of models."""

    models: list[Model]


class ModelReference(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One model."""

    model: Reference


class ExternalModelCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A model served by somebody else. The api key is encrypted at rest and never returned."""

    name: Name
    external_model_id: Annotated[str, Meta(min_length=1, max_length=300)]
    api_key: Secret
    provider: Provider
    endpoint: Annotated[str, Meta(max_length=2_000)] | None = None
    key: Key | None = None
    kind: Kind = "Generation"
    extra_params: dict[str, Any] | None = None
    prices: Prices | None = None


class HfModelCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A model of the Hugging Face hub. The token is encrypted for as long as the job needs it, and then gone."""

    hf_model_id: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$(?!\n)",
            max_length=200,
            description="What the hub calls it, such as `org/name`.",
        ),
    ]
    output_model_key: Key
    hf_token: Secret | None = None
    output_model_name: Name | None = None
    compute_pool: Reference | None = None
    revision: Annotated[str, Meta(min_length=1, max_length=200, description="A branch, tag or commit.")] | None = None
    file: Annotated[str, Meta(min_length=1, max_length=500, description="One of several GGUF files.")] | None = None


class LocalModelCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A GGUF file, or a folder of a model for transformers with safetensors, on the server's own disk."""

    path: Annotated[str, Meta(min_length=1, max_length=4_096)]
    key: Key
    name: Name | None = None


class ComputeConfigUpdate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new compute config; a running model is started again with it.

    `api_key` is what the vLLM server at `url` wants; it is encrypted at rest and never returned. None keeps the one
    that there is, as long as the URL stays the same.
    """

    model: Reference
    compute_config: ComputeConfig
    api_key: Secret | None = None


class PricesUpdate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """New prices; None goes back to what the price list says, if anything. What was logged before keeps its cost."""

    model: Reference
    prices: Prices | None = None


class ConcurrencyUpdate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new bound for what an engine works on at once; None takes it away."""

    model: Reference
    concurrency: Concurrency | None = None


class TerminateModel(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Stop a model. Without `force`, a model that serves an attached use case is refused."""

    model: Reference
    force: bool = False


class AttachModel(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Attach a model to a use case; it is deployed if it is not yet.

    `fallbacks`, other attached generation models, answer in this order when the model's engine cannot; None changes
    nothing, an empty list takes them away.
    """

    use_case: Reference
    model: Reference
    make_default: bool = False
    placement: Placement | None = None
    fallbacks: Fallbacks | None = None
    reliability: Reliability | None = None


class ModelServiceReference(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One model in one use case."""

    use_case: Reference
    model: Reference


class ModelServiceUpdate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Change how a use case uses a model; `None` changes nothing."""

    use_case: Reference
    model: Reference
    is_default: bool | None = None
    attached: bool | None = None
    desired_online: bool | None = None
    placement: Placement | None = None
    fallbacks: Fallbacks | None = None
    reliability: Reliability | None = None


LIST = Endpoint(
    method="GET",
    path="/api/v1/models",
    takes=ModelFilter,
    returns=Models,
    permission="model:read",
    summary="List models",
)
ADD_EXTERNAL = Endpoint(
    method="POST",
    path="/api/v1/models/external",
    takes=ExternalModelCreate,
    returns=Model,
    permission="model:create",
    summary="Register a model of an outside provider",
    status=201,
)
ADD_LOCAL = Endpoint(
    method="POST",
    path="/api/v1/models/local",
    takes=LocalModelCreate,
    returns=Job,
    permission="model:create",
    summary="Add a model of the server's disk: a GGUF file, or a folder with safetensors; the job registers it",
    status=201,
)
ADD_HF = Endpoint(
    method="POST",
    path="/api/v1/models/hf",
    takes=HfModelCreate,
    returns=Job,
    permission="model:create",
    summary="Add a model of the Hugging Face hub: a job downloads, converts and registers it",
    status=201,
)
ADD_VARIANT = Endpoint(
    method="POST",
    path="/api/v1/models/variants",
    takes=VariantCreate,
    returns=Model,
    permission="model:create",
    summary="Register a model with a system prompt and parameters of its own",
    status=201,
)
UPDATE_VARIANT = Endpoint(
    method="PATCH",
    path="/api/v1/models/{model}/variant",
    takes=VariantUpdate,
    returns=Model,
    permission="model:create",
    summary="Change the system prompt or parameters of a variant: a new version",
)
LIST_VERSIONS = Endpoint(
    method="GET",
    path="/api/v1/models/{model}/versions",
    takes=ModelReference,
    returns=Versions,
    permission="model:read",
    summary="List the versions of a variant, the latest first",
)
ROLL_BACK = Endpoint(
    method="POST",
    path="/api/v1/models/{model}/rollback",
    takes=VariantRollback,
    returns=Model,
    permission="model:create",
    summary="Go back to an earlier version of a variant, as a new version",
)
GET = Endpoint(
    method="GET",
    path="/api/v1/models/{model}",
    takes=ModelReference,
    returns=Model,
    permission="model:read",
    summary="Get a model",
)
UPDATE_COMPUTE_CONFIG = Endpoint(
    method="PATCH",
    path="/api/v1/models/{model}/compute_config",
    takes=ComputeConfigUpdate,
    returns=Model,
    permission="model:deploy",
    summary="Change how a model is run",
)
UPDATE_PRICES = Endpoint(
    method="PATCH",
    path="/api/v1/models/{model}/prices",
    takes=PricesUpdate,
    returns=Model,
    permission="model:create",
    summary="Say what a model costs",
)
UPDATE_CONCURRENCY = Endpoint(
    method="PATCH",
    path="/api/v1/models/{model}/concurrency",
    takes=ConcurrencyUpdate,
    returns=Model,
    permission="model:deploy",
    summary="Say how many requests a model works on at once",
)
DEPLOY = Endpoint(
    method="POST",
    path="/api/v1/models/{model}/deploy",
    takes=ModelReference,
    returns=Model,
    permission="model:deploy",
    summary="Start a model on an engine",
)
TERMINATE = Endpoint(
    method="POST",
    path="/api/v1/models/{model}/terminate",
    takes=TerminateModel,
    returns=Model,
    permission="model:deploy",
    summary="Stop a model",
)
ATTACH = Endpoint(
    method="POST",
    path="/api/v1/use_cases/{use_case}/models",
    takes=AttachModel,
    returns=ModelService,
    permission="model:attach",
    summary="Attach a model to a use case",
    status=201,
)
UPDATE = Endpoint(
    method="PATCH",
    path="/api/v1/use_cases/{use_case}/models/{model}",
    takes=ModelServiceUpdate,
    returns=ModelService,
    permission="model:attach",
    summary="Change how a use case uses a model",
)
DETACH = Endpoint(
    method="DELETE",
    path="/api/v1/use_cases/{use_case}/models/{model}",
    takes=ModelServiceReference,
    returns=Nothing,
    permission="model:attach",
    summary="Detach a model from a use case",
)
