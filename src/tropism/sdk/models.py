"""Models: registered once, deployed on engines, attached to use cases."""

from __future__ import annotations

import builtins
import os
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from tropism.sdk.errors import TropismError
from tropism.sdk.flow import AsyncResource, Flow, Reference, Resource, SyncResource, operation
from tropism.sdk.inputs import (
    ComputeConfigDict,
    ModelFilterDict,
    ParametersDict,
    PlacementDict,
    PricesDict,
    ReliabilityDict,
    unchecked,
)
from tropism.sdk.online import model_online, service_online
from tropism.sdk.send import send
from tropism.wire import models as wire
from tropism.wire.reliability import Concurrency, Reliability
from tropism.wire.variants import VariantCreate, VariantRollback, VariantUpdate, Version


class _Registry(Resource):
    """Models themselves, whoever uses them."""

    @operation
    def list(self, filter: ModelFilterDict | wire.ModelFilter | None = None) -> Flow[builtins.list[wire.Model]]:
        """List models, for example `filter={"kind": "Generation", "online": "ONLINE"}`."""
        answer = yield from send(wire.LIST, _filter(filter))
        return answer.models

    @operation
    def get(self, model: Reference) -> Flow[wire.Model]:
        """Get a model."""
        return (yield from send(wire.GET, wire.ModelReference(model=unchecked(model))))

    @operation
    def add_external(
        self,
        name: str,
        external_model_id: str,
        api_key: str,
        provider: wire.Provider,
        endpoint: str | None = None,
        key: str | None = None,
        extra_params: Mapping[str, Any] | None = None,
        *,
        kind: wire.Kind = "Generation",
        prices: PricesDict | wire.Prices | Mapping[str, float] | None = None,
    ) -> Flow[wire.Model]:
        """Register a model of an outside provider. The api key is encrypted at rest and never returned.

        `custom` is any OpenAI-compatible server, such as vLLM; it needs the `endpoint`, and so does `azure`. For
        `prices` see `update_prices`.
        """
        takes = wire.ExternalModelCreate(
            name=name,
            external_model_id=external_model_id,
            api_key=api_key,
            provider=provider,
            endpoint=endpoint,
            key=key,
            kind=kind,
            extra_params=unchecked(extra_params),
            prices=unchecked(prices),
        )
        return (yield from send(wire.ADD_EXTERNAL, takes))

    @operation
    def add_hf_model(
        self,
        hf_model_id: str,
        output_model_key: str,
        hf_token: str | None = None,
        output_model_name: str | None = None,
        compute_pool: Reference | None = None,
        *,
        revision: str | None = None,
        file: str | None = None,
    ) -> Flow[UUID]:
        """Start a job that downloads a model of the Hugging Face hub, converts it for serving and registers it.

        Returns the job's id, which is the model's id afterwards: `jobs.wait(id)` comes back when it can be attached.
        Gated and private models need a token; it is encrypted for as long as the job needs it, and then gone.
        `revision` is a branch, tag or commit, `file` one of several GGUF files.
        """
        takes = wire.HfModelCreate(
            hf_model_id=hf_model_id,
            output_model_key=output_model_key,
            hf_token=hf_token,
            output_model_name=output_model_name,
            compute_pool=unchecked(compute_pool),
            revision=revision,
            file=file,
        )
        return (yield from send(wire.ADD_HF, takes)).id

    @operation
    def add_local(self, path: str | os.PathLike[str], key: str, name: str | None = None) -> Flow[UUID]:
        """Start a job that registers a model of the server's own disk: a GGUF file, or a folder with safetensors.

        Returns the job's id, which is the model's id afterwards: `jobs.wait(id)` comes back when it can be attached.
        A GGUF file stays where it is, and so does a folder, beside which a converted file is kept.
        """
        takes = wire.LocalModelCreate(path=os.fspath(path), key=key, name=name)
        return (yield from send(wire.ADD_LOCAL, takes)).id

    @operation
    def add_variant(
        self,
        backbone: Reference,
        key: str,
        name: str | None = None,
        system_prompt: str | None = None,
        parameters: ParametersDict | wire.Parameters | Mapping[str, float] | None = None,
    ) -> Flow[wire.Model]:
        """Register a model with a system prompt and parameters of its own, on the engine of its backbone.

        What stands in `{{ }}` in the system prompt is filled in from the `system_prompt_args` of each request.
        """
        takes = VariantCreate(
            backbone=unchecked(backbone),
            key=key,
            name=name,
            system_prompt=system_prompt,
            parameters=unchecked(parameters),
        )
        return (yield from send(wire.ADD_VARIANT, takes))

    @operation
    def update_variant(
        self,
        model: Reference,
        system_prompt: str | None = None,
        parameters: ParametersDict | wire.Parameters | Mapping[str, float] | None = None,
    ) -> Flow[wire.Model]:
        """Give a variant another system prompt, other parameters, or both, as its next version; None changes nothing.

        An empty system prompt takes it away. A variant in a running A/B test is refused.
        """
        takes = VariantUpdate(model=unchecked(model), system_prompt=system_prompt, parameters=unchecked(parameters))
        return (yield from send(wire.UPDATE_VARIANT, takes))

    @operation
    def versions(self, model: Reference) -> Flow[builtins.list[Version]]:
        """List the versions of a variant, the latest first."""
        return (yield from send(wire.LIST_VERSIONS, wire.ModelReference(model=unchecked(model)))).versions

    @operation
    def roll_back(self, model: Reference, version: int) -> Flow[wire.Model]:
        """Go back to an earlier version of a variant. It becomes the latest one; those between stay in the list."""
        return (yield from send(wire.ROLL_BACK, VariantRollback(model=unchecked(model), version=version)))

    @operation
    def update_compute_config(
        self,
        model: Reference,
        compute_config: ComputeConfigDict | wire.ComputeConfig | Mapping[str, Any],
        *,
        api_key: str | None = None,
    ) -> Flow[wire.Model]:
        """Change how a model is run; a running one is started again. `api_key` is that of a vLLM server at `url`."""
        takes = wire.ComputeConfigUpdate(
            model=unchecked(model), compute_config=unchecked(compute_config), api_key=api_key
        )
        return (yield from send(wire.UPDATE_COMPUTE_CONFIG, takes))

    @operation
    def update_prices(
        self, model: Reference, prices: PricesDict | wire.Prices | Mapping[str, float] | None
    ) -> Flow[wire.Model]:
        """Say what a model and its variants cost, as `{"input_per_million": 0.15, "output_per_million": 0.6}`, in US
        dollars per million tokens; None goes back to what `costs.prices` says, if it knows the model. Interactions are
        logged with their cost from then on.
        """
        takes = wire.PricesUpdate(model=unchecked(model), prices=unchecked(prices))
        return (yield from send(wire.UPDATE_PRICES, takes))

    @operation
    def update_concurrency(self, model: Reference, at_once: int | None, waiting: int = 100) -> Flow[wire.Model]:
        """Say how many requests a model and its variants work on at once, and how many may wait; use cases take turns.

        None takes the bound away. More than may wait are refused with 503.
        """
        concurrency = None if at_once is None else Concurrency(at_once=at_once, waiting=waiting)
        takes = wire.ConcurrencyUpdate(model=unchecked(model), concurrency=concurrency)
        return (yield from send(wire.UPDATE_CONCURRENCY, takes))

    @operation
    def deploy(self, model: Reference, wait: bool = False, *, wait_timeout: float = 300) -> Flow[wire.Model]:
        """Start a model on an engine. With `wait`, come back when it is ONLINE, or raise why it is not."""
        deployed = yield from send(wire.DEPLOY, wire.ModelReference(model=unchecked(model)))
        return (yield from model_online(deployed, wait_timeout)) if wait else deployed

    @operation
    def terminate(self, model: Reference, force: bool = False) -> Flow[wire.Model]:
        """Stop a model. Without `force`, a model that serves an attached use case is refused."""
        return (yield from send(wire.TERMINATE, wire.TerminateModel(model=unchecked(model), force=force)))


class _Models(_Registry):
    """Models as a use case uses them."""

    @operation
    def attach(
        self,
        model: Reference,
        wait: bool = False,
        make_default: bool = False,
        placement: PlacementDict | wire.Placement | None = None,
        *,
        fallbacks: Sequence[Reference] | None = None,
        reliability: ReliabilityDict | Reliability | None = None,
        use_case: Reference | None = None,
        wait_timeout: float = 300,
    ) -> Flow[wire.ModelService]:
        """Attach a model to a use case; it is deployed if it is not yet.

        With `wait`, come back when it is ONLINE, or raise why it is not. `fallbacks`, other attached models, answer in
        their order when this one cannot; an empty list takes them away. `reliability` sets timeouts and retries, as
        `{"first_token_seconds": 5, "total_seconds": 60, "retries": 2}`; what it leaves out has no limit.
        """
        chosen = self._use_case(use_case)
        takes = wire.AttachModel(
            use_case=chosen,
            model=unchecked(model),
            make_default=make_default,
            placement=unchecked(placement),
            fallbacks=unchecked(fallbacks),
            reliability=unchecked(reliability),
        )
        attached = yield from send(wire.ATTACH, takes)
        return (yield from service_online(chosen, attached, wait_timeout)) if wait else attached

    @operation
    def detach(self, model: Reference, *, use_case: Reference | None = None) -> Flow[None]:
        """Detach a model from a use case. The model stays, and so does all that it answered."""
        takes = wire.ModelServiceReference(use_case=self._use_case(use_case), model=unchecked(model))
        yield from send(wire.DETACH, takes)

    @operation
    def update(
        self,
        model: Reference,
        is_default: bool | None = None,
        attached: bool | None = None,
        desired_online: bool | None = None,
        placement: PlacementDict | wire.Placement | None = None,
        *,
        fallbacks: Sequence[Reference] | None = None,
        reliability: ReliabilityDict | Reliability | None = None,
        use_case: Reference | None = None,
    ) -> Flow[wire.ModelService]:
        """Change how a use case uses a model; `None` changes nothing.

        `desired_online` is this use case's own wish and does not touch the model's state elsewhere. `fallbacks`, other
        attached models, answer in their order when this one cannot; an empty list takes them away. `reliability`
        replaces the timeouts and retries.
        """
        takes = wire.ModelServiceUpdate(
            use_case=self._use_case(use_case),
            model=unchecked(model),
            is_default=is_default,
            attached=attached,
            desired_online=desired_online,
            placement=unchecked(placement),
            fallbacks=unchecked(fallbacks),
            reliability=unchecked(reliability),
        )
        return (yield from send(wire.UPDATE, takes))


class Models(_Models, SyncResource):
    """Register models, run them, and attach them to use cases."""


class AsyncModels(_Models, AsyncResource):
    """Register models, run them, and attach them to use cases."""


def _filter(given: ModelFilterDict | wire.ModelFilter | None) -> wire.ModelFilter:
    if isinstance(given, wire.ModelFilter):
        return given
    try:
        return wire.ModelFilter(**(given or {}))
    except TypeError as error:
        raise TropismError(f"This is no filter of models: {error}.") from None
