// The page of the audit log.
import { createRoute, lazyRouteComponent } from "@tanstack/react-router"
import { signedIn } from "../app/parents"

export type AuditSearch = { user?: string; action?: string }

export const routes = [
  createRoute({
    getParentRoute: () => signedIn,
    path: "/audit",
    validateSearch: ({ user, action }: Record<string, unknown>): AuditSearch => ({
      user: typeof user === "string" && user ? user : undefined,
      action: typeof action === "string" && action ? action : undefined,
    }),
    component: lazyRouteComponent(() => import("./Audit"), "Audit"),
  }),
] as const
