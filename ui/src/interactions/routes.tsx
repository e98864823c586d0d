// The log of one use case.
import { createRoute, lazyRouteComponent } from "@tanstack/react-router"
import { ofUseCase } from "../app/parents"
import { readSearch } from "./search"

export const inUseCase = [
  createRoute({
    getParentRoute: () => ofUseCase,
    path: "/interactions",
    validateSearch: readSearch,
    component: lazyRouteComponent(() => import("./Interactions"), "Interactions"),
  }),
] as const
