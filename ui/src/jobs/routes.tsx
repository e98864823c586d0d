// Pages of jobs: all of them, and one with its log.
import { createRoute, lazyRouteComponent } from "@tanstack/react-router"
import type { Job } from "../api/schema"
import { signedIn } from "../app/parents"

const STATUSES = ["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELED"] as const

export const routes = [
  createRoute({
    getParentRoute: () => signedIn,
    path: "/jobs",
    validateSearch: ({ status }: Record<string, unknown>): { status?: Job["status"] } => ({
      status: STATUSES.find((each) => each === status),
    }),
    component: lazyRouteComponent(() => import("./Jobs"), "Jobs"),
  }),
  createRoute({
    getParentRoute: () => signedIn,
    path: "/jobs/$job",
    component: lazyRouteComponent(() => import("./JobPage"), "JobPage"),
  }),
] as const
