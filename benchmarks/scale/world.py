"""What the rows of a log point to, made through the API before they are loaded."""

from __future__ import annotations

from benchmarks.scale.rows import World
from tropism import Tropism
from tropism.testing import RunningServer

USE_CASE = "scale"
MODELS = tuple(f"{USE_CASE}-{number}" for number in range(3))


def made_through_the_api(server: RunningServer, size: int) -> World:
    """Make a use case, its models, keys and A/B test on a server that has the echo models `MODELS`."""
    with Tropism(server.base_url, server.api_key) as client:
        used = client.use_cases.create(USE_CASE)
        client.set_default_use_case(USE_CASE)
        models = [client.models.attach(key, wait=True).model.id for key in MODELS]
        keys = [client.feedback.register_key(f"{USE_CASE}-{name}").id for name in ("stars", "better")]
        for name in ("stars", "better"):
            client.feedback.link(f"{USE_CASE}-{name}")
        test = client.ab_tests.create(f"{USE_CASE}-test", f"{USE_CASE}-stars", list(MODELS[:2]), auto_deploy=False)
        return World(
            use_case=used.id,
            models=(models[0], models[1], models[2]),
            ab_test=test.id,
            stars=keys[0],
            better=keys[1],
            size=size,
        )
