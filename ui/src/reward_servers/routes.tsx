// The page of reward servers.
import { createRoute, lazyRouteComponent } from "@tanstack/react-router"
import { signedIn } from "../app/parents"

export const routes = [
  createRoute({
    getParentRoute: () => signedIn,
    path: "/reward_servers",
    component: lazyRouteComponent(() => import("./RewardServers"), "RewardServers"),
  }),
] as const
