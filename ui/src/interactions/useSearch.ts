// Read and change what the URL says of the log.
import { useNavigate, useSearch } from "@tanstack/react-router"
import { useCallback } from "react"
import type { Search } from "./search"

const FROM = "/signed_in/use_cases/$useCase/interactions"

export function useLogSearch(): [Search, (change: Partial<Search>) => void] {
  const search = useSearch({ from: FROM })
  const navigate = useNavigate({ from: "/use_cases/$useCase/interactions" })
  const change = useCallback(
    (changed: Partial<Search>) => {
      navigate({
        search: (before) => ({ ...before, ...changed }),
        replace: !("id" in changed),
        resetScroll: false,
      })
    },
    [navigate],
  )
  return [search, change]
}
