// Whose answer is better: each vote is logged as a preference, of the better one over each other.
import { Button, Group, Paper, Select, Text } from "@mantine/core"
import { IconCheck } from "@tabler/icons-react"
import { useState } from "react"
import { http } from "../api/client"
import { useMe } from "../api/me"
import type { UseCase } from "../api/schema"
import { ButtonLink } from "../parts/links"
import { done, failed } from "../parts/notify"
import type { Asked } from "./column"

type Props = { useCase: UseCase; models: string[]; answers: Record<string, Asked> }

export function Vote({ useCase, models, answers }: Props) {
  const { data: me } = useMe()
  const keys = useCase.feedback_keys
  const [key, setKey] = useState<string | null>(null)
  const [voted, setVoted] = useState<string | null>(null)
  const ids = models.map((model) => {
    const answer = answers[model]?.answer
    return answer && !answer.running && !answer.problem ? answer.completionId : null
  })
  const ready = ids.every((id) => id !== null)
  const round = ids.join(" ")
  const metric = key ?? keys[0]?.key
  if (Object.keys(answers).length === 0) return null
  if (!metric)
    return (
      <Paper p="sm">
        <Group justify="space-between">
          <Text size="sm">To vote, link a feedback key to this use case.</Text>
          <ButtonLink
            size="xs"
            variant="default"
            to="/use_cases/$useCase/feedback"
            params={{ useCase: useCase.key }}
          >
            Feedback keys
          </ButtonLink>
        </Group>
      </Paper>
    )

  const log = async (best: number, tied: "good" | "bad" | null) => {
    const others = ids.filter((_, index) => index !== best)
    try {
      for (const other of others)
        await http.POST("/api/v1/comparison", {
          body: {
            metric,
            preferred_completion: ids[best] as string,
            other_completion: other as string,
            user_id: me?.id,
            tied,
          },
        })
      setVoted(round)
      done("Your vote is logged.")
    } catch (error) {
      failed(error)
    }
  }
  return (
    <Paper p="sm">
      <Group gap="xs" justify="space-between">
        <Group gap="xs">
          <Text size="sm" fw={550}>
            Which is better?
          </Text>
          {models.map((model, index) => (
            <Button
              key={model}
              size="xs"
              variant="light"
              disabled={!ready || voted === round}
              onClick={() => log(index, null)}
            >
              {model}
            </Button>
          ))}
          {models.length === 2 && (
            <>
              <Button
                size="xs"
                variant="default"
                disabled={!ready || voted === round}
                onClick={() => log(0, "good")}
              >
                Both good
              </Button>
              <Button
                size="xs"
                variant="default"
                disabled={!ready || voted === round}
                onClick={() => log(0, "bad")}
              >
                Both bad
              </Button>
            </>
          )}
          {voted === round && <IconCheck size={18} color="var(--mantine-color-leaf-6)" aria-label="Voted" />}
        </Group>
        <Select
          aria-label="Feedback key"
          size="xs"
          w={170}
          allowDeselect={false}
          data={keys.map((each) => ({ value: each.key, label: each.name }))}
          value={metric}
          onChange={setKey}
        />
      </Group>
    </Paper>
  )
}
