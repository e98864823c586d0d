// How fast and how good the answers of each model were, over time and on the whole.
import { Group, SegmentedControl, Select, SimpleGrid, Text } from "@mantine/core"
import { useState } from "react"
import type { Trend, UseCase } from "../api/schema"
import { colorOf } from "../models/color"
import { Intervals } from "../parts/Intervals"
import { LazyPlot } from "../parts/LazyPlot"
import { Loaded } from "../parts/Loaded"
import { count } from "../parts/numbers"
import { Section } from "../parts/Section"
import { formatOf, linesOf, useTrend } from "./trend"

const MEASURED = [
  { value: "latency_ms", label: "Latency" },
  { value: "first_token_ms", label: "Time to the first token" },
]

export function Trends({ useCase, days }: { useCase: UseCase; days: number }) {
  const [metric, setMetric] = useState("latency_ms")
  const [span, setSpan] = useState("days")
  const query = useTrend(useCase.key, metric, span === "hours" ? "hours" : days)
  const keys = useCase.feedback_keys.map(({ key, name }) => ({ value: key, label: name }))
  return (
    <Section
      title="Latency and feedback"
      about="The mean of each model, with the band where it lies with 95 %: once there are 50 values, or more of lopsided ones."
      actions={
        <Group gap="xs">
          <Select
            aria-label="Metric"
            size="xs"
            w={190}
            allowDeselect={false}
            data={[
              { group: "Measured", items: MEASURED },
              { group: "Feedback", items: keys },
            ]}
            value={metric}
            onChange={(chosen) => setMetric(chosen ?? metric)}
          />
          <SegmentedControl
            aria-label="By"
            size="xs"
            value={span}
            onChange={setSpan}
            data={[
              { value: "days", label: "By day" },
              { value: "hours", label: "Last 24 hours" },
            ]}
          />
        </Group>
      }
    >
      <Loaded query={query} rows={2}>
        {(trend) => <Drawn useCase={useCase} trend={trend} />}
      </Loaded>
    </Section>
  )
}

function Drawn({ useCase, trend }: { useCase: UseCase; trend: Trend }) {
  if (trend.models.length === 0)
    return (
      <Text size="sm" c="dimmed">
        No value of that time yet. Each counts for the day on which its answer was given.
      </Text>
    )
  const format = formatOf(trend)
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="xl" style={{ alignItems: "center" }}>
      <LazyPlot
        what={`${trend.metric} of each model by ${trend.by}`}
        x={trend.by === "day" ? "day" : "time"}
        format={format}
        lines={linesOf(useCase, trend)}
      />
      <Intervals
        what={`${trend.metric} of each model on the whole`}
        format={format}
        rows={trend.models.map(({ model, interval, mean, count: values }) => ({
          label: model ?? "not named",
          color: colorOf(useCase, model),
          interval,
          missing: `${format(mean)}, no interval yet`,
          note: `from ${count(values)}`,
        }))}
      />
    </SimpleGrid>
  )
}
