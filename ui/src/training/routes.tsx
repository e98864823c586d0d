// Pages of training: all of a use case, a new one, and one with its curves.
import { createRoute, lazyRouteComponent } from "@tanstack/react-router"
import { ofUseCase } from "../app/parents"

export const inUseCase = [
  createRoute({
    getParentRoute: () => ofUseCase,
    path: "/training",
    component: lazyRouteComponent(() => import("./Trainings"), "Trainings"),
  }),
  createRoute({
    getParentRoute: () => ofUseCase,
    path: "/new_training",
    component: lazyRouteComponent(() => import("./NewTraining"), "NewTraining"),
  }),
  createRoute({
    getParentRoute: () => ofUseCase,
    path: "/training/$job",
    component: lazyRouteComponent(() => import("./TrainingPage"), "TrainingPage"),
  }),
] as const
