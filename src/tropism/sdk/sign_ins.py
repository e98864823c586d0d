"""Sign-ins of people who use a browser, and their passwords."""

from __future__ import annotations

import builtins

from tropism.sdk.flow import AsyncResource, Flow, Reference, Resource, SyncResource, operation
from tropism.sdk.inputs import Id, unchecked
from tropism.sdk.send import send
from tropism.wire import sign_ins as wire
from tropism.wire.access import UserReference


class _SignIns(Resource):
    @operation
    def list(self, user: Reference | None = None) -> Flow[builtins.list[wire.SignIn]]:
        """List the browsers in which you are signed in, or a user whom you are in charge of; newest first."""
        answer = yield from send(wire.LIST, wire.SignInFilter(user=unchecked(user)))
        return answer.sign_ins

    @operation
    def end(self, sign_in: Id) -> Flow[None]:
        """End a sign-in, by its id: from now on calls with it are refused."""
        yield from send(wire.END, wire.SignInReference(sign_in=unchecked(sign_in)))

    @operation
    def end_all(self, user: Reference | None = None) -> Flow[int]:
        """Sign yourself out everywhere, or a user whom you are in charge of. Returns how many sign-ins ended."""
        answer = yield from send(wire.END_ALL, wire.SignInFilter(user=unchecked(user)))
        return answer.ended


class SignIns(_SignIns, SyncResource):
    """Browsers in which somebody is signed in."""


class AsyncSignIns(_SignIns, AsyncResource):
    """Browsers in which somebody is signed in."""


class _Passwords(Resource):
    @operation
    def make_link(self, user: Reference) -> Flow[wire.PasswordLink]:
        """Make a link with which a user sets their password: you, or somebody whom you are in charge of.

        Send it to them on a way that you trust. It is good once, for 72 hours, and cannot be shown again.
        """
        return (yield from send(wire.CREATE_PASSWORD_LINK, UserReference(user=unchecked(user))))

    @operation
    def set(self, token: str, password: str) -> Flow[str]:
        """Set a password with the token of a link, as the web UI does. Returns the email of its owner."""
        answer = yield from send(wire.SET_PASSWORD, wire.PasswordSet(token=token, password=password))
        return answer.email

    @operation
    def change(self, password: str, new_password: str) -> Flow[None]:
        """Change your password from the present one to a new one. You are signed out everywhere else."""
        yield from send(wire.CHANGE_PASSWORD, wire.PasswordChange(password=password, new_password=new_password))


class Passwords(_Passwords, SyncResource):
    """What people show when they sign in."""


class AsyncPasswords(_Passwords, AsyncResource):
    """What people show when they sign in."""
