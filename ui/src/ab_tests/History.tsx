// How the intervals narrowed while feedback came.
import { Text } from "@mantine/core"
import { useEffect } from "react"
import { api } from "../api/client"
import type { AbTest } from "../api/schema"
import { colorOf } from "../models/color"
import { LazyPlot } from "../parts/LazyPlot"
import { Loaded } from "../parts/Loaded"
import { Section } from "../parts/Section"
import { useUseCase } from "../use_cases/current"
import { formatOf } from "./figures"

export function History({ test }: { test: AbTest }) {
  const useCase = useUseCase()
  const params = { path: { ab_test: test.key } }
  const query = api.useQuery("get", "/api/v1/ab_tests/{ab_test}/history", { params })
  const { refetch } = query
  // biome-ignore lint/correctness/useExhaustiveDependencies: more feedback may mean one more look
  useEffect(() => void refetch(), [test.report.feedbacks, refetch])
  return (
    <Section title="Over time" about="Each band is where the truth lies with 95 %, at every moment at once.">
      <Loaded query={query} rows={1}>
        {({ looks }) =>
          looks.length === 0 ? (
            <Text size="sm" c="dimmed">
              Figures come once there is enough feedback to say anything.
            </Text>
          ) : (
            <LazyPlot
              what={`The figures of ${test.key} over time`}
              format={formatOf(useCase, test)}
              lines={test.models.map((name, index) => ({
                name,
                color: colorOf(useCase, name),
                points: looks.map(({ at, intervals }) => ({
                  x: Date.parse(at),
                  y: intervals[index]?.middle ?? null,
                  low: intervals[index]?.start,
                  high: intervals[index]?.end,
                })),
              }))}
            />
          )
        }
      </Loaded>
    </Section>
  )
}
