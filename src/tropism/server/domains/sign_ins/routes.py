"""Routes of signing in and out, of sign-ins and of passwords."""

from __future__ import annotations

from dataclasses import replace

from tropism.server import audit
from tropism.server.audit import Call, Who
from tropism.server.context import Context
from tropism.server.database.session import Writing
from tropism.server.domains.sign_ins import attempts, oidc_sign_in, passwords, service
from tropism.server.domains.sign_ins.passwords import Kept
from tropism.server.errors import Forbidden, Unauthenticated
from tropism.server.identity.passwords import checked
from tropism.server.identity.principal import SYSTEM
from tropism.server.web import browser, callers
from tropism.server.web.http import WithCookies, gives_cookies, handles
from tropism.wire import sign_ins as wire
from tropism.wire.access import UserReference
from tropism.wire.page import Nothing

WRONG = "wrong email or password"


@handles(wire.WAYS)
async def ways(context: Context, request: Nothing) -> wire.Ways:
    settings = context.services.settings
    oidc = None if settings.oidc_issuer is None else wire.OidcWay(name=settings.oidc_name, path=wire.START_OIDC.path)
    return wire.Ways(password=True, oidc=oidc)


@gives_cookies(wire.START_OIDC)
async def start_oidc(context: Context, request: wire.OidcStart) -> WithCookies[Nothing]:
    return await oidc_sign_in.start(context, request, context.services.provider)


@gives_cookies(wire.FINISH_OIDC)
async def finish_oidc(context: Context, request: wire.OidcAnswer) -> WithCookies[Nothing]:
    return await oidc_sign_in.finish(context, request, context.services.provider)


@gives_cookies(wire.CREATE)
async def sign_in(context: Context, request: wire.SignInCreate) -> WithCookies[wire.SignIn]:
    services, email = context.services, request.email.lower()
    known = await context.read(lambda session, asked: passwords.kept(session, asked, services.secrets), email)
    if not await _is_right(context, email, known, request.password):
        await _note_failure(context, email)
        raise Unauthenticated(WRONG)
    assert known is not None
    hash = await services.passwords.hash(request.password) if services.passwords.is_outdated(known.hash) else None
    made, token = await context.enter(lambda transaction, call: _begin(context, transaction, call, known, hash))
    return WithCookies(made, (context.visit.keep(browser.SIGN_IN, token, services.settings.sign_in_hours * 3600),))


async def _is_right(context: Context, email: str, known: Kept | None, password: str) -> bool:
    """Whether it is the password. Takes as long for accounts that are not there, and counts against them, too."""
    database, address = context.services.database, context.visit.address
    await database.read(SYSTEM, attempts.check, email, address)  # who is refused costs no write
    attempt = await database.write(SYSTEM, attempts.take, email, address)
    is_right = await context.services.passwords.is_right(known.hash if known else None, password)
    if is_right:
        await database.write(SYSTEM, attempts.succeeded, attempt, email, address)
    return is_right


async def _note_failure(context: Context, email: str) -> None:
    await context.enter(lambda transaction, call: service.note_failure(transaction, email, "password", call))


def _begin(
    context: Context, transaction: Writing, call: Call, known: Kept, hash: str | None
) -> tuple[wire.SignIn, str]:
    services = context.services
    if not passwords.is_still(transaction, known):
        raise Unauthenticated(WRONG)
    if hash is not None:
        passwords.keep(transaction, known.user.id, hash, services.secrets)
    return service.begin(transaction, known.user, "password", context.visit, call, services.secrets, services.settings)


@gives_cookies(wire.SIGN_OUT)
async def sign_out(context: Context, request: wire.SignOut) -> WithCookies[Nothing]:
    """Whoever is signed in no more has nothing to sign out of; their browser forgets it all the same."""
    token = context.visit.cookie(browser.SIGN_IN)
    me = callers.signed_in(context.services, token) if token else None
    if me is not None:
        await replace(context, principal=me).write(service.sign_out, request)
    return WithCookies(Nothing(), (context.visit.drop(browser.SIGN_IN),))


@handles(wire.LIST)
async def list_sign_ins(context: Context, request: wire.SignInFilter) -> wire.SignIns:
    return await context.read(service.list_sign_ins, request)


@handles(wire.END)
async def end(context: Context, request: wire.SignInReference) -> Nothing:
    return await context.write(service.end, request)


@handles(wire.END_ALL)
async def end_all(context: Context, request: wire.SignInFilter) -> wire.SignInsEnded:
    return await context.write(service.end_all, request)


@handles(wire.SET_PASSWORD)
async def set_password(context: Context, request: wire.PasswordSet) -> wire.PasswordOwner:
    secrets = context.services.secrets
    owner = await context.read(lambda session, token: passwords.linked(session, token, secrets), request.token)
    hash = await context.services.passwords.hash(checked(request.password, owner.email))

    def write(transaction: Writing, call: Call) -> wire.PasswordOwner:
        row = passwords.set_by_link(transaction, request.token, hash, secrets)
        audit.enter(transaction, call, Who(row.id, row.email, None), {})
        return wire.PasswordOwner(email=row.email)

    return await context.enter(write)


@handles(wire.CHANGE_PASSWORD)
async def change_password(context: Context, request: wire.PasswordChange) -> Nothing:
    secrets = context.services.secrets
    known = await context.read(lambda session, _: passwords.own(session, secrets), request)
    if not await _is_right(context, known.user.email, known, request.password):
        await _note_failure(context, known.user.email)
        raise Forbidden("this is not your present password").within("password")
    hash = await context.services.passwords.hash(checked(request.new_password, known.user.email, "new_password"))
    await context.write(lambda transaction, _: passwords.change(transaction, known, hash, secrets), request)
    return Nothing()


@handles(wire.CREATE_PASSWORD_LINK)
async def make_link(context: Context, request: UserReference) -> wire.PasswordLink:
    secrets = context.services.secrets
    return await context.write(lambda transaction, asked: passwords.make_link(transaction, asked, secrets), request)
