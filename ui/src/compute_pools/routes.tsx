// The page of compute pools.
import { createRoute, lazyRouteComponent } from "@tanstack/react-router"
import { signedIn } from "../app/parents"

export const routes = [
  createRoute({
    getParentRoute: () => signedIn,
    path: "/compute_pools",
    component: lazyRouteComponent(() => import("./ComputePools"), "ComputePools"),
  }),
] as const
