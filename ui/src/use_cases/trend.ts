// How a metric of a use case's models went, from the engine's running sums.
import { useQuery } from "@tanstack/react-query"
import { http } from "../api/client"
import type { Trend, UseCase } from "../api/schema"
import { colorOf } from "../models/color"
import type { PlotLine } from "../parts/LazyPlot"
import { figure, milliseconds, percent } from "../parts/numbers"

const DAY_MS = 86_400_000
const HALF = { hour: DAY_MS / 48, day: DAY_MS / 2 }

/** By day for so many days, or by hour for the last 24. */
export function useTrend(useCase: string, metric: string, days: number | "hours", enabled = true) {
  const since =
    days === "hours" ? undefined : new Date(Date.now() - (days - 1) * DAY_MS).toISOString().slice(0, 10)
  return useQuery({
    enabled,
    queryKey: ["trend", "/api/v1/trends", useCase, metric, days, since],
    queryFn: async ({ signal }) => {
      const by = days === "hours" ? ("hour" as const) : ("day" as const)
      const body = { use_case: useCase, metric, by, since: since && `${since}T00:00:00Z` }
      return (await http.POST("/api/v1/trends/query", { body, signal })).data as Trend
    },
  })
}

export function formatOf({ metric, kind }: Trend): (value: number) => string {
  if (metric.endsWith("_ms")) return milliseconds
  return kind === "bool" ? percent : figure
}

/** A line per model, each value in the middle of its hour or day. */
export function linesOf(useCase: UseCase, { models, by }: Trend): PlotLine[] {
  return models.map(({ model, points }) => ({
    name: model ?? "not named",
    color: colorOf(useCase, model),
    points: points.map(({ at, mean, interval }) => ({
      x: Date.parse(at) + HALF[by],
      y: mean,
      low: interval?.start,
      high: interval?.end,
    })),
  }))
}

/** The means of all models together, in the order of time. */
export function together({ models }: Trend): number[] {
  const sums = new Map<string, { count: number; total: number }>()
  for (const { at, count, mean } of models.flatMap(({ points }) => points)) {
    const so_far = sums.get(at) ?? { count: 0, total: 0 }
    sums.set(at, { count: so_far.count + count, total: so_far.total + count * mean })
  }
  return [...sums]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, { count, total }]) => total / count)
}
