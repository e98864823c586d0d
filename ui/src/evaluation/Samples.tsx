// What the judge made of each sample: its score, its reason, and what that rests on.
import { Accordion, Badge, Button, Group, List, Select, Stack, Text } from "@mantine/core"
import { IconCheck, IconMinus, IconX } from "@tabler/icons-react"
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query"
import { useNavigate, useSearch } from "@tanstack/react-router"
import { http } from "../api/client"
import type { EvaluatedSample, EvaluationJob, VerdictPart } from "../api/schema"
import { Dot } from "../parts/Intervals"
import { Loaded } from "../parts/Loaded"
import { figure } from "../parts/numbers"
import { Section } from "../parts/Section"
import { wordsOf } from "../parts/words"
import type { SampleSearch } from "./routes"

const PAGE = "/use_cases/$useCase/evaluations/$job"
const STATUSES = [
  { value: "scored", label: "Scored" },
  { value: "abstained", label: "Judge abstained" },
  { value: "failed", label: "Failed" },
  { value: "pending", label: "Not judged yet" },
]

function useSamples(job: EvaluationJob, search: SampleSearch) {
  return useInfiniteQuery({
    // The prefix is the path, as `refresh` expects it; the stages change as verdicts come.
    queryKey: ["get", "/api/v1/evaluation/jobs/{job}/samples", job.id, search, job.status],
    placeholderData: keepPreviousData, // what somebody has opened stays open
    initialPageParam: null as string | null,
    queryFn: async ({ pageParam: after, signal }) => {
      const query = { ...search, first: 20, ...(after ? { after } : {}) }
      const answer = await http.GET("/api/v1/evaluation/jobs/{job}/samples", {
        params: { path: { job: job.id }, query },
        signal,
      })
      return answer.data as NonNullable<typeof answer.data>
    },
    getNextPageParam: ({ page_info }) => (page_info.has_next_page ? page_info.end_cursor : null),
  })
}

export function Samples({ job }: { job: EvaluationJob }) {
  const search = useSearch({ from: `/signed_in${PAGE}` })
  const navigate = useNavigate({ from: PAGE })
  const query = useSamples(job, search)
  const set = (change: SampleSearch) => navigate({ search: (now) => ({ ...now, ...change }), replace: true })
  return (
    <Section title="Verdicts" about="Each answer, and why it was scored so.">
      <Stack>
        <Group gap="sm">
          {job.models.length > 1 && (
            <Select
              aria-label="Model"
              placeholder="All models"
              clearable
              data={job.models}
              value={search.model ?? null}
              onChange={(model) => set({ model: model ?? undefined })}
            />
          )}
          <Select
            aria-label="Verdict"
            placeholder="All verdicts"
            clearable
            data={STATUSES}
            value={search.status ?? null}
            onChange={(status) => set({ status: (status as SampleSearch["status"]) ?? undefined })}
          />
        </Group>
        <Loaded query={query}>
          {({ pages }) => {
            const samples = pages.flatMap((page) => page.samples)
            if (samples.length === 0)
              return (
                <Text size="sm" c="dimmed">
                  None yet that is so.
                </Text>
              )
            return (
              <Accordion variant="separated" multiple>
                {samples.map((sample) => (
                  <Sample key={idOf(sample)} sample={sample} />
                ))}
              </Accordion>
            )
          }}
        </Loaded>
        {query.hasNextPage && (
          <Group justify="center">
            <Button
              variant="default"
              loading={query.isFetchingNextPage}
              onClick={() => query.fetchNextPage()}
            >
              Show more
            </Button>
          </Group>
        )}
      </Stack>
    </Section>
  )
}

/** Becomes a part of an element's id, in which there is no space. */
function idOf({ number, model, completion_id }: EvaluatedSample): string {
  return [number, model, completion_id].join("-")
}

function Sample({ sample }: { sample: EvaluatedSample }) {
  const asked = wordsOf(sample.messages[sample.messages.length - 1]?.content)
  return (
    <Accordion.Item value={idOf(sample)}>
      <Accordion.Control>
        <Group gap="sm" wrap="nowrap">
          <Score sample={sample} />
          <Text size="sm" lineClamp={1} style={{ flex: 1, overflowWrap: "anywhere" }}>
            {asked}
          </Text>
          {sample.model && (
            <Text size="xs" c="dimmed" className="clip" maw={140}>
              {sample.model}
            </Text>
          )}
        </Group>
      </Accordion.Control>
      <Accordion.Panel>
        <Stack gap="sm">
          <Said by="Asked" text={asked} />
          {sample.completion !== null && <Said by="Answered" text={sample.completion} />}
          {sample.reason && <Said by="The judge" text={sample.reason} />}
          {sample.parts.length > 0 && <Parts of={sample.parts} />}
        </Stack>
      </Accordion.Panel>
    </Accordion.Item>
  )
}

function Score({ sample: { score, status } }: { sample: EvaluatedSample }) {
  const color = score === null ? "gray" : score >= 0.75 ? "green" : score >= 0.4 ? "yellow" : "red"
  return (
    <Badge
      variant="default"
      tt="none"
      miw={64}
      className="tabular"
      style={{ flexShrink: 0 }}
      leftSection={<Dot color={`${color}.6`} />}
    >
      {score === null ? status : figure(score)}
    </Badge>
  )
}

function Said({ by, text }: { by: string; text: string }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {by}
      </Text>
      <Text size="sm" className="prose">
        {text}
      </Text>
    </div>
  )
}

const SIGNS = {
  true: [IconCheck, "green", "holds"],
  false: [IconX, "red", "does not hold"],
  null: [IconMinus, "gray", "abstained"],
} as const

function Parts({ of }: { of: VerdictPart[] }) {
  return (
    <List spacing="xs" size="sm">
      {of.map((part, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: parts have no name and never move
        <Part key={index} part={part} />
      ))}
    </List>
  )
}

function Part({ part: { text, holds, reason } }: { part: VerdictPart }) {
  const [Sign, color, word] = SIGNS[String(holds) as "true" | "false" | "null"]
  const sign = <Sign size={18} color={`var(--mantine-color-${color}-6)`} role="img" aria-label={word} />
  return (
    <List.Item icon={sign}>
      <Text size="sm" style={{ overflowWrap: "anywhere" }}>
        {text}
      </Text>
      {reason && (
        <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>
          {reason}
        </Text>
      )}
    </List.Item>
  )
}
