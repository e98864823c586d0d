// The plot of `Plot.tsx`, loaded when a page first draws one.
import { Skeleton } from "@mantine/core"
import { lazy, Suspense } from "react"

export type PlotLine = {
  name: string
  color: string
  /** `x` is milliseconds of a time or day, or a step. */
  points: { x: number; y: number | null; low?: number | null; high?: number | null }[]
}
export type PlotProps = {
  lines: PlotLine[]
  /** What is shown, in words. */
  what: string
  /** What `x` is; a day is one of UTC, as the engine counts them. */
  x?: "time" | "day" | "step"
  /** Let the scale begin with zero: for what is counted. */
  fromZero?: boolean
  format?: (value: number) => string
  height?: number
}

const Plot = lazy(() => import("./Plot").then((module) => ({ default: module.Plot })))

export function LazyPlot(props: PlotProps) {
  return (
    <Suspense fallback={<Skeleton height={(props.height ?? 260) + 24} radius="md" />}>
      <Plot {...props} />
    </Suspense>
  )
}
