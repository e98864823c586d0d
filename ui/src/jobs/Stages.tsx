// The stages of a job, how far each is, and the job's problem if it has one.
import { Alert, Group, Progress, Stack, Text } from "@mantine/core"
import { IconAlertTriangle } from "@tabler/icons-react"
import type { Job, Stage } from "../api/schema"
import { count } from "../parts/numbers"
import { duration } from "../parts/time"

type Props = { of: Pick<Job, "stages" | "error" | "status"> }

export function Stages({ of: { stages, error, status } }: Props) {
  return (
    <Stack gap="sm">
      {error && (
        <Alert color={status === "FAILED" ? "red" : "yellow"} icon={<IconAlertTriangle />}>
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            {error}
          </Text>
        </Alert>
      )}
      {stages.map((stage) => (
        <StageRow key={stage.name} stage={stage} />
      ))}
    </Stack>
  )
}

function StageRow({ stage }: { stage: Stage }) {
  const { name, status = "PENDING", processed = 0, total, started_at, ended_at } = stage
  const share = status === "COMPLETED" ? 100 : total ? (processed / total) * 100 : 0
  const passed = total ? `${count(processed)} of ${count(total)}` : processed ? count(processed) : ""
  const took = started_at ? duration(started_at, ended_at ?? null) : ""
  const color = status === "FAILED" ? "red" : status === "CANCELED" ? "gray" : "leaf"
  return (
    <div>
      <Group justify="space-between" gap="xs">
        <Text size="sm">{name}</Text>
        <Text size="sm" c="dimmed" className="tabular">
          {[passed, took].filter(Boolean).join(" · ") || status.toLowerCase()}
        </Text>
      </Group>
      <Progress
        value={share}
        color={color}
        animated={status === "RUNNING"}
        size="sm"
        mt={4}
        aria-label={`Progress of ${name}`}
      />
    </div>
  )
}
