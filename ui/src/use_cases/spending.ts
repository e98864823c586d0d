// What use cases were asked lately, by day, from the engine's running sums.
import { useQuery } from "@tanstack/react-query"
import { http } from "../api/client"
import type { Cost } from "../api/schema"

const DAY_MS = 86_400_000
type Group = "use_case" | "model" | "day"

export function useSpending(days: number, groupBy: Group[], useCase?: string, enabled = true) {
  const since = new Date(Date.now() - (days - 1) * DAY_MS).toISOString().slice(0, 10)
  return useQuery({
    enabled,
    queryKey: ["spending", "/api/v1/costs", since, groupBy, useCase],
    queryFn: async ({ signal }) => {
      const body = { group_by: groupBy, use_case: useCase, since }
      const { data } = await http.POST("/api/v1/costs/query", { body, signal })
      return { costs: data?.costs ?? [], total: data?.total as Cost, days: daysFrom(since, days) }
    },
  })
}

/** The days as the engine counts them: in UTC. */
function daysFrom(since: string, days: number): string[] {
  const first = Date.parse(`${since}T00:00:00Z`)
  return Array.from({ length: days }, (_, index) =>
    new Date(first + index * DAY_MS).toISOString().slice(0, 10),
  )
}

/** One number per day, 0 where nothing was asked. */
export function perDay(costs: Cost[], days: string[], read: (cost: Cost) => number): number[] {
  const sums = new Map<string, number>()
  for (const cost of costs) if (cost.day) sums.set(cost.day, (sums.get(cost.day) ?? 0) + read(cost))
  return days.map((day) => sums.get(day) ?? 0)
}
