// Pages of A/B tests: all of a use case, a new one, and one with its report.
import { createRoute, lazyRouteComponent } from "@tanstack/react-router"
import { ofUseCase } from "../app/parents"

export const inUseCase = [
  createRoute({
    getParentRoute: () => ofUseCase,
    path: "/ab_tests",
    component: lazyRouteComponent(() => import("./ABTests"), "ABTests"),
  }),
  createRoute({
    getParentRoute: () => ofUseCase,
    path: "/new_ab_test",
    component: lazyRouteComponent(() => import("./NewABTest"), "NewABTest"),
  }),
  createRoute({
    getParentRoute: () => ofUseCase,
    path: "/ab_tests/$abTest",
    component: lazyRouteComponent(() => import("./ABTestPage"), "ABTestPage"),
  }),
] as const
