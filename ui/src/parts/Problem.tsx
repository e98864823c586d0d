// An error as people need it: what is wrong, what to do next, and a way to try again.
import { Alert, Button, Group, Text } from "@mantine/core"
import { IconAlertTriangle } from "@tabler/icons-react"
import { messageOf } from "../api/problem"

export function Problem({ error, again }: { error: unknown; again?: () => void }) {
  return (
    <Alert role="alert" color="red" variant="light" icon={<IconAlertTriangle />} title="That did not work">
      <Text size="sm" style={{ overflowWrap: "anywhere" }}>
        {messageOf(error)}
      </Text>
      {again && (
        <Group mt="sm">
          <Button size="xs" variant="default" onClick={again}>
            Try again
          </Button>
        </Group>
      )}
    </Alert>
  )
}
