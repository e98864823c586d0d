// One use case at a glance.
import { Page } from "../parts/Page"
import { useUseCase } from "./current"

export function Overview() {
  const useCase = useUseCase()
  return (
    <Page title={useCase.name} about={useCase.description}>
      {null}
    </Page>
  )
}
