// Pages about who may do what.
import { createRoute, lazyRouteComponent } from "@tanstack/react-router"
import { signedIn } from "../app/parents"

export const routes = [
  createRoute({
    getParentRoute: () => signedIn,
    path: "/account",
    component: lazyRouteComponent(() => import("./Account"), "Account"),
  }),
  createRoute({
    getParentRoute: () => signedIn,
    path: "/admin/users",
    component: lazyRouteComponent(() => import("./Users"), "Users"),
  }),
  createRoute({
    getParentRoute: () => signedIn,
    path: "/admin/teams",
    component: lazyRouteComponent(() => import("./Teams"), "Teams"),
  }),
  createRoute({
    getParentRoute: () => signedIn,
    path: "/admin/roles",
    component: lazyRouteComponent(() => import("./Roles"), "Roles"),
  }),
  createRoute({
    getParentRoute: () => signedIn,
    path: "/admin/api_keys",
    validateSearch: ({ user }: Record<string, unknown>): { user?: string } => ({
      user: typeof user === "string" ? user : undefined,
    }),
    component: lazyRouteComponent(() => import("./ApiKeys"), "ApiKeys"),
  }),
] as const
