// One evaluation: scores with intervals, models compared, and every verdict with its reasons.
import { Button, Table } from "@mantine/core"
import { useParams } from "@tanstack/react-router"
import { api, refresh } from "../api/client"
import { useMay } from "../api/me"
import type { EvaluationJob, EvaluationReport } from "../api/schema"
import { Stages } from "../jobs/Stages"
import { isRunning, useJobEvents } from "../jobs/useJobEvents"
import { colorOf } from "../models/color"
import { confirm } from "../parts/confirm"
import { Intervals } from "../parts/Intervals"
import { Loaded } from "../parts/Loaded"
import { failed } from "../parts/notify"
import { count, money } from "../parts/numbers"
import { Page } from "../parts/Page"
import { Section } from "../parts/Section"
import { Status } from "../parts/Status"
import { Time } from "../parts/time"
import { useUseCase } from "../use_cases/current"
import { methodName } from "./methods"
import { Samples } from "./Samples"

const UNNAMED = "completions without a model"

export function EvaluationPage() {
  const { job: id } = useParams({ from: "/signed_in/use_cases/$useCase/evaluations/$job" })
  const query = api.useQuery("get", "/api/v1/evaluation/jobs/{job}", { params: { path: { job: id } } })
  const job = query.data
  useJobEvents(job, query.refetch)
  return (
    <Page
      title={job?.name ?? "Evaluation"}
      about={
        job && (
          <>
            {methodName(job.method)}, judged by {job.judge_model}, asked for <Time at={job.created_at} />.
            Scores are kept under “{job.feedback_key}”.
          </>
        )
      }
      actions={job && <Cancel job={job} />}
    >
      <Loaded query={query}>
        {(found) => (
          <>
            {found.report && <Scores report={found.report} />}
            {found.report && found.report.comparisons.length > 0 && <Comparisons report={found.report} />}
            <Section title="How far it is" actions={<Status of={found.status} />}>
              <Stages of={found} />
            </Section>
            <Samples job={found} />
            {found.report && <Usage report={found.report} />}
          </>
        )}
      </Loaded>
    </Page>
  )
}

function Scores({ report }: { report: EvaluationReport }) {
  const useCase = useUseCase()
  return (
    <Section title="Scores" about={report.summary}>
      <Intervals
        what="Scores"
        rows={report.models.map(({ model, score, feedbacks, abstained, failed: lost }) => ({
          label: model ?? UNNAMED,
          color: colorOf(useCase, model),
          interval: score,
          note: [
            `from ${count(feedbacks)}`,
            abstained ? `${count(abstained)} abstained` : "",
            lost ? `${count(lost)} failed` : "",
          ]
            .filter(Boolean)
            .join(", "),
        }))}
      />
    </Section>
  )
}

function Comparisons({ report }: { report: EvaluationReport }) {
  const useCase = useUseCase()
  return (
    <Section
      title="Compared"
      about="The first less the second, on the samples that both have. All these intervals hold together with 95 %."
    >
      <Intervals
        what="Differences between models"
        reference={0}
        rows={report.comparisons.map(({ model, other, difference, pairs, verdict }) => ({
          label: `${model ?? UNNAMED} less ${other ?? UNNAMED}: ${verdict}`,
          color: colorOf(useCase, model),
          interval: difference,
          note: `${count(pairs)} pairs`,
        }))}
      />
    </Section>
  )
}

function Usage({ report: { usage } }: { report: EvaluationReport }) {
  if (usage.length === 0) return null
  return (
    <Section title="What it took">
      <Table.ScrollContainer minWidth={480}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>Model</Table.Th>
              <Table.Th>For</Table.Th>
              <Table.Th ta="right">Calls</Table.Th>
              <Table.Th ta="right">Tokens read</Table.Th>
              <Table.Th ta="right">Written</Table.Th>
              <Table.Th ta="right">Cost</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody className="tabular">
            {usage.map((each) => (
              <Table.Tr key={`${each.model} ${each.purpose}`}>
                <Table.Td>{each.model}</Table.Td>
                <Table.Td>{each.purpose === "judge" ? "judging" : "answers"}</Table.Td>
                <Table.Td ta="right">{count(each.calls)}</Table.Td>
                <Table.Td ta="right">{count(each.prompt_tokens)}</Table.Td>
                <Table.Td ta="right">{count(each.completion_tokens)}</Table.Td>
                <Table.Td ta="right">{money(each.cost_usd)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Section>
  )
}

function Cancel({ job }: { job: EvaluationJob }) {
  const may = useMay()
  const useCase = useUseCase()
  const cancel = api.useMutation("post", "/api/v1/evaluation/jobs/{job}/cancel", {
    onSuccess: () => refresh("/api/v1/evaluation"),
    onError: failed,
  })
  if (!isRunning(job) || !may("evaluation:cancel", useCase)) return null
  const ask = () =>
    confirm(
      `Cancel ${job.name}?`,
      "Scores that are logged stay; the rest is not judged.",
      "Cancel the evaluation",
      () => cancel.mutate({ params: { path: { job: job.id } } }),
    )
  return (
    <Button variant="default" onClick={ask} loading={cancel.isPending}>
      Cancel evaluation
    </Button>
  )
}
