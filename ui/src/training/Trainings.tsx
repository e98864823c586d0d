// The trainings of a use case, newest first.
import { Group, Paper, Progress, Stack, Text, Title } from "@mantine/core"
import { IconPlus, IconSchool } from "@tabler/icons-react"
import { api } from "../api/client"
import { useMay } from "../api/me"
import type { TrainingJob } from "../api/schema"
import { isRunning } from "../jobs/useJobEvents"
import { Empty } from "../parts/Empty"
import { Loaded } from "../parts/Loaded"
import { ButtonLink, TextLink } from "../parts/links"
import { Page } from "../parts/Page"
import { Status } from "../parts/Status"
import { Time } from "../parts/time"
import { useUseCase } from "../use_cases/current"

export function Trainings() {
  const useCase = useUseCase()
  const may = useMay()
  const query = api.useQuery(
    "get",
    "/api/v1/training/jobs",
    { params: { query: { use_case: useCase.key } } },
    { refetchInterval: ({ state }) => (state.data?.jobs.some(isRunning) ? 3000 : 20_000) },
  )
  const create = may("training:create", useCase) && (
    <ButtonLink
      to="/use_cases/$useCase/new_training"
      params={{ useCase: useCase.key }}
      leftSection={<IconPlus size={18} />}
    >
      New training
    </ButtonLink>
  )
  return (
    <Page
      title="Training"
      about="A model learns from what was said here. Its child is attached and tested like any other model."
      actions={create}
    >
      <Loaded query={query}>
        {({ jobs }) =>
          jobs.length === 0 ? (
            <Empty icon={IconSchool} title="No training yet" action={create} ways={codeFor(useCase.key)}>
              Log answers and what people think of them first; a hundred good ones can be enough to begin
              with.
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

function codeFor(useCase: string): Record<string, string> {
  return {
    sh: `tropism training create MODEL --use-case ${useCase} --output better --learning-rate 3e-4 --watch`,
  }
}

function Row({ job }: { job: TrainingJob }) {
  const { progress } = job
  return (
    <Paper p="md">
      <Group justify="space-between" gap="xs">
        <Group gap="sm">
          <TextLink
            to="/use_cases/$useCase/training/$job"
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
        {job.config.training_config.training_metadata.alignment_method} of {job.model}
        {job.output_model ? ` → ${job.output_model}` : ""}
      </Text>
      {job.error && (
        <Text size="sm" c="red" mt={4} lineClamp={2}>
          {job.error}
        </Text>
      )}
      {isRunning(job) && progress && (
        <Progress
          mt="sm"
          size="sm"
          value={(progress.step / progress.total) * 100}
          aria-label={`Progress of ${job.name}`}
        />
      )}
    </Paper>
  )
}
