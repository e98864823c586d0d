// The playground.
import { createRoute, lazyRouteComponent } from "@tanstack/react-router"
import { ofUseCase } from "../app/parents"

export type Playing = { models?: string[]; like?: string }

export const inUseCase = [
  createRoute({
    getParentRoute: () => ofUseCase,
    path: "/playground",
    validateSearch: ({ models, like }: Record<string, unknown>): Playing => ({
      models: Array.isArray(models)
        ? models.filter((each) => typeof each === "string").slice(0, 4)
        : undefined,
      like: typeof like === "string" ? like : undefined,
    }),
    component: lazyRouteComponent(() => import("./Playground"), "Playground"),
  }),
] as const
