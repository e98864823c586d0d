// One use case at a glance: what was asked of which model, what it cost, which models serve it.
import { Group, Paper, SegmentedControl, Select, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core"
import { IconChartHistogram } from "@tabler/icons-react"
import { useState } from "react"
import { useMay } from "../api/me"
import type { Cost, UseCase } from "../api/schema"
import { seriesColor } from "../app/theme"
import { waysToAsk } from "../interactions/ways"
import { colorOf } from "../models/color"
import { Empty } from "../parts/Empty"
import { Dot } from "../parts/Intervals"
import { LazyPlot } from "../parts/LazyPlot"
import { Loaded } from "../parts/Loaded"
import { TextLink } from "../parts/links"
import { count, exact, money } from "../parts/numbers"
import { Page } from "../parts/Page"
import { Section } from "../parts/Section"
import { Stat } from "../parts/Stat"
import { Status } from "../parts/Status"
import { useUseCase } from "./current"
import { perDay, useSpending } from "./spending"
import { Trends } from "./Trends"

const SHOWN = {
  requests: { label: "Requests", read: (cost: Cost) => cost.requests, format: count },
  tokens: {
    label: "Tokens",
    read: (cost: Cost) => cost.prompt_tokens + cost.completion_tokens,
    format: count,
  },
  cost: { label: "Cost", read: (cost: Cost) => cost.cost_usd, format: money },
} as const
type Shown = keyof typeof SHOWN

export function Overview() {
  const useCase = useUseCase()
  const may = useMay()
  const [days, setDays] = useState(14)
  const mayCount = may("cost:read", useCase)
  const query = useSpending(days, ["day", "model"], useCase.key, mayCount)
  return (
    <Page
      title={useCase.name}
      about={useCase.description ?? undefined}
      actions={
        mayCount && (
          <Select
            aria-label="How long"
            w={150}
            allowDeselect={false}
            data={[7, 14, 30, 90].map((each) => ({ value: `${each}`, label: `Last ${each} days` }))}
            value={`${days}`}
            onChange={(value) => setDays(Number(value))}
          />
        )
      }
    >
      {mayCount && (
        <Loaded query={query}>
          {({ costs, total, days: shown }) =>
            total.requests === 0 ? (
              <Empty icon={IconChartHistogram} title="Nothing was asked lately" ways={waysToAsk(useCase.key)}>
                Ask this use case for an answer; what it takes appears here at once.
              </Empty>
            ) : (
              <>
                <Totals total={total} />
                <Trend useCase={useCase} costs={costs} days={shown} />
              </>
            )
          }
        </Loaded>
      )}
      {query.data?.total.requests !== 0 && may("interaction:read", useCase) && (
        <Trends useCase={useCase} days={days} />
      )}
      <Models useCase={useCase} costs={query.data?.costs ?? []} />
    </Page>
  )
}

function Totals({ total }: { total: Cost }) {
  const priced = total.requests - total.unpriced
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, lg: 4 }}>
      <Stat label="Requests" value={exact(total.requests)} />
      <Stat label="Tokens read" value={count(total.prompt_tokens)} />
      <Stat label="Tokens written" value={count(total.completion_tokens)} />
      <Stat
        label="Cost"
        value={priced === 0 ? "–" : money(total.cost_usd)}
        note={total.unpriced > 0 ? `${exact(total.unpriced)} requests have no known price` : undefined}
      />
    </SimpleGrid>
  )
}

type TrendProps = { useCase: UseCase; costs: Cost[]; days: string[] }

function Trend({ useCase, costs, days }: TrendProps) {
  const [shown, show] = useState<Shown>("requests")
  const { read, format, label } = SHOWN[shown]
  const lines = modelsOf(useCase, costs).map((name) => ({
    name,
    color: colorOf(useCase, name),
    points: perDay(
      costs.filter(({ model }) => (model ?? "not named") === name),
      days,
      read,
    ).map((value, at) => ({ x: Date.parse(`${days[at]}T12:00:00Z`), y: value })),
  }))
  return (
    <Section
      title="By day and model"
      actions={
        <SegmentedControl
          aria-label="What is drawn"
          size="xs"
          value={shown}
          onChange={(value) => show(value as Shown)}
          data={Object.entries(SHOWN).map(([value, each]) => ({ value, label: each.label }))}
        />
      }
    >
      <LazyPlot x="day" fromZero lines={lines} format={format} what={`${label} by day and model`} />
    </Section>
  )
}

/** Models that were asked, the attached ones first. */
function modelsOf(useCase: UseCase, costs: Cost[]): string[] {
  const attached = useCase.model_services.map(({ model }) => model.key)
  const asked = new Set(costs.map(({ model }) => model ?? "not named"))
  return [...attached, ...[...asked].filter((each) => !attached.includes(each))].filter((each) =>
    asked.has(each),
  )
}

function Models({ useCase, costs }: { useCase: UseCase; costs: Cost[] }) {
  if (useCase.model_services.length === 0)
    return (
      <Text c="dimmed">
        No model is attached yet. Attach one to have answers: its page, or client.models.attach(…).
      </Text>
    )
  const requests = (key: string) =>
    costs.filter(({ model }) => model === key).reduce((sum, each) => sum + each.requests, 0)
  return (
    <Paper p="md">
      <Stack gap="sm">
        <Title order={2} fz={16}>
          Models
        </Title>
        <Table.ScrollContainer minWidth={460}>
          <Table verticalSpacing="sm">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Model</Table.Th>
                <Table.Th>State</Table.Th>
                <Table.Th ta="right">Requests</Table.Th>
                <Table.Th />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {useCase.model_services.map(({ model, is_default, online }, index) => (
                <Table.Tr key={model.id}>
                  <Table.Td>
                    <Group gap={8} wrap="nowrap">
                      <Dot color={seriesColor(index)} />
                      <Text size="sm" fw={550}>
                        {model.name}
                      </Text>
                      {is_default && (
                        <Text size="xs" c="dimmed">
                          default
                        </Text>
                      )}
                    </Group>
                  </Table.Td>
                  <Table.Td>
                    <Status of={online} />
                  </Table.Td>
                  <Table.Td ta="right" className="tabular">
                    {exact(requests(model.key))}
                  </Table.Td>
                  <Table.Td ta="right">
                    <TextLink
                      size="sm"
                      to="/use_cases/$useCase/interactions"
                      params={{ useCase: useCase.key }}
                      search={{ models: [model.key] }}
                    >
                      Interactions
                    </TextLink>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      </Stack>
    </Paper>
  )
}
