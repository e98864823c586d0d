"""A reward server for answers in JSON. Run it alone to see it checked and registered, with `--serve` to let it run."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass

from tropism import Tropism
from tropism.rewards import Request, RewardServer, Score
from tropism.rewards.testing import check, run_reward_server


@dataclass
class Wanted:
    """What a prompt comes with: the keys that its answer must have."""

    keys: list[str]


class JsonObject(RewardServer[Wanted]):
    """1 for a JSON object with all the keys that were asked for, less for some of them, 0 for anything else."""

    def score(self, request: Request[Wanted]) -> Score:
        try:
            answer = json.loads(request.completion)
        except ValueError:
            return Score(0, {"why": "no JSON"})
        if not isinstance(answer, dict):
            return Score(0, {"why": "no object"})
        missing = [key for key in request.metadata.keys if key not in answer]
        return Score(1 - len(missing) / max(1, len(request.metadata.keys)), {"missing": missing})


def main() -> None:
    with run_reward_server(JsonObject()) as url, Tropism() as client:
        check(url, metadata={"keys": ["city", "country"]})
        report = client.reward_servers.test(url)
        print(f"{report.name} {report.version} is {report.status}: {report.description}")
        added = client.reward_servers.add(url, "json-object", description=report.description)
        print(f"The engine knows it as {added.key!r}, at {added.url}.")
        client.reward_servers.remove("json-object")


if __name__ == "__main__":
    JsonObject().serve(port=8900) if "--serve" in sys.argv else main()
