"""What is asked of the log: each filter that the API offers, common and rare, and what reads more than a page."""

from __future__ import annotations

from typing import Any

from benchmarks.scale.rows import PROMPTS, START_MS, World, prompt_hash, session, user

DAY_MS = 86_400_000


def filters(world: World, use_case: str) -> dict[str, dict[str, Any]]:
    """Each filter by its name. Where there is a choice, of what lies in the middle of the log."""
    middle = world.size // 2
    day = START_MS + 45 * DAY_MS
    return {
        "none": {},
        "models: 90 %": {"models": [f"{use_case}-0"]},
        "models: 9 % and 1 %": {"models": [f"{use_case}-1", f"{use_case}-2"]},
        "source: 95 %": {"source": ["LIVE"]},
        "source: 0.1 %": {"source": ["EVALUATION"]},
        "timerange: a day": {"timerange": {"from": day, "to": day + DAY_MS}},
        "timerange: 10 minutes less than a week": {"timerange": {"from": day, "to": day + 7 * DAY_MS - 600_000}},
        "session_id": {"session_id": str(session(middle))},
        "user_id": {"user_id": str(user(middle))},
        "completion_id": {"completion_id": str(world.id(middle))},
        "prompt_hash: 0.1 %": {"prompt_hash": prompt_hash(PROMPTS // 2).hex()},
        "prompt_hash: rare": {"prompt_hash": prompt_hash(PROMPTS).hex()},
        "labels: a third": {"labels": [{"key": "channel", "value": ["app"]}]},
        "labels: by key": {"labels": [{"key": "channel"}]},
        "labels: 0.01 %": {"labels": [{"key": "vip"}]},
        "feedbacks: 10 %": {"feedbacks": [{"metric": f"{use_case}-stars"}]},
        "feedbacks: 0.01 %": {"feedbacks": [{"metric": f"{use_case}-stars", "lt": 2}]},
        "feedbacks: of one person": {"feedbacks": [{"metric": f"{use_case}-stars", "user": str(user(middle))}]},
        "feedbacks: with a reason": {"feedbacks": [{"metric": f"{use_case}-stars", "reasons": ["late"]}]},
        "comparisons: 0.2 %": {"comparisons": [{"metric": f"{use_case}-better"}]},
        "tags: 1 %": {"tags": [f"{use_case}-test"]},
        "models 9 %, labels a third, source 95 %": {
            "models": [f"{use_case}-1"],
            "labels": [{"key": "channel", "value": ["app"]}],
            "source": ["LIVE"],
        },
        "feedbacks 10 %, timerange a week": {
            "feedbacks": [{"metric": f"{use_case}-stars", "gte": 4}],
            "timerange": {"from": day, "to": day + 7 * DAY_MS},
        },
    }


def wholes() -> dict[str, dict[str, Any]]:
    """What looks at every match."""
    return {
        "sorted by latency": {"order": [{"field": "latency_ms"}]},
        "grouped by model": {"group_by": "model"},
        "grouped by prompt": {"group_by": "prompt"},
    }
