// The evaluations of a use case, newest first.
import { Text } from "@mantine/core"
import { IconGavel, IconPlus } from "@tabler/icons-react"
import { api } from "../api/client"
import { useMay } from "../api/me"
import type { EvaluationJob } from "../api/schema"
import { refreshing } from "../jobs/useJobEvents"
import { ListPage, ListRow } from "../parts/ListPage"
import { ButtonLink, TextLink } from "../parts/links"
import { plural } from "../parts/numbers"
import { Time } from "../parts/time"
import { useUseCase } from "../use_cases/current"
import { methodName } from "./methods"

export function Evaluations() {
  const useCase = useUseCase()
  const may = useMay()
  const params = { query: { use_case: useCase.key } }
  const query = api.useQuery("get", "/api/v1/evaluation/jobs", { params }, refreshing)
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
    <ListPage
      title="Evaluations"
      about="A judge reads answers, gives each a score with reasons, and models are compared by them."
      create={create}
      query={query}
      entries={({ jobs }) => jobs}
      empty={{
        icon: IconGavel,
        title: "No evaluation yet",
        ways: { Python: codeFor(useCase.key) },
        children:
          "Let a judge read what was answered here, or ask several models the same and compare them before users see any of it.",
      }}
    >
      {(job) => <Row key={job.id} job={job} />}
    </ListPage>
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
    <ListRow
      name={
        <TextLink
          to="/use_cases/$useCase/evaluations/$job"
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
        {methodName(job.method)} of {plural(job.estimate.answers, "answer")}, judged by {job.judge_model}
        {job.models.length > 0 && `: ${job.models.join(" · ")}`}
      </Text>
    </ListRow>
  )
}
