// The pages of the log that were scrolled to, with what arrives while it is watched.
import { type InfiniteData, useInfiniteQuery } from "@tanstack/react-query"
import { useCallback, useEffect, useMemo, useState } from "react"
import { http, queries } from "../api/client"
import { useEvents } from "../api/events"
import type { Interaction, InteractionFilter, InteractionPage } from "../api/schema"
import type { OrderField } from "./search"

const SIZE = 60
type Order = { order: OrderField; up: boolean }

export function useLog(useCase: string, filters: InteractionFilter, { order, up }: Order, live: boolean) {
  const key = useMemo(
    () => ["log", "/api/v1/interactions", useCase, filters, order, up],
    [useCase, filters, order, up],
  )
  const query = useInfiniteQuery({
    queryKey: key,
    initialPageParam: null as string | null,
    queryFn: async ({ pageParam, signal }) => {
      const body = {
        use_case: useCase,
        filters,
        order: [{ field: order, order: up ? ("ASC" as const) : ("DESC" as const) }],
        page: { first: SIZE, after: pageParam },
      }
      const { data } = await http.POST("/api/v1/interactions/query", { body, signal })
      return data as InteractionPage
    },
    getNextPageParam: ({ page_info }) => (page_info.has_next_page ? page_info.end_cursor : undefined),
  })
  const { arrived, watching } = useArrivals(useCase, filters, key, live && order === "created_at" && !up)
  const pages = query.data?.pages
  const nodes = useMemo(() => pages?.flatMap((page) => page.nodes) ?? [], [pages])
  const { fetchNextPage } = query
  return {
    nodes,
    total: pages?.[0] ? pages[0].total_count : null,
    totalIsExact: pages?.[0]?.total_is_exact ?? true,
    error: query.error,
    again: () => query.refetch(),
    more: query.hasNextPage && !query.isFetchingNextPage,
    loading: query.isFetching,
    loadMore: useCallback(() => fetchNextPage(), [fetchNextPage]),
    arrived,
    watching,
  }
}

export type Log = ReturnType<typeof useLog>

function useArrivals(useCase: string, filters: InteractionFilter, key: unknown[], on: boolean) {
  const [arrived, setArrived] = useState(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another log begins anew
  useEffect(() => setArrived(0), [key, on])
  const body = useMemo(() => JSON.stringify({ use_case: useCase, filters }), [useCase, filters])
  const watching = useEvents<Interaction>(
    on ? "/api/v1/interactions/events" : null,
    (came) => {
      setArrived((number) => number + 1)
      queries.setQueryData<InfiniteData<InteractionPage>>(key, (data) => data && withNew(data, came))
    },
    { body, onReturn: () => queries.invalidateQueries({ queryKey: key }) },
  )
  return { arrived, watching }
}

function withNew(data: InfiniteData<InteractionPage>, came: Interaction): InfiniteData<InteractionPage> {
  const [first, ...rest] = data.pages
  if (!first || first.nodes.some(({ id }) => id === came.id)) return data
  const page = { ...first, nodes: [came, ...first.nodes], total_count: first.total_count + 1 }
  return { ...data, pages: [page, ...rest] }
}
