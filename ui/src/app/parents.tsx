// The routes that others hang on: the whole, the frame for those who are signed in, and one use case.
import { createRootRoute, createRoute, lazyRouteComponent, Outlet, redirect } from "@tanstack/react-router"
import { known } from "../api/session"
import { Broken, Lost } from "./Failures"
import { Shell } from "./Shell"

export const root = createRootRoute({ component: Outlet, notFoundComponent: Lost, errorComponent: Broken })

/** Everything that needs somebody signed in. Who is not is sent to sign in, and back afterwards. */
export const signedIn = createRoute({
  getParentRoute: () => root,
  id: "signed_in",
  component: Shell,
  errorComponent: Broken,
  notFoundComponent: Lost,
  beforeLoad: async ({ location }) => {
    if (!(await known())) throw redirect({ to: "/sign-in", search: { next: location.href } })
  },
})

/** One use case: pages under it call `useUseCase()`. */
export const ofUseCase = createRoute({
  getParentRoute: () => signedIn,
  path: "/use_cases/$useCase",
  component: lazyRouteComponent(() => import("../use_cases/Frame"), "Frame"),
  errorComponent: Broken,
})
