// Lines over time, days or steps, each with the band that its truth may lie in. Loads recharts: take it as `LazyPlot`.
import { Group, Text } from "@mantine/core"
import {
  Area,
  CartesianGrid,
  ComposedChart,
  Line,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from "recharts"
import { Dot, paint } from "./Intervals"
import type { PlotProps } from "./LazyPlot"
import { figure } from "./numbers"
import { momentOf } from "./time"

type Row = { x: number } & Record<string, number | [number, number] | null>

export function Plot({ lines, what, x = "time", fromZero, format = figure, height = 260 }: PlotProps) {
  const { tick, named } = SCALES[x]
  return (
    <figure aria-label={what} style={{ margin: 0 }}>
      <ResponsiveContainer width="100%" height={height}>
        <ComposedChart data={rowsOf(lines)} margin={{ top: 8, right: 12, bottom: 0, left: 0 }}>
          <CartesianGrid stroke="var(--line)" vertical={false} />
          <XAxis
            dataKey="x"
            type="number"
            domain={["dataMin", "dataMax"]}
            tickFormatter={tick}
            minTickGap={50}
            {...AXIS}
          />
          <YAxis domain={[fromZero ? 0 : "auto", "auto"]} tickFormatter={format} width={62} {...AXIS} />
          <Tooltip
            content={({ active, payload, label }) =>
              active && payload?.[0] ? (
                <Hint title={named(Number(label))} row={payload[0].payload as Row} {...{ lines, format }} />
              ) : null
            }
          />
          {lines.map(({ name, color }, index) => (
            <Area
              key={`band of ${name}`}
              dataKey={`band${index}`}
              stroke="none"
              fill={paint(color)}
              fillOpacity={0.13}
              {...STILL}
            />
          ))}
          {lines.map(({ name, color, points }, index) => (
            <Line
              key={name}
              dataKey={`y${index}`}
              stroke={paint(color)}
              strokeWidth={2}
              dot={points.length < 2}
              {...STILL}
            />
          ))}
        </ComposedChart>
      </ResponsiveContainer>
      <Group component="figcaption" gap="md" mt={4}>
        {lines.map(({ name, color }) => (
          <Group key={name} gap={6} wrap="nowrap">
            <Dot color={color} />
            <Text size="xs">{name}</Text>
          </Group>
        ))}
      </Group>
    </figure>
  )
}

const AXIS = {
  tick: { fill: "var(--mantine-color-dimmed)", fontSize: 12 },
  tickLine: false,
  axisLine: { stroke: "var(--line)" },
}
const STILL = { isAnimationActive: false, activeDot: false, connectNulls: true, type: "linear" } as const

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" })
const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" })

const utcDay = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", timeZone: "UTC" })

function shortTime(at: number): string {
  return Date.now() - at < 20 * 3_600_000 ? clock.format(at) : day.format(at)
}

type Scale = { tick: (x: number) => string; named: (x: number) => string }
const SCALES: Record<NonNullable<PlotProps["x"]>, Scale> = {
  time: { tick: shortTime, named: momentOf },
  day: { tick: (x) => utcDay.format(x), named: (x) => `${utcDay.format(x)}, in UTC` },
  step: { tick: String, named: (x) => `Step ${x}` },
}

function rowsOf(lines: PlotProps["lines"]): Row[] {
  const rows = new Map<number, Row>()
  lines.forEach(({ points }, index) => {
    for (const { x, y, low, high } of points) {
      const row = rows.get(x) ?? { x }
      row[`y${index}`] = y
      if (low != null && high != null) row[`band${index}`] = [low, high]
      rows.set(x, row)
    }
  })
  return [...rows.values()].sort((one, other) => one.x - other.x)
}

type HintProps = Pick<PlotProps, "lines"> & { title: string; row: Row; format: (value: number) => string }

function Hint({ title, row, lines, format }: HintProps) {
  const said = (index: number) => {
    const [middle, band] = [row[`y${index}`], row[`band${index}`]]
    if (typeof middle !== "number") return null
    return Array.isArray(band)
      ? `${format(middle)} (${format(band[0])} to ${format(band[1])})`
      : format(middle)
  }
  return (
    <div
      style={{
        background: "var(--card)",
        border: "1px solid var(--line)",
        borderRadius: 8,
        padding: "8px 10px",
      }}
    >
      <Text size="xs" c="dimmed">
        {title}
      </Text>
      {lines.map(({ name, color }, index) => {
        const text = said(index)
        return text === null ? null : (
          <Group key={name} gap={6} wrap="nowrap">
            <Dot color={color} />
            <Text size="xs" className="tabular">
              {name}: {text}
            </Text>
          </Group>
        )
      })}
    </div>
  )
}
