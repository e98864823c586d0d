// The variants of a test: their figures, the differences to the default, and how the traffic was split.
import { Badge, Group, Progress, Stack, Table, Text } from "@mantine/core"
import type { AbTest, VariantReport } from "../api/schema"
import { colorOf } from "../models/color"
import { Dot, Intervals, paint } from "../parts/Intervals"
import { count, figure, percent, plural } from "../parts/numbers"
import { Section } from "../parts/Section"
import { useUseCase } from "../use_cases/current"
import { formatOf, measured } from "./figures"

export function Variants({ test }: { test: AbTest }) {
  const useCase = useUseCase()
  return (
    <Section title="Variants" about={`${measured(useCase, test)}, with its 95 % interval.`}>
      <Intervals
        what="Variants"
        format={formatOf(useCase, test)}
        rows={test.report.variants.map(({ variant, interval, units }) => ({
          label: variant === test.report.winner ? `${variant} · winner` : variant,
          color: colorOf(useCase, variant),
          interval,
          note: `from ${count(units)}`,
        }))}
      />
    </Section>
  )
}

export function Differences({ test }: { test: AbTest }) {
  const useCase = useUseCase()
  const standard = useCase.model_services.find(({ is_default }) => is_default)?.model.key
  const base = test.models.find((key) => key === standard) ?? test.models[0]
  const others = test.report.variants.filter(({ variant }) => variant !== base)
  const isPreference = test.feedback_type === "preference"
  const about = isPreference
    ? "How often each wins against it. The line is no difference: one half."
    : "Each less it. A difference is sure when its interval leaves out the line, zero."
  return (
    <Section title={`Against ${base}`} about={about}>
      <Intervals
        what={`Differences to ${base}`}
        format={formatOf(useCase, test)}
        reference={isPreference ? 0.5 : 0}
        rows={others.map((each) => ({
          label: each.variant,
          color: colorOf(useCase, each.variant),
          ...against(each, base),
        }))}
      />
    </Section>
  )
}

function against({ comparisons }: VariantReport, base: string | undefined) {
  const found = comparisons.find(({ variant }) => variant === base)
  const lift = found?.lift == null ? undefined : `lift ${percent(found.lift)}`
  const pairs = found?.feedbacks ? `${count(found.wins)} won, ${count(found.losses)} lost` : undefined
  return { interval: found?.difference ?? null, note: lift ?? pairs }
}

export function Split({ test }: { test: AbTest }) {
  const useCase = useUseCase()
  const { variants, sample_ratio: ratio } = test.report
  const total = variants.reduce((sum, { assigned_units }) => sum + assigned_units, 0)
  return (
    <Section
      title="Traffic split"
      about={`Users, or sessions, that each variant got. Even shares are expected (p = ${figure(ratio.p_value)}).`}
      actions={
        <Badge
          variant="default"
          radius="xl"
          tt="none"
          leftSection={<Dot color={ratio.alarm ? "red.6" : "green.6"} />}
        >
          {ratio.alarm ? "uneven" : "as it should be"}
        </Badge>
      }
    >
      <Stack>
        {total > 0 && (
          <Progress.Root size={18} radius="xl" aria-hidden>
            {variants.map(({ variant, assigned_units }) => (
              <Progress.Section
                key={variant}
                value={(assigned_units / total) * 100}
                color={paint(colorOf(useCase, variant))}
                withAria={false}
              />
            ))}
          </Progress.Root>
        )}
        <Table.ScrollContainer minWidth={560}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Variant</Table.Th>
                <Table.Th ta="right">Users</Table.Th>
                <Table.Th ta="right">Share</Table.Th>
                <Table.Th ta="right">Answers</Table.Th>
                <Table.Th ta="right">Feedback</Table.Th>
                <Table.Th ta="right">Failed</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody className="tabular">
              {variants.map((each) => (
                <Table.Tr key={each.variant}>
                  <Table.Td>
                    <Group gap={8} wrap="nowrap">
                      <Dot color={colorOf(useCase, each.variant)} />
                      {each.variant}
                    </Group>
                  </Table.Td>
                  <Table.Td ta="right">{count(each.assigned_units)}</Table.Td>
                  <Table.Td ta="right">{percent(total ? each.assigned_units / total : null)}</Table.Td>
                  <Table.Td ta="right">{count(each.assigned)}</Table.Td>
                  <Table.Td ta="right">{count(each.feedbacks)}</Table.Td>
                  <Table.Td ta="right">
                    <Failures of={each} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      </Stack>
    </Section>
  )
}

function Failures({ of: { errors, fallbacks } }: { of: VariantReport }) {
  if (!fallbacks) return count(errors)
  return (
    <Text span size="sm">
      {count(errors)}{" "}
      <Text span size="xs" c="dimmed">
        ({plural(fallbacks, "fallback")})
      </Text>
    </Text>
  )
}
