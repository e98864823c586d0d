// Feedback keys of one use case.
import { createRoute, lazyRouteComponent } from "@tanstack/react-router"
import { ofUseCase } from "../app/parents"

export const inUseCase = [
  createRoute({
    getParentRoute: () => ofUseCase,
    path: "/feedback",
    component: lazyRouteComponent(() => import("./FeedbackKeys"), "FeedbackKeys"),
  }),
] as const
