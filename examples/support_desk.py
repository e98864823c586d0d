"""A support desk: stream an answer, ask again in the same session, and log what the session led to."""

from __future__ import annotations

from uuid import UUID

from tropism import Tropism
from tropism.sdk.inputs import MessageDict

MODEL = "smollm2-135m-instruct"


def say(client: Tropism, conversation: list[MessageDict], session_id: UUID | None) -> UUID:
    """Print the answer while it is generated; add it to the conversation."""
    answer = ""
    with client.chat.create(conversation, stream=True, session_id=session_id, max_tokens=60) as stream:
        for chunk in stream:
            session_id = chunk.session_id
            for choice in chunk.choices:
                answer += choice.delta.content
                print(choice.delta.content, end="", flush=True)
    print()
    conversation.append({"role": "assistant", "content": answer})
    assert session_id is not None, "every chunk carries the session"
    return session_id


def main() -> None:
    with Tropism() as client:
        client.use_cases.create("support-desk")
        client.set_default_use_case("support-desk")
        client.models.attach(MODEL, make_default=True, wait=True)
        client.feedback.register_key("case-closed", kind="bool")
        client.feedback.link("case-closed")

        conversation: list[MessageDict] = [{"role": "system", "content": "You help customers of a bookshop."}]
        session_id = None
        for question in ("Where is my parcel?", "It was ordered on Monday."):
            print(f"> {question}")
            conversation.append({"role": "user", "content": question})
            session_id = say(client, conversation, session_id)

        assert session_id is not None
        client.feedback.log_outcome(True, session_id, "case-closed")
        logged = client.interactions.list(filters={"session_id": session_id})
        print(f"{logged.total_count} interactions in this session")


if __name__ == "__main__":
    main()
