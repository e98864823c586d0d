// One dataset: what it holds, its first lines, and what can be done with it.
import { Badge, Button, Group, Paper, Stack, Text } from "@mantine/core"
import { useNavigate, useParams } from "@tanstack/react-router"
import { api, http, refresh } from "../api/client"
import { useMay } from "../api/me"
import type { Dataset, DatasetLine } from "../api/schema"
import { confirm } from "../parts/confirm"
import { Facts } from "../parts/Facts"
import { Loaded } from "../parts/Loaded"
import { done, failed } from "../parts/notify"
import { bytes, count } from "../parts/numbers"
import { Page } from "../parts/Page"
import { Section } from "../parts/Section"
import { Time } from "../parts/time"
import { wordsOf } from "../parts/words"
import { useUseCase } from "../use_cases/current"
import { kindOf, sourceOf } from "./kinds"

export function DatasetPage() {
  const { useCase, dataset: key } = useParams({ from: "/signed_in/use_cases/$useCase/datasets/$dataset" })
  const params = { path: { use_case: useCase, dataset: key } }
  const query = api.useQuery("get", "/api/v1/use_cases/{use_case}/datasets/{dataset}", { params })
  const lines = api.useQuery("get", "/api/v1/use_cases/{use_case}/datasets/{dataset}/lines", {
    params: { ...params, query: { first: 20 } },
  })
  return (
    <Page title={query.data?.name ?? key} actions={query.data && <Actions dataset={query.data} />}>
      <Loaded query={query}>{(dataset) => <What dataset={dataset} />}</Loaded>
      <Section title="First lines">
        <Loaded query={lines}>
          {({ lines: found }) => (
            <Stack gap="sm">
              {found.map((line, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: lines never move
                <Line key={index} number={index + 1} line={line} />
              ))}
            </Stack>
          )}
        </Loaded>
      </Section>
    </Page>
  )
}

function What({ dataset }: { dataset: Dataset }) {
  return (
    <Section title="What it holds">
      <Facts
        of={{
          Key: dataset.key,
          Holds: kindOf(dataset),
          Lines: count(dataset.lines),
          Size: bytes(dataset.bytes),
          "Made from": sourceOf(dataset),
          Made: <Time at={dataset.created_at} />,
          Feedback: dataset.feedbacks
            .map((each) => `${each.feedback_key} on ${count(each.count)}`)
            .join(", "),
          Request: dataset.config ? JSON.stringify(dataset.config) : null,
        }}
      />
    </Section>
  )
}

function Line({ number, line }: { number: number; line: DatasetLine }) {
  const values = Object.entries(line.feedbacks ?? {})
  const answers = {
    Answered: line.completion,
    Preferred: line.preferred_completion,
    Other: line.other_completion,
  }
  return (
    <Paper p="sm" data-no-card>
      <Group gap="xs" mb={4}>
        <Text size="xs" c="dimmed" className="tabular">
          {number}
        </Text>
        {values.map(([key, value]) => (
          <Badge key={key} variant="default" tt="none" fw={500}>
            {key} {value}
          </Badge>
        ))}
      </Group>
      <Stack gap={6}>
        {line.messages.map(({ role, content }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: messages never move
          <Said key={index} by={role} text={wordsOf(content)} />
        ))}
        {(line.documents ?? []).map((text) => (
          <Said key={text} by="document" text={text} />
        ))}
        {Object.entries(answers).map(([by, text]) =>
          text == null ? null : <Said key={by} by={by} text={text} />,
        )}
      </Stack>
    </Paper>
  )
}

function Said({ by, text }: { by: string; text: string }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {by}
      </Text>
      <Text size="sm" className="prose" lineClamp={6}>
        {text}
      </Text>
    </div>
  )
}

function Actions({ dataset }: { dataset: Dataset }) {
  const useCase = useUseCase()
  const may = useMay()
  const navigate = useNavigate()
  const path = { use_case: dataset.use_case, dataset: dataset.key }
  const removal = api.useMutation("delete", "/api/v1/use_cases/{use_case}/datasets/{dataset}", {
    onSuccess: async () => {
      await navigate({ to: "/use_cases/$useCase/datasets", params: { useCase: useCase.key } })
      await refresh("/api/v1/use_cases/{use_case}/datasets")
      done(`${dataset.name} is deleted.`)
    },
    onError: failed,
  })
  const ask = () =>
    confirm(
      `Delete ${dataset.name}?`,
      "Its file is deleted, too. Evaluations that used it stay.",
      "Delete",
      () => removal.mutate({ params: { path } }),
    )
  return (
    <Group gap="xs">
      <Button variant="default" onClick={() => download(dataset).catch(failed)}>
        Download
      </Button>
      {may("dataset:delete", useCase) && (
        <Button variant="subtle" color="red" onClick={ask} loading={removal.isPending}>
          Delete
        </Button>
      )}
    </Group>
  )
}

async function download({ use_case, key }: Dataset): Promise<void> {
  const answer = await http.GET("/api/v1/use_cases/{use_case}/datasets/{dataset}/content", {
    params: { path: { use_case, dataset: key } },
    parseAs: "blob",
  })
  const link = document.createElement("a")
  link.href = URL.createObjectURL(answer.data as unknown as Blob)
  link.download = `${key}.jsonl`
  link.click()
  URL.revokeObjectURL(link.href)
}
