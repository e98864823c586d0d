"""Routes of users, teams, roles, permissions and api keys."""

from __future__ import annotations

from tropism.server.context import Context
from tropism.server.domains.access import charge, keys, service, teams, users
from tropism.server.domains.sign_ins import service as sign_ins
from tropism.server.web.http import handles
from tropism.wire import access as wire
from tropism.wire.page import Nothing


@handles(wire.LIST_PERMISSIONS)
async def permissions(context: Context, request: Nothing) -> wire.Permissions:
    return await context.read(service.permissions, request)


@handles(wire.ME)
async def me(context: Context, request: Nothing) -> wire.Me:
    return await context.read(users.me, request)


@handles(wire.LIST_USERS)
async def list_users(context: Context, request: Nothing) -> wire.Users:
    return await context.read(users.list_users, request)


@handles(wire.CREATE_USER)
async def create_user(context: Context, request: wire.UserCreate) -> wire.User:
    return await context.write(users.create, request)


@handles(wire.UPDATE_USER)
async def update_user(context: Context, request: wire.UserUpdate) -> wire.User:
    return await context.write(users.change, request)


@handles(wire.REMOVE_USER)
async def remove_user(context: Context, request: wire.MembershipReference) -> wire.User:
    return await context.write(users.remove, request)


@handles(wire.DEACTIVATE_USER)
async def deactivate_user(context: Context, request: wire.UserReference) -> wire.User:
    return await context.write(sign_ins.deactivate, request)


@handles(wire.ACTIVATE_USER)
async def activate_user(context: Context, request: wire.UserReference) -> wire.User:
    return await context.write(lambda each, asked: users.activate(each, charge.managed(each, asked.user)), request)


@handles(wire.LIST_TEAMS)
async def list_teams(context: Context, request: Nothing) -> wire.Teams:
    return await context.read(teams.list_teams, request)


@handles(wire.CREATE_TEAM)
async def create_team(context: Context, request: wire.TeamCreate) -> wire.Team:
    return await context.write(teams.create, request)


@handles(wire.LIST_ROLES)
async def list_roles(context: Context, request: Nothing) -> wire.Roles:
    return await context.read(teams.list_roles, request)


@handles(wire.CREATE_ROLE)
async def create_role(context: Context, request: wire.RoleCreate) -> wire.Role:
    return await context.write(teams.create_role, request)


@handles(wire.DELETE_ROLE)
async def delete_role(context: Context, request: wire.RoleReference) -> Nothing:
    return await context.write(teams.delete_role, request)


@handles(wire.LIST_API_KEYS)
async def list_api_keys(context: Context, request: wire.ApiKeyFilter) -> wire.ApiKeys:
    return await context.read(keys.list_keys, request)


@handles(wire.CREATE_API_KEY)
async def create_api_key(context: Context, request: wire.ApiKeyCreate) -> wire.NewApiKey:
    secrets = context.services.secrets
    return await context.write(lambda transaction, asked: keys.create(transaction, asked, secrets), request)


@handles(wire.REVOKE_API_KEY)
async def revoke_api_key(context: Context, request: wire.ApiKeyReference) -> Nothing:
    return await context.write(keys.revoke, request)
