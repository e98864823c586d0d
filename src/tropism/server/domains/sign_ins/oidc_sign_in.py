"""Signing in with an identity provider: to it, back from it, and in."""

from __future__ import annotations

import logging
from dataclasses import replace
from urllib.parse import urlencode
from uuid import UUID

from tropism.server import audit
from tropism.server.audit import Call, Who
from tropism.server.context import Context
from tropism.server.database.session import Writing
from tropism.server.domains.sign_ins import attempts, identities, oidc_flow, service
from tropism.server.domains.sign_ins.attempts import NOBODY
from tropism.server.domains.sign_ins.identities import Somebody
from tropism.server.domains.sign_ins.oidc_flow import COOKIE, LASTS_SECONDS, Question, Refused
from tropism.server.errors import NotFound, TooManyCalls
from tropism.server.identity.id_tokens import BadIdToken, Claims
from tropism.server.identity.oidc_provider import Provider, ProviderFailed
from tropism.server.identity.principal import SYSTEM
from tropism.server.web import browser, callers
from tropism.server.web.http import WithCookies
from tropism.wire import sign_ins as wire
from tropism.wire.page import Nothing

FOLLOWED = "follow_groups"
"""In the audit log: the provider's groups have given roles, or taken them away."""
log = logging.getLogger("tropism")


async def start(context: Context, request: wire.OidcStart, provider: Provider | None) -> WithCookies[Nothing]:
    """Send the browser to the provider, with a question that only it can bring an answer to."""
    if provider is None:
        raise NotFound("this engine knows no identity provider; the operator names one with TROPISM_OIDC_ISSUER")
    services, visit = context.services, context.visit
    token = visit.cookie(browser.SIGN_IN)
    me = callers.signed_in(services, token) if token else None
    question = oidc_flow.ask(services.clock, request.next, me.user_id if me else None)
    try:
        metadata = await provider.metadata()
    except ProviderFailed as error:
        return _back(context, Refused("failed", str(error)))
    place = oidc_flow.address(
        question, metadata, provider.client.id, _redirect_uri(context), services.settings.oidc_scopes
    )
    sealed = oidc_flow.seal(question, services.secrets)
    # The way back is a call from another site: a strict cookie would not be there.
    return WithCookies(Nothing(), (visit.keep(COOKIE, sealed, LASTS_SECONDS, "lax"),), place)


async def finish(context: Context, request: wire.OidcAnswer, provider: Provider | None) -> WithCookies[Nothing]:
    """Sign in whoever the provider's answer is about, or send the browser back to the sign-in page."""
    if provider is None:
        raise NotFound("this engine knows no identity provider; the operator names one with TROPISM_OIDC_ISSUER")
    services, who = context.services, None
    try:
        cookie = context.visit.cookie(COOKIE)
        question = oidc_flow.unseal(cookie, request.state, services.secrets, services.clock)
        attempt = await _counted(context)
        claims = await _claims(context, request, provider, question)
        await context.services.database.write(SYSTEM, attempts.succeeded, attempt, NOBODY, context.visit.address)
        who = identities.somebody(claims, provider.client.issuer, services.settings)
        token = await _enter(context, who, question)
    except Refused as error:
        if who is not None:
            email = who.email or who.subject
            await context.enter(lambda transaction, call: service.note_failure(transaction, email, "oidc", call))
        return _back(context, error)
    kept = context.visit.keep(browser.SIGN_IN, token, services.settings.sign_in_hours * 3600)
    return WithCookies(Nothing(), (kept, context.visit.drop(COOKIE)), question.next)


async def _counted(context: Context) -> UUID:
    """Count an answer before the provider is asked about it: each costs it a call, and us two."""
    database, address = context.services.database, context.visit.address
    try:
        await database.read(SYSTEM, attempts.check, NOBODY, address)  # who is refused costs no write
        return await database.write(SYSTEM, attempts.take, NOBODY, address)
    except TooManyCalls as error:
        raise Refused("too_often", str(error)) from error


async def _claims(context: Context, request: wire.OidcAnswer, provider: Provider, question: Question) -> Claims:
    if request.error is not None or request.code is None:
        raise Refused("denied", f"the provider refused: {request.error!r}")
    try:
        metadata = await provider.metadata()
        if request.iss != provider.client.issuer and (
            request.iss is not None or metadata.authorization_response_iss_parameter_supported
        ):
            raise Refused("failed", f"the answer is of another provider: {request.iss!r}")
        return await provider.claims(request.code, question.verifier, question.nonce, _redirect_uri(context))
    except (ProviderFailed, BadIdToken) as error:
        raise Refused("failed", str(error)) from error


async def _enter(context: Context, who: Somebody, question: Question) -> str:
    services = context.services

    def write(transaction: Writing, call: Call) -> str | None:
        row, changed = identities.person(transaction, who, services.settings.oidc_roles, question.user_id)
        if changed:
            asked = {"email": row.email, "roles": changed}
            audit.enter(transaction, replace(call, action=FOLLOWED), Who(row.id, row.email, None), asked)
        if not identities.has_a_role(transaction, row.id):
            return None  # what groups gave and give no more is taken away all the same
        _, token = service.begin(transaction, row, "oidc", context.visit, call, services.secrets, services.settings)
        return token

    try:
        token = await context.enter(write)
    except NotFound as error:  # a team or a role that the setting names
        raise Refused("failed", f"TROPISM_OIDC_ROLES: {error}") from error
    if token is None:
        raise Refused("no_role", f"{who.email or who.subject} is in no group that has a role here (TROPISM_OIDC_ROLES)")
    return token


def _redirect_uri(context: Context) -> str:
    return context.visit.origin + wire.FINISH_OIDC.path


def _back(context: Context, error: Refused) -> WithCookies[Nothing]:
    log.warning("nobody was signed in by the identity provider: %s", error)
    return WithCookies(Nothing(), (context.visit.drop(COOKIE),), f"/sign-in?{urlencode({'error': error.why})}")
