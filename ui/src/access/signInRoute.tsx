// The ways in, and where they lead afterwards.
import { createRoute, lazyRouteComponent } from "@tanstack/react-router"
import { root } from "../app/parents"

export const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  // Only to our own pages: a link from elsewhere must not send people away after they signed in.
  validateSearch: ({ next, error }: Record<string, unknown>): { next?: string; error?: string } => ({
    next: typeof next === "string" && /^\/(?![/\\])/.test(next) ? next : undefined,
    error: typeof error === "string" ? error : undefined,
  }),
  component: lazyRouteComponent(() => import("./SignIn"), "SignIn"),
})

/** Its link holds a token behind the #, which no server and no log sees. */
export const setPassword = createRoute({
  getParentRoute: () => root,
  path: "/set-password",
  component: lazyRouteComponent(() => import("./SetPassword"), "SetPassword"),
})
