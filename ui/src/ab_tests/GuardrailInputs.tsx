// The guardrails of a new test: any of the measures, or a linked feedback key, with what is allowed.
import { ActionIcon, Button, Group, NumberInput, Select, Stack } from "@mantine/core"
import { IconPlus, IconTrash } from "@tabler/icons-react"
import type { Guardrail } from "../api/schema"

const MEASURES = [
  { value: "latency_ms", label: "Latency, in milliseconds" },
  { value: "cost_usd", label: "Cost of an answer, in US dollars" },
  { value: "error_rate", label: "Failed requests, as a share" },
]
const TOLERANCES: Record<string, number> = { latency_ms: 500, cost_usd: 0.001, error_rate: 0.02 }

type Props = { value: Guardrail[]; onChange: (value: Guardrail[]) => void; metrics: string[] }

export function GuardrailInputs({ value, onChange, metrics }: Props) {
  const data = [...MEASURES, ...metrics.map((key) => ({ value: key, label: key }))]
  const free = data.find((each) => !value.some(({ metric }) => metric === each.value))
  const change = (index: number, next: Guardrail) =>
    onChange(value.map((each, at) => (at === index ? next : each)))
  return (
    <Stack>
      {value.map((guardrail, index) => (
        <Group key={guardrail.metric} align="flex-end" gap="xs">
          <Select
            label="Metric"
            data={data}
            value={guardrail.metric}
            allowDeselect={false}
            onChange={(metric) => metric && change(index, { metric, tolerance: TOLERANCES[metric] ?? 0 })}
            style={{ flex: "1 1 220px" }}
          />
          <NumberInput
            label="May be worse by"
            min={0}
            value={guardrail.tolerance}
            onChange={(tolerance) => change(index, { ...guardrail, tolerance: Number(tolerance) })}
            w={140}
          />
          <ActionIcon
            variant="subtle"
            color="gray"
            size="lg"
            aria-label={`Remove the guardrail on ${guardrail.metric}`}
            onClick={() => onChange(value.filter((_, at) => at !== index))}
          >
            <IconTrash size={18} />
          </ActionIcon>
        </Group>
      ))}
      {free && value.length < 8 && (
        <Group>
          <Button
            variant="light"
            size="xs"
            leftSection={<IconPlus size={14} />}
            onClick={() =>
              onChange([...value, { metric: free.value, tolerance: TOLERANCES[free.value] ?? 0 }])
            }
          >
            Add a guardrail
          </Button>
        </Group>
      )}
    </Stack>
  )
}
