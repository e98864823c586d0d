"""The words that say what a caller may do."""

from __future__ import annotations

from typing import Literal, get_args

Permission = Literal[
    "ab_test:cancel",
    "ab_test:create",
    "ab_test:read",
    "api_key:create",
    "api_key:delete",
    "api_key:read",
    "audit:read",
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
    "reward_server:create",
    "reward_server:delete",
    "reward_server:read",
    "role:create",
    "role:delete",
    "role:read",
    "team:create",
    "team:read",
    "use_case:create",
    "use_case:read",
    "use_case:share",
    "user:create",
    "user:read",
    "user:update",
]

PERMISSIONS: tuple[Permission, ...] = get_args(Permission)
