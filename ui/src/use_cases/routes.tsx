// Pages of use cases: all of them, and one.
import { createRoute, lazyRouteComponent } from "@tanstack/react-router"
import { ofUseCase, signedIn } from "../app/parents"

export const routes = [
  createRoute({
    getParentRoute: () => signedIn,
    path: "/",
    component: lazyRouteComponent(() => import("./UseCases"), "UseCases"),
  }),
] as const

export const inUseCase = [
  createRoute({
    getParentRoute: () => ofUseCase,
    path: "/",
    component: lazyRouteComponent(() => import("./Overview"), "Overview"),
  }),
] as const
