// The way in, and where it leads afterwards.
import { createRoute, lazyRouteComponent } from "@tanstack/react-router"
import { root } from "../app/parents"

export const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  // Only to our own pages: a link from elsewhere must not send people away after they signed in.
  validateSearch: ({ next }: Record<string, unknown>): { next?: string } => ({
    next: typeof next === "string" && /^\/(?![/\\])/.test(next) ? next : undefined,
  }),
  component: lazyRouteComponent(() => import("./SignIn"), "SignIn"),
})
