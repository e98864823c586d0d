"""Signing in with a browser: passwords, sign-ins that last for a while, and how they end."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tropism.wire.access import Email, UserReference
from tropism.wire.endpoint import Endpoint
from tropism.wire.page import Nothing
from tropism.wire.values import Reference, Time

Way = Literal["password", "oidc"]
SHORTEST_PASSWORD = 12
Password = Annotated[str, Meta(min_length=1, max_length=1000, extra={"secret": True})]
LinkToken = Annotated[str, Meta(min_length=1, max_length=200, extra={"secret": True})]


class OidcWay(Struct, kw_only=True, frozen=True):
    """An identity provider: what its button says, and where the button leads."""

    name: str
    path: str


class Ways(Struct, kw_only=True, frozen=True):
    """How one can sign in here."""

    password: bool
    oidc: OidcWay | None


class SignIn(Struct, kw_only=True, frozen=True):
    """Somebody who signed in and has not signed out. It ends at `expires_at`, or earlier when it is not used."""

    id: UUID
    user: str
    way: Way
    address: str | None
    """The network address of the browser, as this server saw it."""
    agent: str | None
    """What the browser calls itself."""
    is_current: bool
    """Whether this call is made with it."""
    created_at: Time
    last_seen_at: Time
    expires_at: Time


class SignIns(Struct, kw_only=True, frozen=True):
    """Sign-ins that last, newest first."""

    sign_ins: list[SignIn]


class SignInCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Who wants to sign in."""

    email: Email
    password: Password


class SignInFilter(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Whose sign-ins; the caller's own if None."""

    user: Reference | None = None


class SignInReference(Struct, kw_only=True, frozen=True):
    """A sign-in by its id."""

    sign_in: UUID


class SignOut(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Whether all sign-ins of this user end, and not only this one."""

    everywhere: bool = False


class SignInsEnded(Struct, kw_only=True, frozen=True):
    """How many sign-ins have ended."""

    ended: int


class PasswordLink(Struct, kw_only=True, frozen=True):
    """Whoever has it can set the user's password, once. It is shown this once."""

    token: str
    path: str
    """Where the web UI takes it, with the token behind a #, which no server and no log sees."""
    expires_at: Time


class PasswordSet(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A new password, by the token of a link."""

    token: LinkToken
    password: Password


class PasswordOwner(Struct, kw_only=True, frozen=True):
    """Whose password was set."""

    email: str


class PasswordChange(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The caller's present password, and the new one."""

    password: Password
    new_password: Password


class OidcStart(Struct, kw_only=True, frozen=True):
    """Where to go on once somebody is signed in: a path of the engine's own."""

    next: Annotated[str, Meta(max_length=2000)] = "/"


class OidcAnswer(Struct, kw_only=True, frozen=True):
    """What the identity provider sends back through the browser."""

    code: Annotated[str, Meta(max_length=4000)] | None = None
    state: Annotated[str, Meta(max_length=200)] | None = None
    iss: Annotated[str, Meta(max_length=2000)] | None = None
    error: Annotated[str, Meta(max_length=200)] | None = None


WAYS = Endpoint(
    method="GET",
    path="/api/v1/sign_ins/ways",
    takes=Nothing,
    returns=Ways,
    permission=None,
    summary="Tell how one can sign in here",
)
CREATE = Endpoint(
    method="POST",
    path="/api/v1/sign_ins",
    takes=SignInCreate,
    returns=SignIn,
    permission=None,
    summary="Sign in with a password; the answer sets a cookie",
    status=201,
    replayable=False,
)
START_OIDC = Endpoint(
    method="GET",
    path="/api/v1/sign_ins/oidc",
    takes=OidcStart,
    returns=Nothing,
    permission=None,
    summary="Send the browser to the identity provider",
    status=302,
)
FINISH_OIDC = Endpoint(
    method="GET",
    path="/api/v1/sign_ins/oidc/callback",
    takes=OidcAnswer,
    returns=Nothing,
    permission=None,
    summary="Take the answer of the identity provider, and sign in",
    status=302,
)
SIGN_OUT = Endpoint(
    method="POST",
    path="/api/v1/sign_out",
    takes=SignOut,
    returns=Nothing,
    permission=None,
    summary="Sign out; the answer clears the cookie",
    replayable=False,
)
LIST = Endpoint(
    method="GET",
    path="/api/v1/sign_ins",
    takes=SignInFilter,
    returns=SignIns,
    permission="sign_in:read",
    summary="List sign-ins: yours, or those of a user whom you are in charge of",
)
END = Endpoint(
    method="DELETE",
    path="/api/v1/sign_ins/{sign_in}",
    takes=SignInReference,
    returns=Nothing,
    permission="sign_in:delete",
    summary="End a sign-in at once",
)
END_ALL = Endpoint(
    method="DELETE",
    path="/api/v1/sign_ins",
    takes=SignInFilter,
    returns=SignInsEnded,
    permission="sign_in:delete",
    summary="End all sign-ins: yours, or those of a user whom you are in charge of",
)
SET_PASSWORD = Endpoint(
    method="POST",
    path="/api/v1/passwords",
    takes=PasswordSet,
    returns=PasswordOwner,
    permission=None,
    summary="Set a password with the token of a link",
    replayable=False,
)
CHANGE_PASSWORD = Endpoint(
    method="POST",
    path="/api/v1/users/me/password",
    takes=PasswordChange,
    returns=Nothing,
    permission="password:update",
    summary="Change your password; your other sign-ins end",
    replayable=False,
)
CREATE_PASSWORD_LINK = Endpoint(
    method="POST",
    path="/api/v1/users/{user}/password_links",
    takes=UserReference,
    returns=PasswordLink,
    permission="user:update",
    summary="Make a link with which a user sets a password; it is shown this once",
    status=201,
    replayable=False,
)
