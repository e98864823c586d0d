"""Lets a state machine live: a few fixed lives in the default run, many random ones in `make torture`."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


def live(machine: type[RuleBasedStateMachine], request: pytest.FixtureRequest, steps: int) -> None:
    """As many lives as `--times` says, of so many steps each."""
    lives = request.config.getoption("times")
    often = settings(
        max_examples=lives,
        stateful_step_count=steps,
        deadline=None,
        derandomize=lives < 10,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=often)
