// One number with its name, and if there is one, how it went.
import { Group, Paper, Text } from "@mantine/core"
import type { ReactNode } from "react"

type Props = { label: string; value: ReactNode; note?: ReactNode; trend?: ReactNode }

export function Stat({ label, value, note, trend }: Props) {
  return (
    <Paper p="md">
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <Group justify="space-between" align="flex-end" wrap="nowrap" gap="sm">
        <Text fz={26} fw={650} lh={1.3} className="tabular">
          {value}
        </Text>
        {trend}
      </Group>
      {note && (
        <Text size="xs" c="dimmed" mt={2}>
          {note}
        </Text>
      )}
    </Paper>
  )
}
