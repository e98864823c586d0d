// Lines over time, one per series, each with a band where its interval is known. Loaded only by pages that draw.
import { useMantineTheme } from "@mantine/core"
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

export type Point = { at: number; value: number | null; low?: number; high?: number }
export type Series = { name: string; color: string; points: Point[] }
type Props = {
  series: Series[]
  format: (value: number) => string
  moment: (at: number) => string
  label: string
  height?: number
}
type Row = { at: number } & Record<string, number | null | [number, number]>

export default function TimeSeries({ series, format, moment, label, height = 220 }: Props) {
  const theme = useMantineTheme()
  const paint = (color: string) => {
    const [name = "gray", shade = "6"] = color.split(".")
    return theme.colors[name]?.[Number(shade)] ?? "gray"
  }
  const text = { fontSize: 11, fill: "var(--mantine-color-dimmed)" }
  return (
    <figure style={{ margin: 0, height }} aria-label={label}>
      <ResponsiveContainer width="100%" height="100%">
        <ComposedChart data={rowsOf(series)} margin={{ top: 8, right: 8, bottom: 0, left: 0 }}>
          <CartesianGrid vertical={false} stroke="var(--line)" />
          <XAxis
            dataKey="at"
            type="number"
            scale="time"
            domain={["dataMin", "dataMax"]}
            tickFormatter={moment}
            tick={text}
            tickLine={false}
            axisLine={false}
            minTickGap={40}
          />
          <YAxis tickFormatter={format} tick={text} tickLine={false} axisLine={false} width={56} />
          <Tooltip
            labelFormatter={(at) => moment(Number(at))}
            formatter={(value) =>
              Array.isArray(value) ? value.map(Number).map(format).join(" to ") : format(Number(value))
            }
            contentStyle={{
              background: "var(--card)",
              border: "1px solid var(--line)",
              borderRadius: 8,
              fontSize: 12,
            }}
          />
          {series.map(({ name, color, points }) =>
            points.some(({ low }) => low !== undefined) ? (
              <Area
                key={`${name} interval`}
                name={`${name}, 95 %`}
                dataKey={`${name} interval`}
                stroke="none"
                fill={paint(color)}
                fillOpacity={0.15}
                isAnimationActive={false}
                connectNulls
              />
            ) : null,
          )}
          {series.map(({ name, color, points }) => (
            <Line
              key={name}
              name={name}
              dataKey={name}
              stroke={paint(color)}
              strokeWidth={2}
              dot={points.length < 2 ? { r: 3 } : false}
              isAnimationActive={false}
              connectNulls
            />
          ))}
        </ComposedChart>
      </ResponsiveContainer>
    </figure>
  )
}

/** One row per moment, as the chart wants it. */
function rowsOf(series: Series[]): Row[] {
  const rows = new Map<number, Row>()
  for (const { name, points } of series)
    for (const { at, value, low, high } of points) {
      const row = rows.get(at) ?? ({ at } as Row)
      row[name] = value
      if (low !== undefined && high !== undefined) row[`${name} interval`] = [low, high]
      rows.set(at, row)
    }
  return [...rows.values()].sort((one, two) => one.at - two.at)
}
