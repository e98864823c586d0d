"""The bundled model as a judge: small as it is, every sample gets a verdict or an abstention."""

from __future__ import annotations

import json
from pathlib import Path

from tropism import Tropism
from tropism.testing import run_server

BUNDLED = "smollm2-135m-instruct"
PARCEL = {"role": "document", "content": "The parcel left Rome on Monday."}
LINES = [
    {"messages": [PARCEL, {"role": "user", "content": "When did it leave?"}], "completion": "It left on Monday."},
    {"messages": [PARCEL, {"role": "user", "content": "From where?"}], "completion": "From Paris."},
]


def test_the_bundled_model_judges_a_small_dataset(tmp_path: Path) -> None:
    file = tmp_path / "parcels.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    with (
        run_server(echo_models=(), bundled_models=True) as server,
        Tropism(server.base_url, server.api_key) as client,
    ):
        client.set_default_use_case("default")
        client.models.attach(BUNDLED, wait=True)
        client.datasets.upload(file, "parcels")
        job = client.evaluation.jobs.create(
            {"datasource": {"dataset": {"dataset": "parcels"}}}, [], BUNDLED, "faithfulness"
        )
        report = client.evaluation.jobs.wait(job.id, timeout=300).report
        samples = list(client.evaluation.jobs.all_samples(job.id))
    assert report
    [scores] = report.models
    assert scores.feedbacks + scores.abstained == len(LINES)
    assert all(sample.reason and sample.parts for sample in samples if sample.status == "scored")
    [used] = report.usage
    assert used.calls >= len(LINES)
    assert used.prompt_tokens > 100
