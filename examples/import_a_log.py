"""Bring in answers that were made elsewhere, with their ratings, and look at them by model."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tropism import Tropism
from tropism.sdk.inputs import InteractionDict

FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
LOG = [
    ("small", "Where is my parcel?", "On its way.", 3),
    ("large", "Where is my parcel?", "It left our house on Monday and should reach you today.", 5),
    ("small", "Can I pay by card?", "Yes.", 4),
    ("large", "Can I pay by card?", "Yes, by any card, on the last page of the order.", 5),
]


def main() -> None:
    with Tropism() as client:
        client.use_cases.create("old-desk")
        client.set_default_use_case("old-desk")
        client.feedback.register_key("rating")
        client.feedback.link("rating")
        for key in ("small", "large"):
            # Registered, so that the log can name them; nothing is asked of them here.
            client.models.add_external(key, key, "no key", "custom", endpoint="http://127.0.0.1:9/v1", key=f"old-{key}")

        answers: list[InteractionDict] = [
            {
                "model": f"old-{model}",
                "prompt": prompt,
                "completion": completion,
                "feedbacks": [{"feedback_key": "rating", "value": rating}],
                "labels": {"import": "january"},
                "created_at": FIRST_DAY + timedelta(hours=hour),
            }
            for hour, (model, prompt, completion, rating) in enumerate(LOG)
        ]
        client.interactions.create_many(answers)

        page = client.interactions.list(filters={"labels": [{"key": "import"}]}, group_by="model")
        for group in page.groups:
            ratings = ", ".join(f"{each.feedback_key} {each.mean:.1f}" for each in group.feedbacks)
            print(f"{group.model}: {group.count} answers, {ratings}")


if __name__ == "__main__":
    main()
