// Every route. A folder of pages lists its own in routes.tsx.
import { createRouter } from "@tanstack/react-router"
import { inUseCase as abTests } from "../ab_tests/routes"
import { routes as access } from "../access/routes"
import { setPassword, signIn } from "../access/signInRoute"
import { inUseCase as annotationPages } from "../annotation/routes"
import { whenSignedOut } from "../api/session"
import { routes as audit } from "../audit/routes"
import { inUseCase as chatPages } from "../chat/routes"
import { routes as computePools } from "../compute_pools/routes"
import { inUseCase as datasets } from "../datasets/routes"
import { inUseCase as evaluations } from "../evaluation/routes"
import { inUseCase as feedbackPages } from "../feedback/routes"
import { inUseCase as interactionPages } from "../interactions/routes"
import { routes as jobs } from "../jobs/routes"
import { routes as models } from "../models/routes"
import { routes as rewardServers } from "../reward_servers/routes"
import { inUseCase as trainings } from "../training/routes"
import { inUseCase as useCasePages, routes as useCases } from "../use_cases/routes"
import { Broken, Lost } from "./Failures"
import { ofUseCase, root, signedIn } from "./parents"

const tree = root.addChildren([
  signIn,
  setPassword,
  signedIn.addChildren([
    ...useCases,
    ...models,
    ...rewardServers,
    ...jobs,
    ...computePools,
    ...access,
    ...audit,
    ofUseCase.addChildren([
      ...useCasePages,
      ...interactionPages,
      ...feedbackPages,
      ...annotationPages,
      ...chatPages,
      ...abTests,
      ...evaluations,
      ...datasets,
      ...trainings,
    ]),
  ]),
])

export const router = createRouter({
  routeTree: tree,
  defaultPreload: "intent",
  defaultErrorComponent: Broken,
  defaultNotFoundComponent: Lost,
  scrollRestoration: true,
})

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router
  }
}

whenSignedOut(() => router.invalidate())
