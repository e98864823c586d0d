// Pages of models: the registry, and one of them.
import { createRoute, lazyRouteComponent } from "@tanstack/react-router"
import { signedIn } from "../app/parents"

export type ModelSearch = { find?: string; all?: boolean }

export const routes = [
  createRoute({
    getParentRoute: () => signedIn,
    path: "/models",
    validateSearch: ({ find, all }: Record<string, unknown>): ModelSearch => ({
      find: typeof find === "string" && find ? find : undefined,
      all: all === true || undefined,
    }),
    component: lazyRouteComponent(() => import("./Models"), "Models"),
  }),
  createRoute({
    getParentRoute: () => signedIn,
    path: "/models/$model",
    component: lazyRouteComponent(() => import("./ModelPage"), "ModelPage"),
  }),
] as const
