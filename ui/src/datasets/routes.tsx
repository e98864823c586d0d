// Pages of datasets: all of a use case, and one with its first lines.
import { createRoute, lazyRouteComponent } from "@tanstack/react-router"
import { ofUseCase } from "../app/parents"

export const inUseCase = [
  createRoute({
    getParentRoute: () => ofUseCase,
    path: "/datasets",
    component: lazyRouteComponent(() => import("./Datasets"), "Datasets"),
  }),
  createRoute({
    getParentRoute: () => ofUseCase,
    path: "/datasets/$dataset",
    component: lazyRouteComponent(() => import("./DatasetPage"), "DatasetPage"),
  }),
] as const
