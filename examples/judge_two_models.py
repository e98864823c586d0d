"""Let a judge compare two system prompts on the questions of your own log, by rules of your own."""

from __future__ import annotations

from tropism import Tropism
from tropism.sdk.inputs import CustomEvalConfigDict, DataConfigDict

MODEL = "smollm2-135m-instruct"
JUDGE = "smollm2-135m-instruct"  # a larger one judges better: add it with models.add_external
PROMPTS = {
    "plain": "Answer in plain words.",
    "formal": "Answer as a lawyer would.",
}
QUESTIONS = ("Where is my parcel?", "Can I pay by card?", "Do you ship to Norway?", "How do I return a book?")
RULES: CustomEvalConfigDict = {
    "guidelines": [
        {"name": "plain", "description": "A child of ten understands the answer."},
        {"name": "short", "description": "The answer has at most two sentences."},
    ],
    "feedback_key": "plain-and-short",
}


def main() -> None:
    with Tropism() as client:
        client.use_cases.create("judged-desk")
        client.set_default_use_case("judged-desk")
        client.models.attach(MODEL, wait=True, make_default=True)
        for key, prompt in PROMPTS.items():
            client.models.add_variant(MODEL, key, system_prompt=prompt)
            client.models.attach(key, wait=True)
        for question in QUESTIONS:
            client.chat.create([{"role": "user", "content": question}], max_tokens=60)

        log: DataConfigDict = {"datasource": {"completions": {"selection_type": "ALL", "replay_interactions": True}}}
        expected = client.evaluation.jobs.estimate(log, list(PROMPTS), JUDGE, "custom", RULES)
        print(f"about {expected.replay_calls + expected.judge_calls} calls")
        job = client.evaluation.jobs.create(log, list(PROMPTS), JUDGE, "custom", RULES, name="Plain or formal")
        report = client.evaluation.jobs.wait(job.id).report
        assert report is not None
        print(report.summary)
        for sample in client.evaluation.jobs.all_samples(job.id):
            print(sample.number, sample.model, sample.status, sample.score, sample.reason)


if __name__ == "__main__":
    main()
