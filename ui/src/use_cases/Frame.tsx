// Around every page of one use case: it is loaded once, and pages below read it with `useUseCase()`.
import { Outlet, useParams } from "@tanstack/react-router"
import { api } from "../api/client"
import { Loaded } from "../parts/Loaded"
import { Page } from "../parts/Page"
import { CurrentUseCase, untilSettled } from "./current"

export function Frame() {
  const { useCase: key } = useParams({ from: "/signed_in/use_cases/$useCase" })
  const params = { path: { use_case: key } }
  const query = api.useQuery(
    "get",
    "/api/v1/use_cases/{use_case}",
    { params },
    { refetchInterval: ({ state }) => untilSettled(state.data) },
  )
  if (query.data)
    return (
      <CurrentUseCase value={query.data}>
        <Outlet />
      </CurrentUseCase>
    )
  return (
    <Page title={key}>
      <Loaded query={query}>{() => null}</Loaded>
    </Page>
  )
}
