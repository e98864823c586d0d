"""The built-in roles: which permissions each holds."""

from __future__ import annotations

from collections.abc import Mapping

from tropism.wire.permissions import PERMISSIONS, Permission

_IN_CHARGE: frozenset[Permission] = frozenset(
    {
        "audit:read",
        "metrics:read",
        "model:create",
        "role:create",
        "role:delete",
        "team:create",
        "user:create",
        "user:update",
        "use_case:share",
    }
)
"""What reaches beyond the work on a team's use cases."""
_OWN_ACCOUNT: tuple[Permission, ...] = ("api_key:create", "api_key:delete", "password:update", "sign_in:delete")
_READ = (
    *(permission for permission in PERMISSIONS if permission.endswith(":read") and permission not in _IN_CHARGE),
    *_OWN_ACCOUNT,
)
_ANNOTATE: tuple[Permission, ...] = (*_READ, "feedback:create")
_DEVELOP: tuple[Permission, ...] = (*_ANNOTATE, "chat:create", "embedding:create", "interaction:create")
_MAINTAIN = tuple(permission for permission in PERMISSIONS if permission not in _IN_CHARGE)

ROLES: Mapping[str, tuple[Permission, ...]] = {
    "admin": PERMISSIONS,
    "maintainer": _MAINTAIN,
    "developer": _DEVELOP,
    "annotator": _ANNOTATE,
    "viewer": _READ,
}
