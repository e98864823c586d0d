// The trainings of a use case, newest first.
import { Progress, Text } from "@mantine/core"
import { IconPlus, IconSchool } from "@tabler/icons-react"
import { api } from "../api/client"
import { useMay } from "../api/me"
import type { TrainingJob } from "../api/schema"
import { isRunning, refreshing } from "../jobs/useJobEvents"
import { ListPage, ListRow } from "../parts/ListPage"
import { ButtonLink, TextLink } from "../parts/links"
import { Time } from "../parts/time"
import { useUseCase } from "../use_cases/current"

export function Trainings() {
  const useCase = useUseCase()
  const may = useMay()
  const params = { query: { use_case: useCase.key } }
  const query = api.useQuery("get", "/api/v1/training/jobs", { params }, refreshing)
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
    <ListPage
      title="Training"
      about="A model learns from what was said here. Its child is attached and tested like any other model."
      create={create}
      query={query}
      entries={({ jobs }) => jobs}
      empty={{
        icon: IconSchool,
        title: "No training yet",
        ways: { sh: codeFor(useCase.key) },
        children:
          "Log answers and what people think of them first; a hundred good ones can be enough to begin with.",
      }}
    >
      {(job) => <Row key={job.id} job={job} />}
    </ListPage>
  )
}

function codeFor(useCase: string): string {
  return `tropism training create MODEL --use-case ${useCase} --output better --learning-rate 3e-4 --watch`
}

function Row({ job }: { job: TrainingJob }) {
  const { progress } = job
  return (
    <ListRow
      name={
        <TextLink
          to="/use_cases/$useCase/training/$job"
          params={{ useCase: job.use_case, job: job.id }}
          c="inherit"
          inherit
        >
          {job.name}
        </TextLink>
      }
      status={job.status}
      when={<Time at={job.created_at} />}
      error={job.error}
    >
      <Text size="sm" mt={4} style={{ overflowWrap: "anywhere" }}>
        {job.config.training_config.training_metadata.alignment_method} of {job.model}
        {job.output_model ? ` → ${job.output_model}` : ""}
      </Text>
      {isRunning(job) && progress && (
        <Progress
          mt="sm"
          size="sm"
          value={(progress.step / progress.total) * 100}
          aria-label={`Progress of ${job.name}`}
        />
      )}
    </ListRow>
  )
}
