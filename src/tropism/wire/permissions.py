"""The words that say what a caller may do."""

from __future__ import annotations

from typing import Literal, get_args

Permission = Literal[
    "ab_test:cancel",
    "ab_test:create",
    "ab_test:read",
    "chat:create",
    "dataset:create",
    "dataset:delete",
    "dataset:read",
    "embedding:create",
    "evaluation:cancel",
    "evaluation:create",
    "evaluation:read",
    "feedback:create",
    "feedback_key:create",
    "feedback_key:link",
    "feedback_key:read",
    "interaction:create",
    "interaction:read",
    "job:cancel",
    "job:read",
    "judge:read",
    "model:attach",
    "model:create",
    "model:deploy",
    "model:read",
    "permission:read",
    "use_case:create",
    "use_case:read",
    "user:read",
]

PERMISSIONS: tuple[Permission, ...] = get_args(Permission)
