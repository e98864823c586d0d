// Say how good one answer is, on each key that is linked to the use case.
import { Badge, Button, Group, NumberInput, Stack, Text } from "@mantine/core"
import { IconThumbDown, IconThumbUp } from "@tabler/icons-react"
import { useState } from "react"
import { api, refresh } from "../api/client"
import { useMe } from "../api/me"
import type { FeedbackKey, Interaction } from "../api/schema"
import { failed } from "../parts/notify"
import { figure } from "../parts/numbers"

type Props = { interaction: Interaction; keys: FeedbackKey[]; may: boolean }

export function GiveFeedback({ interaction, keys, may }: Props) {
  const { data: me } = useMe()
  const log = api.useMutation("post", "/api/v1/feedback", {
    onSuccess: () => refresh("/api/v1/interactions"),
    onError: failed,
  })
  const give = (key: FeedbackKey, value: number) =>
    log.mutate({ body: { metric: key.key, value, completion_id: interaction.id, user_id: me?.id } })
  return (
    <Stack gap="sm">
      {keys.map((key) => {
        const values = interaction.direct_feedbacks.filter((each) => each.feedback_key === key.key)
        const mine = values.find(({ user }) => user === me?.id)?.value
        return (
          <Group key={key.id} justify="space-between" gap="xs">
            <div>
              <Text size="sm" fw={550}>
                {key.name}
              </Text>
              <Group gap={4}>
                {values.map((each) => (
                  <Badge key={each.id} variant="default" tt="none" fw={500} title={each.details ?? undefined}>
                    {figure(each.value)}
                    {each.user === me?.id ? " by you" : ""}
                  </Badge>
                ))}
                {values.length === 0 && (
                  <Text size="xs" c="dimmed">
                    nobody said
                  </Text>
                )}
              </Group>
            </div>
            {may && <Input item={key} mine={mine} give={(value) => give(key, value)} busy={log.isPending} />}
          </Group>
        )
      })}
      {keys.length === 0 && (
        <Text size="sm" c="dimmed">
          No feedback key is linked to this use case yet.
        </Text>
      )}
    </Stack>
  )
}

type InputProps = {
  item: FeedbackKey
  mine: number | undefined
  give: (value: number) => void
  busy: boolean
}

function Input({ item, mine, give, busy }: InputProps) {
  const [value, setValue] = useState<number | string>("")
  if (item.kind === "bool")
    return (
      <Button.Group>
        <Button
          size="xs"
          variant={mine === 1 ? "filled" : "default"}
          disabled={busy}
          onClick={() => give(1)}
          aria-label={`${item.name}: yes`}
        >
          <IconThumbUp size={15} />
        </Button>
        <Button
          size="xs"
          variant={mine === 0 ? "filled" : "default"}
          color="red"
          disabled={busy}
          onClick={() => give(0)}
          aria-label={`${item.name}: no`}
        >
          <IconThumbDown size={15} />
        </Button>
      </Button.Group>
    )
  return (
    <Group gap={4} wrap="nowrap">
      <NumberInput size="xs" w={80} value={value} onChange={setValue} aria-label={`${item.name}: value`} />
      <Button
        size="xs"
        variant="default"
        disabled={busy || typeof value !== "number"}
        onClick={() => give(value as number)}
      >
        Give
      </Button>
    </Group>
  )
}
