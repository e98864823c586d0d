// Judge answers one after the other, with the keyboard alone.
import { Button, Group, Kbd, Loader, Paper, Select, Stack, Text } from "@mantine/core"
import { useHotkeys } from "@mantine/hooks"
import { IconChecks, IconThumbUp } from "@tabler/icons-react"
import { useNavigate, useSearch } from "@tanstack/react-router"
import { useState } from "react"
import { http } from "../api/client"
import { useMay, useMe } from "../api/me"
import type { FeedbackKey, Interaction } from "../api/schema"
import { Conversation } from "../interactions/Conversation"
import { Empty } from "../parts/Empty"
import { ButtonLink } from "../parts/links"
import { failed } from "../parts/notify"
import { plural } from "../parts/numbers"
import { Page } from "../parts/Page"
import { Problem } from "../parts/Problem"
import { Time } from "../parts/time"
import { useUseCase } from "../use_cases/current"
import { useQueue } from "./queue"

type Answer = { key: string; label: string; value: number }
const YES_NO: Answer[] = [
  { key: "Y", label: "Yes", value: 1 },
  { key: "N", label: "No", value: 0 },
]
const NUMBERS: Answer[] = [1, 2, 3, 4, 5].map((value) => ({ key: `${value}`, label: `${value}`, value }))

export function Annotate() {
  const useCase = useUseCase()
  const may = useMay()
  const { data: me } = useMe()
  const { key: wanted, model } = useSearch({ from: "/signed_in/use_cases/$useCase/annotate" })
  const navigate = useNavigate({ from: "/use_cases/$useCase/annotate" })
  const metric = useCase.feedback_keys.find(({ key }) => key === wanted) ?? useCase.feedback_keys[0]
  const queue = useQueue(useCase.key, metric?.key, model, me?.id)
  const [judged, setJudged] = useState<Interaction[]>([])
  const [skipped, setSkipped] = useState(0)
  const mayJudge = may("feedback:create", useCase)
  const { current } = queue

  const judge = async (value: number) => {
    if (!current || !metric || !mayJudge) return
    queue.next()
    setJudged((before) => [current, ...before])
    try {
      const body = { metric: metric.key, value, completion_id: current.id, user_id: me?.id }
      await http.POST("/api/v1/feedback", { body })
    } catch (error) {
      failed(error)
      queue.putBack(current)
      setJudged((before) => before.filter(({ id }) => id !== current.id))
    }
  }
  const skip = () => {
    if (!current) return
    queue.next()
    setSkipped((number) => number + 1)
  }
  const back = () => {
    const [last, ...rest] = judged
    if (!last) return
    queue.putBack(last)
    setJudged(rest)
  }
  const answers = metric ? answersOf(metric) : []
  useHotkeys([
    ...answers.map(({ key, value }): [string, () => void] => [key, () => judge(value)]),
    ["S", skip],
    ["B", back],
  ])
  const choose = (change: { key?: string; model?: string }) =>
    navigate({ search: (before) => ({ ...before, ...change }), replace: true })

  if (!metric)
    return (
      <Page title="Annotate">
        <Empty
          icon={IconThumbUp}
          title="Nothing to say yet"
          action={
            <ButtonLink to="/use_cases/$useCase/feedback" params={{ useCase: useCase.key }}>
              Feedback keys
            </ButtonLink>
          }
        >
          Link a feedback key to this use case; then answers can be judged under it.
        </Empty>
      </Page>
    )
  return (
    <Page
      title="Annotate"
      about={metric.description ?? `Judge answers under “${metric.name}”. Each judgement is logged as yours.`}
      actions={
        <>
          <Select
            aria-label="Feedback key"
            w={180}
            allowDeselect={false}
            data={useCase.feedback_keys.map(({ key, name }) => ({ value: key, label: name }))}
            value={metric.key}
            onChange={(key) => key && choose({ key })}
          />
          <Select
            aria-label="Model"
            w={180}
            clearable
            placeholder="All models"
            data={useCase.model_services.map((each) => ({ value: each.model.key, label: each.model.name }))}
            value={model ?? null}
            onChange={(chosen) => choose({ model: chosen ?? undefined })}
          />
        </>
      }
    >
      {queue.problem !== null && <Problem error={queue.problem} again={queue.again} />}
      <Text size="sm" c="dimmed" aria-live="polite">
        {plural(judged.length, "answer")} judged{skipped > 0 ? `, ${skipped} skipped` : ""} in this sitting
      </Text>
      {current ? (
        <Stack gap="md" maw={860}>
          <Paper p="lg" component="article" aria-label="Answer to judge">
            <Text size="xs" c="dimmed" mb="sm">
              <Time at={current.created_at} />
            </Text>
            <Conversation messages={current.messages} completion={current.completion} />
          </Paper>
          {mayJudge ? (
            <Group gap="xs" pos="sticky" bottom={16}>
              {answers.map(({ key, label, value }) => (
                <Button
                  key={key}
                  size="md"
                  variant="light"
                  onClick={() => judge(value)}
                  rightSection={<Kbd>{key}</Kbd>}
                >
                  {label}
                </Button>
              ))}
              <Button size="md" variant="default" onClick={skip} rightSection={<Kbd>S</Kbd>}>
                Skip
              </Button>
              <Button
                size="md"
                variant="default"
                onClick={back}
                disabled={judged.length === 0}
                rightSection={<Kbd>B</Kbd>}
              >
                Back
              </Button>
            </Group>
          ) : (
            <Text size="sm" c="dimmed">
              Your role lets you read, but not judge: it lacks the permission feedback:create.
            </Text>
          )}
        </Stack>
      ) : queue.loading ? (
        <Loader aria-label="Loading" />
      ) : (
        <Empty icon={IconChecks} title="All judged">
          There is nothing left that you have not judged under “{metric.name}”. New answers come to this
          queue.
        </Empty>
      )}
    </Page>
  )
}

function answersOf(metric: FeedbackKey): Answer[] {
  return metric.kind === "bool" ? YES_NO : NUMBERS
}
