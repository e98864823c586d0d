"""`tropism interactions`: the log of every completion."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter
from rich.console import Group, RenderableType
from rich.text import Text

from tropism.cli import show
from tropism.cli.engine import DEFAULT, Engine, UseCase
from tropism.sdk.errors import TropismError
from tropism.sdk.inputs import InteractionFilterDict, PageDict
from tropism.wire import interactions as wire
from tropism.wire.feedback import Comparison
from tropism.wire.tools import ToolCall

app = App(name="interactions", help="The log of every completion.")


@app.command(name="list")
def list_(
    *,
    use_case: UseCase,
    model: Annotated[list[str] | None, Parameter(negative="")] = None,
    label: Annotated[dict[str, str] | None, Parameter(negative="")] = None,
    metric: str | None = None,
    tag: Annotated[list[str] | None, Parameter(negative="")] = None,
    source: Annotated[list[wire.Source] | None, Parameter(negative="")] = None,
    group_by: wire.GroupBy | None = None,
    first: int = 20,
    after: str | None = None,
    engine: Engine = DEFAULT,
) -> None:
    """List logged completions, the newest first.

    Parameters
    ----------
    model
        Only answers of this model; may be given more than once.
    label
        Only those with this label, as `--label.NAME VALUE`.
    metric
        Only those with feedback of this key.
    tag
        Only those of this A/B test.
    source
        Only those that came this way.
    group_by
        Show groups instead: one line for each model or prompt.
    first
        How many.
    after
        Go on behind this cursor; the page before names it.
    """
    filters: InteractionFilterDict = {}
    if model:
        filters["models"] = model
    if label:
        filters["labels"] = [{"key": name, "value": [value]} for name, value in label.items()]
    if metric:
        filters["feedbacks"] = [{"metric": metric}]
    if tag:
        filters["tags"] = tag
    if source:
        filters["source"] = source
    page: PageDict = {"first": first} if after is None else {"first": first, "after": after}
    with engine.client() as client:
        found = client.interactions.list(filters=filters, page=page, group_by=group_by, use_case=use_case)
    show.answer(engine, found, lambda: _groups(found) if group_by else _nodes(found))
    if found.page_info.has_next_page and not engine.json:
        total = f"{found.total_count:,}" if found.total_is_exact else f"at least {found.total_count:,}"
        show.note(f"{total} in all; the next page: --after {found.page_info.end_cursor}")


@app.command
def get(completion_id: str, *, use_case: UseCase, engine: Engine = DEFAULT) -> None:
    """Show one logged completion with its prompt and feedback."""
    with engine.client() as client:
        found = client.interactions.get(completion_id, use_case=use_case)
    show.answer(engine, found, lambda: _picture(found))


@app.command
def export(
    file: Path,
    *,
    format: Literal["jsonl", "parquet"] | None = None,
    use_case: UseCase,
    engine: Engine = DEFAULT,
) -> None:
    """Write the whole log with its feedback to a file, oldest first.

    Parameters
    ----------
    file
        Where to; a file that is there is replaced.
    format
        JSON lines or Parquet; what the file's name ends in, if not given.
    """
    chosen = format or ("parquet" if file.suffix == ".parquet" else "jsonl")
    with engine.client() as client, show.waiting("Writing"):
        count = client.interactions.export(file, chosen, use_case=use_case)
    show.answer(
        engine, {"interactions": count, "file": str(file)}, lambda: Text(f"{count} interactions are in {file}.")
    )


@app.command
def delete(
    *,
    use_case: UseCase,
    user: str | None = None,
    session: str | None = None,
    completion: Annotated[list[str] | None, Parameter(negative="")] = None,
    older_than_days: float | None = None,
    yes: Annotated[bool, Parameter(negative="")] = False,
    engine: Engine = DEFAULT,
) -> None:
    """Delete the interactions for which everything given holds, with their feedback. There is no way back.

    Parameters
    ----------
    user
        Those of this user, and the user's name on what they said about others' completions.
    session
        Those of this session.
    completion
        This one; may be given more than once.
    older_than_days
        Those that are older.
    yes
        Yes, delete them.
    """
    before = None if older_than_days is None else datetime.now(UTC) - timedelta(days=older_than_days)
    if not yes:
        raise TropismError("There is no way back from this; add --yes if you mean it.")
    with engine.client() as client:
        done = client.interactions.delete(user, session, completion, before, use_case=use_case)
    show.answer(engine, done, lambda: show.record({"Deleted": done.deleted, "Use case": done.use_case, "Id": done.id}))


def _nodes(page: wire.InteractionPage) -> RenderableType:
    rows = [(node.id, node.model, show.one_line(node.completion), _feedback(node)) for node in page.nodes]
    return show.table(["Completion", "Model", "~Answer", "Feedback"], rows, "Nothing is logged here yet.")


def _groups(page: wire.InteractionPage) -> RenderableType:
    rows = [
        (
            group.model or show.one_line(group.messages[-1].text if group.messages else ""),
            group.count,
            [f"{feedback.feedback_key} {feedback.mean:.3g} ({feedback.count})" for feedback in group.feedbacks],
            None if group.mean_latency_ms is None else f"{group.mean_latency_ms:.0f} ms",
            None if group.cost_usd is None else f"{group.cost_usd:.3g}",
        )
        for group in page.groups
    ]
    return show.table(["~Group", ">Count", "Feedback", ">Mean latency", ">USD"], rows, "Nothing is logged here yet.")


def _picture(found: wire.Interaction) -> RenderableType:
    fields = {
        "Completion": found.id,
        "Model": found.model,
        "Instead of": found.assigned_model,
        "Source": found.source,
        "Session": found.session_id,
        "User": found.user,
        "A/B test": found.ab_test,
        "Labels": [f"{name}={value}" for name, value in found.labels.items()],
        "Tokens": None if found.usage is None else f"{found.usage.prompt_tokens} + {found.usage.completion_tokens}",
        "Cost": None if found.cost_usd is None else f"{found.cost_usd:.3g} USD",
        "Took": None if found.timings.latency_ms is None else f"{found.timings.latency_ms:.0f} ms",
        "Ended by": found.finish_reason,
        "Created": found.created_at,
        "Feedback": _feedback(found),
    }
    turns: list[tuple[str, str]] = [
        (message.role, _said(message.text, message.tool_calls)) for message in found.messages
    ]
    turns.append(("answer", _said(found.completion, found.tool_calls)))
    said = [Text.assemble((f"\n{role}\n", "bold"), show.printable(text)) for role, text in turns]
    return Group(show.record(fields), *said)


def _said(text: str, calls: Sequence[ToolCall] | None) -> str:
    """What was said, and what was called with it."""
    return "\n".join([*filter(None, [text]), *(show.call(call) for call in calls or ())])


def _feedback(node: wire.Interaction) -> list[str]:
    values = [f"{feedback.feedback_key}={feedback.value:g}" for feedback in node.direct_feedbacks]
    return values + [_verdict(node, comparison) for comparison in node.comparison_feedbacks]


def _verdict(node: wire.Interaction, comparison: Comparison) -> str:
    if comparison.tied is not None:
        return f"{comparison.feedback_key}=tied"
    return f"{comparison.feedback_key}={'won' if comparison.preferred_completion_id == node.id else 'lost'}"
