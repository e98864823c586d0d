// Every route. A folder of pages lists its own in routes.tsx.
import { createRouter } from "@tanstack/react-router"
import { routes as access } from "../access/routes"
import { signIn } from "../access/signInRoute"
import { inUseCase as annotationPages } from "../annotation/routes"
import { whenSignedOut } from "../api/session"
import { inUseCase as chatPages } from "../chat/routes"
import { inUseCase as feedbackPages } from "../feedback/routes"
import { inUseCase as interactionPages } from "../interactions/routes"
import { inUseCase as useCasePages, routes as useCases } from "../use_cases/routes"
import { Broken, Lost } from "./Failures"
import { ofUseCase, root, signedIn } from "./parents"

const tree = root.addChildren([
  signIn,
  signedIn.addChildren([
    ...useCases,
    ...access,
    ofUseCase.addChildren([
      ...useCasePages,
      ...interactionPages,
      ...feedbackPages,
      ...annotationPages,
      ...chatPages,
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
