"""A model learns from its log: trained, attached, tested against its parent, promoted, and rolled back again.

It needs an engine with the bundled models and the extra `train` (`make setup-train`, then `make run`), and minutes.
"""

from __future__ import annotations

from itertools import cycle, islice
from typing import Any

from tropism import Tropism
from tropism.wire.ab_tests import ABReport

MODEL = "smollm2-135m-instruct"
QUESTIONS = ("Where is my parcel?", "Can I pay by card?", "Do you ship to Norway?", "How do I return a book?")
LIKED, DISLIKED = "Please write to our support.", "Thank you for your question, of which there is a lot to say, first"
KEY = "liked"
MOST = 200


def log(client: Tropism) -> None:
    """What an application has brought in: answers, and what its users thought of them."""
    client.feedback.register_key(KEY, kind="bool")
    client.feedback.link(KEY)
    for question in QUESTIONS * 3:
        for answer, is_liked in ((LIKED, 1), (DISLIKED, 0)):
            messages: Any = [{"role": "user", "content": question}]
            client.interactions.create(answer, messages=messages, feedbacks=[{"feedback_key": KEY, "value": is_liked}])


def train(client: Tropism, parent: str, learning_rate: float, num_epochs: int) -> str:
    """Imitate what users liked; the child's key."""
    config: Any = {
        "output_name": f"{parent}-liked",
        "training_config": {
            "training_metadata": {"alignment_method": "SFT"},
            "training_objective": {"metric": {"metric_key": KEY}},
            "base_training_params": {"learning_rate": learning_rate, "num_epochs": num_epochs, "batch_size": 4},
        },
        "sample_config": {"datasource": {"completions": {}}},
    }
    job = client.training.jobs.create(parent, config, wait=True)
    assert job.output_model
    return job.output_model


def compare(client: Tropism, parent: str, child: str) -> ABReport:
    """Half of the traffic goes to each; here a rule says what users would."""
    client.ab_tests.create("child-or-parent", KEY, [parent, child])
    for question in islice(cycle(QUESTIONS), MOST):
        choice = client.chat.create([{"role": "user", "content": question}], max_tokens=24).choices[0]
        client.feedback.log_metric(choice.message.content.startswith("Please"), choice.completion_id, KEY)
        if client.ab_tests.get("child-or-parent").status == "done":
            break
    return client.ab_tests.get("child-or-parent").report


def improve(client: Tropism, parent: str, learning_rate: float = 5e-4, num_epochs: int = 3) -> str:
    """The whole way, in a use case that has the parent as its default; the child's key."""
    log(client)
    child = train(client, parent, learning_rate, num_epochs)
    client.models.attach(child, wait=True)
    report = compare(client, parent, child)
    print(report.summary)
    if report.winner == child:
        client.models.update(child, is_default=True)
        print(f"promoted {child}")
    return child


def roll_back(client: Tropism, parent: str, child: str) -> None:
    """The parent answers again, from the next request on; the child stays, with its log."""
    client.models.update(parent, is_default=True)
    client.models.detach(child)


def main() -> None:
    with Tropism() as client:
        if MODEL not in {model.key for model in client.models.list(filter={"trainable": True})}:
            print(f"{MODEL!r} cannot be trained here: start the engine with `make run`, which has its weights")
            return
        client.use_cases.create("better-model")
        client.set_default_use_case("better-model")
        client.models.attach(MODEL, wait=True, make_default=True)
        child = improve(client, MODEL)
        roll_back(client, MODEL, child)


if __name__ == "__main__":
    main()
