"""The built-in roles: which permissions each holds."""

from __future__ import annotations

from collections.abc import Mapping

from tropism.wire.permissions import PERMISSIONS, Permission

_READ = tuple(permission for permission in PERMISSIONS if permission.endswith(":read"))
_ANNOTATE: tuple[Permission, ...] = (*_READ, "feedback:create")
_DEVELOP: tuple[Permission, ...] = (*_ANNOTATE, "chat:create", "embedding:create", "interaction:create")
_MAINTAIN = tuple(permission for permission in PERMISSIONS if permission != "model:create")

ROLES: Mapping[str, tuple[Permission, ...]] = {
    "admin": PERMISSIONS,
    "maintainer": _MAINTAIN,
    "developer": _DEVELOP,
    "annotator": _ANNOTATE,
    "viewer": _READ,
}
