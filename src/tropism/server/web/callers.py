"""Who makes a call: the holder of an api key, or somebody who is signed in."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from tropism.server.context import Context, Services
from tropism.server.errors import Forbidden, Unauthenticated
from tropism.server.identity.principal import Principal
from tropism.server.web import browser
from tropism.server.web.browser import Visit
from tropism.wire.endpoint import Endpoint
from tropism.wire.permissions import Permission


def caller(services: Services, visit: Visit, *, changes: bool) -> Principal:
    """Whoever the call says it comes from; with a cookie, what `changes` something must come from our own pages."""
    principal = _known(services, visit)
    if principal.sign_in_id is not None:
        services.used_sign_ins[principal.sign_in_id] = time.time()
        if changes:
            visit.prove()
    if principal.key_id is not None:
        services.used_keys[principal.key_id] = time.time()
    return principal


def allowed(principal: Principal, permission: Permission) -> Principal:
    """The caller, reduced to where they have the permission: elsewhere, nothing is there for this call."""
    reduced = principal.with_permission(permission)
    if not reduced.grants and not reduced.shares:
        raise Forbidden(f"this needs the permission {permission!r}, which your key does not have")
    return reduced


def again(context: Context, endpoint: Endpoint[Any, Any]) -> Context:
    """The same call as it would be now, for what goes on for long: it ends with the key, the sign-in or the role.

    That somebody watches is no use of a key: who is signed in and only watches is idle.
    """
    assert endpoint.permission is not None, "what is open to all goes on"
    return replace(context, principal=allowed(_known(context.services, context.visit), endpoint.permission))


def _known(services: Services, visit: Visit) -> Principal:
    if "authorization" not in visit.headers and (token := visit.cookie(browser.SIGN_IN)):
        return _signed_in(services, token)
    return _by_key(services, visit.headers.get("authorization", ""))


def _by_key(services: Services, header: str) -> Principal:
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise Unauthenticated("no api key; send it as 'Authorization: Bearer <key>'")
    principal = _holder(services, key.strip())
    if principal is None:
        raise Unauthenticated("this api key is not known here")
    if principal.expires_ms is not None and principal.expires_ms <= time.time() * 1000:
        raise Unauthenticated("this api key has expired; make another with api_keys.create(...)")
    return principal


def _holder(services: Services, key: str) -> Principal | None:
    """Whose api key it is. Looking up keyed hashes takes as long whatever they are: none is learnt by measuring."""
    principals, newest = services.database.snapshot.principals, services.secrets.digest(key)
    if principal := principals.get(newest):
        return principal
    for digest in services.secrets.older_digests(key):
        if principal := principals.get(digest):
            if principal.key_id is not None:
                services.rehashed_keys[principal.key_id] = newest
            return principal
    return None


def signed_in(services: Services, token: str) -> Principal | None:
    """Whose sign-in it is, if it has not ended."""
    digests = (services.secrets.digest(token), *services.secrets.older_digests(token))
    found = next(filter(None, map(services.database.snapshot.sign_ins.get, digests)), None)
    if found is None:
        return None
    now, id = time.time(), found.principal.sign_in_id
    assert id is not None
    assert found.principal.expires_ms is not None
    seen = max(found.last_seen_ms / 1000, services.used_sign_ins.get(id, 0.0))
    idle = services.settings.sign_in_idle_hours * 3600
    if found.principal.expires_ms <= now * 1000 or seen + idle <= now:
        return None
    return found.principal


def _signed_in(services: Services, token: str) -> Principal:
    principal = signed_in(services, token)
    if principal is None:
        raise Unauthenticated("you are not signed in any more, and the call has no api key; sign in again")
    return principal
