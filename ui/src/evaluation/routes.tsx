// Pages of evaluations: all of a use case, a new one, and one with its verdicts.
import { createRoute, lazyRouteComponent } from "@tanstack/react-router"
import type { EvaluatedSample } from "../api/schema"
import { ofUseCase } from "../app/parents"

export type SampleSearch = { model?: string; status?: EvaluatedSample["status"] }
const STATUSES = ["pending", "scored", "abstained", "failed"] as const

export const inUseCase = [
  createRoute({
    getParentRoute: () => ofUseCase,
    path: "/evaluations",
    component: lazyRouteComponent(() => import("./Evaluations"), "Evaluations"),
  }),
  createRoute({
    getParentRoute: () => ofUseCase,
    path: "/new_evaluation",
    component: lazyRouteComponent(() => import("./NewEvaluation"), "NewEvaluation"),
  }),
  createRoute({
    getParentRoute: () => ofUseCase,
    path: "/evaluations/$job",
    validateSearch: ({ model, status }: Record<string, unknown>): SampleSearch => ({
      model: typeof model === "string" ? model : undefined,
      status: STATUSES.find((each) => each === status),
    }),
    component: lazyRouteComponent(() => import("./EvaluationPage"), "EvaluationPage"),
  }),
] as const
