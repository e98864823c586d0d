// The queue of an annotator.
import { createRoute, lazyRouteComponent } from "@tanstack/react-router"
import { ofUseCase } from "../app/parents"

export const inUseCase = [
  createRoute({
    getParentRoute: () => ofUseCase,
    path: "/annotate",
    validateSearch: ({ key, model }: Record<string, unknown>): { key?: string; model?: string } => ({
      key: typeof key === "string" ? key : undefined,
      model: typeof model === "string" ? model : undefined,
    }),
    component: lazyRouteComponent(() => import("./Annotate"), "Annotate"),
  }),
] as const
