// What must not get worse, and whether it did.
import { Badge, Table, Text } from "@mantine/core"
import type { AbTest, GuardrailReport } from "../api/schema"
import { Dot } from "../parts/Intervals"
import { figure, milliseconds, money, percent } from "../parts/numbers"
import { Section } from "../parts/Section"

const FORMATS: Record<string, (value: number | null) => string> = {
  latency_ms: milliseconds,
  cost_usd: money,
  error_rate: percent,
}

export function Guardrails({ test }: { test: AbTest }) {
  const { guardrails } = test.report
  if (guardrails.length === 0) return null
  return (
    <Section
      title="Guardrails"
      about="What must not get worse than with the default model. A breach ends the test and keeps the default."
    >
      <Table.ScrollContainer minWidth={560}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Metric</Table.Th>
              <Table.Th>Variant</Table.Th>
              <Table.Th ta="right">Worse by</Table.Th>
              <Table.Th ta="right">At least by</Table.Th>
              <Table.Th ta="right">Allowed</Table.Th>
              <Table.Th />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody className="tabular">
            {guardrails.map((each) => (
              <Guard key={`${each.metric} ${each.variant}`} of={each} />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Section>
  )
}

function Guard({ of }: { of: GuardrailReport }) {
  const format = FORMATS[of.metric] ?? figure
  const signed = (value: number | null) => (value != null && value < 0 ? `−${format(-value)}` : format(value))
  return (
    <Table.Tr>
      <Table.Td>{of.metric}</Table.Td>
      <Table.Td>{of.variant}</Table.Td>
      <Table.Td ta="right">{signed(of.worsening)}</Table.Td>
      <Table.Td ta="right">{signed(of.at_least)}</Table.Td>
      <Table.Td ta="right">{format(of.tolerance)}</Table.Td>
      <Table.Td ta="right">
        {of.worsening === null ? (
          <Text size="xs" c="dimmed">
            not enough yet
          </Text>
        ) : (
          <Badge
            variant="default"
            radius="xl"
            tt="none"
            leftSection={<Dot color={of.breached ? "red.6" : "green.6"} />}
          >
            {of.breached ? "breached" : "holds"}
          </Badge>
        )}
      </Table.Td>
    </Table.Tr>
  )
}
