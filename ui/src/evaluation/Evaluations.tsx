// The evaluations of a use case, newest first.
import { Group, Paper, Stack, Text, Title } from "@mantine/core"
import { IconGavel, IconPlus } from "@tabler/icons-react"
import { api } from "../api/client"
import { useMay } from "../api/me"
import type { EvaluationJob } from "../api/schema"
import { isRunning } from "../jobs/useJobEvents"
import { Empty } from "../parts/Empty"
import { Loaded } from "../parts/Loaded"
import { ButtonLink, TextLink } from "../parts/links"
import { plural } from "../parts/numbers"
import { Page } from "../parts/Page"
import { Status } from "../parts/Status"
import { Time } from "../parts/time"
import { useUseCase } from "../use_cases/current"
import { methodName } from "./methods"

export function Evaluations() {
  const useCase = useUseCase()
  const may = useMay()
  const query = api.useQuery(
    "get",
    "/api/v1/evaluation/jobs",
    { params: { query: { use_case: useCase.key } } },
    { refetchInterval: ({ state }) => (state.data?.jobs.some(isRunning) ? 3000 : 20_000) },
  )
  const create = may("evaluation:create", useCase) && (
    <ButtonLink
      to="/use_cases/$useCase/new_evaluation"
      params={{ useCase: useCase.key }}
      leftSection={<IconPlus size={18} />}
    >
      New evaluation
    </ButtonLink>
  )
  return (
    <Page
      title="Evaluations"
      about="A judge reads answers, gives each a score with reasons, and models are compared by them."
      actions={create}
    >
      <Loaded query={query}>
        {({ jobs }) =>
          jobs.length === 0 ? (
            <Empty
              icon={IconGavel}
              title="No evaluation yet"
              action={create}
              ways={{ Python: codeFor(useCase.key) }}
            >
              Let a judge read what was answered here, or ask several models the same and compare them before
              users see any of it.
            </Empty>
          ) : (
            <Stack gap="sm">
              {jobs.map((job) => (
                <Row key={job.id} job={job} />
              ))}
            </Stack>
          )
        }
      </Loaded>
    </Page>
  )
}

function codeFor(useCase: string): string {
  return `client.evaluation.jobs.create(
    {"datasource": {"completions": {"selection_type": "LAST", "max_samples": 100}}},
    judge_model="JUDGE",
    method="answer_relevancy",
    use_case="${useCase}",
)`
}

function Row({ job }: { job: EvaluationJob }) {
  return (
    <Paper p="md">
      <Group justify="space-between" gap="xs">
        <Group gap="sm">
          <TextLink
            to="/use_cases/$useCase/evaluations/$job"
            params={{ useCase: job.use_case, job: job.id }}
            c="inherit"
          >
            <Title order={2} fz={16}>
              {job.name}
            </Title>
          </TextLink>
          <Status of={job.status} />
        </Group>
        <Text size="sm" c="dimmed">
          <Time at={job.created_at} />
        </Text>
      </Group>
      <Text size="sm" mt={4} style={{ overflowWrap: "anywhere" }}>
        {methodName(job.method)} of {plural(job.estimate.answers, "answer")}, judged by {job.judge_model}
        {job.models.length > 0 && `: ${job.models.join(" · ")}`}
      </Text>
      {job.error && (
        <Text size="sm" c="red" mt={4} lineClamp={2}>
          {job.error}
        </Text>
      )}
    </Paper>
  )
}
