"""The command line: `tropism COMMAND`. Commands are imported when they are called, so that `--help` is quick."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from cyclopts import App

from tropism.version import __version__

app = App(
    name="tropism",
    help="Grow language models towards what their users want.",
    version=__version__,
    version_flags=["--version"],
    help_epilogue="Commands print tables for people; `--json` prints the same for programs.",
)

COMMANDS = {
    "serve": ("tropism.cli.start:serve", "Start the engine."),
    "worker": ("tropism.cli.start:worker", "Do the jobs of a compute pool."),
    "demo": ("tropism.cli.start:demo", "Walk once through the whole loop."),
    "use-cases": ("tropism.cli.use_cases:app", "The tasks that models are asked to do."),
    "models": ("tropism.cli.variants:app", "Register models, run them, attach them to use cases."),
    "chat": ("tropism.cli.chat:chat", "Ask a use case's model."),
    "embed": ("tropism.cli.chat:embed", "Turn texts into vectors."),
    "feedback": ("tropism.cli.feedback:app", "Say how good completions are."),
    "interactions": ("tropism.cli.interactions:app", "The log of every completion."),
    "trends": ("tropism.cli.trends:app", "How latency and feedback of each model went."),
    "costs": ("tropism.cli.costs:app", "What answers cost."),
    "datasets": ("tropism.cli.datasets:app", "Keep prompts, completions and feedback for evaluation and training."),
    "ab": ("tropism.cli.ab:app", "Find the better model from feedback."),
    "evaluation": ("tropism.cli.evaluation:app", "Let a judge score answers."),
    "training": ("tropism.cli.training:app", "Make better models."),
    "jobs": ("tropism.cli.jobs:app", "Work that takes longer than a request."),
    "compute-pools": ("tropism.cli.compute_pools:app", "Where models run and jobs are done."),
    "judges": ("tropism.cli.judges:app", "What judges measure, and how far to trust them."),
    "reward-servers": ("tropism.cli.reward_servers:app", "Programs of yours that say how good answers are."),
    "users": ("tropism.cli.access:users", "People and service accounts."),
    "teams": ("tropism.cli.access:teams", "Those who work on the same use cases."),
    "roles": ("tropism.cli.access:roles", "Named sets of permissions."),
    "api-keys": ("tropism.cli.access:api_keys", "What programs show to say for whom they call."),
    "sign-ins": ("tropism.cli.sign_ins:app", "Browsers in which somebody is signed in."),
    "limits": ("tropism.cli.limits:app", "How much keys, users and use cases may use."),
    "audit": ("tropism.cli.audit:app", "Who changed what, when and from where."),
    "database": ("tropism.cli.database:app", "The database of an engine on this machine."),
    "secrets": ("tropism.cli.secrets:app", "The master key of an engine on this machine."),
    "me": ("tropism.cli.me:me", "Show whose key you are using."),
}
for order, (name, (path, text)) in enumerate(COMMANDS.items()):
    app.command(path, name=name, help=text, sort_key=order)


def main() -> None:
    """What the `tropism` command runs."""
    from tropism.cli.edge import run

    sys.exit(run(app, sys.argv[1:]))


def call(arguments: Sequence[str]) -> int:
    """Run a command in this process; the exit code."""
    from tropism.cli.edge import run

    return run(app, arguments)
