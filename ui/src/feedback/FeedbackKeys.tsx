// What people and programs say of answers: the keys that are linked to this use case, and those that could be.
import { Badge, Button, Group, Paper, Stack, Text, Title } from "@mantine/core"
import { IconPlus, IconThumbUp } from "@tabler/icons-react"
import { api, refresh } from "../api/client"
import { useMay } from "../api/me"
import type { FeedbackKey } from "../api/schema"
import { confirm } from "../parts/confirm"
import { Empty } from "../parts/Empty"
import { TextLink } from "../parts/links"
import { done, failed } from "../parts/notify"
import { Page } from "../parts/Page"
import { Snippet } from "../parts/Snippet"
import { useUseCase } from "../use_cases/current"
import { openRegister } from "./register"

export function FeedbackKeys() {
  const useCase = useUseCase()
  const may = useMay()
  const all = api.useQuery("get", "/api/v1/feedback_keys")
  const linked = new Set(useCase.feedback_keys.map(({ id }) => id))
  const others = all.data?.feedback_keys.filter(({ id }) => !linked.has(id)) ?? []
  const mayLink = may("feedback_key:link", useCase)
  const mayRegister = may("feedback_key:create") && mayLink
  const after = (what: string) => ({
    onSuccess: async () => {
      await refresh("/api/v1/use_cases")
      done(what)
    },
    onError: failed,
  })
  const link = api.useMutation("post", "/api/v1/use_cases/{use_case}/feedback_keys", after("Linked."))
  const unlink = api.useMutation(
    "delete",
    "/api/v1/use_cases/{use_case}/feedback_keys/{feedback_key}",
    after("Unlinked. What was said stays."),
  )
  const take = (key: FeedbackKey) =>
    link.mutate({ params: { path: { use_case: useCase.key } }, body: { feedback_key: key.key } })
  const leave = (key: FeedbackKey) =>
    confirm(
      `Unlink ${key.name}?`,
      "Nothing more can be logged under it here. What was said stays, and it can be linked again.",
      "Unlink",
      () => unlink.mutate({ params: { path: { use_case: useCase.key, feedback_key: key.key } } }),
    )
  const register = mayRegister && (
    <Button leftSection={<IconPlus size={18} />} onClick={() => openRegister(useCase.key)}>
      New feedback key
    </Button>
  )
  return (
    <Page
      title="Feedback keys"
      about="What is said of answers. A key means the same everywhere; linked, it can be used here."
      actions={register}
    >
      {useCase.feedback_keys.length === 0 ? (
        <Empty
          icon={IconThumbUp}
          title="Nothing can be said yet"
          action={register}
          ways={REGISTER(useCase.key)}
        >
          Register a key such as “helpful”, a yes or no, or “stars”, a number. Feedback on it finds the better
          model.
        </Empty>
      ) : (
        <Stack gap="sm">
          {useCase.feedback_keys.map((key) => (
            <KeyCard key={key.id} item={key} useCase={useCase.key}>
              {mayLink && (
                <Button size="xs" variant="default" onClick={() => leave(key)}>
                  Unlink
                </Button>
              )}
            </KeyCard>
          ))}
        </Stack>
      )}
      {others.length > 0 && (
        <Stack gap="sm">
          <Title order={2} fz={17}>
            Not linked here
          </Title>
          {others.map((key) => (
            <KeyCard key={key.id} item={key}>
              {mayLink && (
                <Button size="xs" variant="light" onClick={() => take(key)} aria-label={`Link ${key.name}`}>
                  Link
                </Button>
              )}
            </KeyCard>
          ))}
        </Stack>
      )}
      {useCase.feedback_keys[0] && (
        <Stack gap="xs">
          <Title order={2} fz={17}>
            Log feedback
          </Title>
          <Snippet label="Log feedback" ways={LOG(useCase.feedback_keys[0])} />
        </Stack>
      )}
    </Page>
  )
}

function KeyCard({
  item,
  useCase,
  children,
}: {
  item: FeedbackKey
  useCase?: string
  children: React.ReactNode
}) {
  return (
    <Paper p="md">
      <Group justify="space-between" wrap="nowrap">
        <div style={{ minWidth: 0 }}>
          <Group gap="xs">
            <Text fw={600}>{item.name}</Text>
            {item.name !== item.key && (
              <Text size="sm" c="dimmed" ff="monospace">
                {item.key}
              </Text>
            )}
            <Badge variant="default" tt="none" fw={500}>
              {item.kind === "bool" ? "yes or no" : "number"}
            </Badge>
            <Badge variant="default" tt="none" fw={500}>
              {item.scoring_type === "higher_is_better" ? "higher is better" : "lower is better"}
            </Badge>
          </Group>
          {item.description && (
            <Text size="sm" c="dimmed">
              {item.description}
            </Text>
          )}
          {useCase && (
            <TextLink
              size="sm"
              to="/use_cases/$useCase/interactions"
              params={{ useCase }}
              search={{ metric: item.key }}
            >
              Interactions that have it
            </TextLink>
          )}
        </div>
        {children}
      </Group>
    </Paper>
  )
}

const REGISTER = (useCase: string) => ({
  Python: `client.feedback.register_key("helpful", kind="bool")
client.feedback.link("helpful", use_case="${useCase}")`,
})

const LOG = (key: FeedbackKey) => {
  const value = key.kind === "bool" ? "True" : "4"
  return {
    Python: `answer = client.chat.create(messages)
client.feedback.log_metric(${value}, answer.choices[0].completion_id, "${key.key}")`,
    curl: `curl ${location.origin}/api/v1/feedback -H "Authorization: Bearer $TROPISM_API_KEY" \\
  -d '{"metric": "${key.key}", "value": ${value.toLowerCase()}, "completion_id": "COMPLETION_ID"}'`,
  }
}
