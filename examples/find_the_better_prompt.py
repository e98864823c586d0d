"""Find the better of two system prompts: many users at once, a stated rule as feedback, and the report as it grows."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from tropism import AsyncTropism

MODEL = "smollm2-135m-instruct"
PROMPTS = {
    "brief": "Answer in at most ten words.",
    "friendly": "You are a friendly clerk. Explain every step.",
}
QUESTIONS = ("Where is my parcel?", "Can I pay by card?", "Do you ship to Norway?", "How do I return a book?")
USERS = 40
AT_ONCE = 4


async def one_user(client: AsyncTropism, number: int, turn: asyncio.Semaphore) -> None:
    """Ask one question; the rule says that an answer is good if it fits into a text message."""
    async with turn:
        question = QUESTIONS[number % len(QUESTIONS)]
        answer = await client.chat.create([{"role": "user", "content": question}], user=uuid4(), max_tokens=60)
        choice = answer.choices[0]
        await client.feedback.log_metric(len(choice.message.content) <= 160, choice.completion_id, "fits")


async def main() -> None:
    async with AsyncTropism() as client:
        await client.use_cases.create("better-prompt")
        client.set_default_use_case("better-prompt")
        for key, prompt in PROMPTS.items():
            await client.models.add_variant(MODEL, key, system_prompt=prompt)
            await client.models.attach(key, wait=True, make_default=key == "friendly")
        await client.feedback.register_key("fits", kind="bool")
        await client.feedback.link("fits")
        await client.ab_tests.create("which-prompt", "fits", list(PROMPTS), auto_deploy=True)

        turn = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(one_user(client, number, turn) for number in range(USERS)))

        report = (await client.ab_tests.get("which-prompt")).report
        print(report.summary)
        for variant in report.variants:
            print(f"{variant.variant}: {variant.feedbacks} feedbacks, {variant.interval}")


if __name__ == "__main__":
    asyncio.run(main())
