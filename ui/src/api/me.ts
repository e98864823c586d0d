// The caller, and what they may do: what they may not is not offered.
import { api } from "./client"
import type { Role, UseCase } from "./schema"
import { useSignedIn } from "./session"

export type Permission = Role["permissions"][number]
type Where = Pick<UseCase, "key" | "team">
export type May = (permission: Permission, where?: Where) => boolean

export function useMe() {
  return api.useQuery("get", "/api/v1/users/me", {}, { enabled: useSignedIn(), staleTime: 60_000 })
}

/** Whether the caller holds a permission: on a use case if one is given, else in any of their teams. */
export function useMay(): May {
  const { data: me } = useMe()
  return (permission, where) => {
    if (!me) return false
    if (!where) return Object.values(me.permissions).some((held) => held.includes(permission))
    const held = me.permissions[where.team] ?? me.shares[where.key] ?? []
    return held.includes(permission)
  }
}

/** The teams in which the caller holds a permission, by key. */
export function useTeams(permission: Permission): string[] {
  const { data: me } = useMe()
  const teams = Object.entries(me?.permissions ?? {})
  return teams.filter(([, held]) => held.includes(permission)).map(([team]) => team)
}
