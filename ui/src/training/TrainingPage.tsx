// One training: how far it is, its curves as they grow, and the child that came of it.
import { Button, Group, SimpleGrid, Text } from "@mantine/core"
import { useParams } from "@tanstack/react-router"
import { api, refresh } from "../api/client"
import { useMay } from "../api/me"
import type { TrainingJob } from "../api/schema"
import { Stages } from "../jobs/Stages"
import { isRunning, useJobEvents } from "../jobs/useJobEvents"
import { confirm } from "../parts/confirm"
import { Loaded } from "../parts/Loaded"
import { failed } from "../parts/notify"
import { bytes, count, figure } from "../parts/numbers"
import { Page } from "../parts/Page"
import { Section } from "../parts/Section"
import { Stat } from "../parts/Stat"
import { Status } from "../parts/Status"
import { duration, Time } from "../parts/time"
import { useUseCase } from "../use_cases/current"
import { Child } from "./Child"
import { Curves } from "./Curves"
import { Lineage } from "./Lineage"

export function TrainingPage() {
  const { job: id } = useParams({ from: "/signed_in/use_cases/$useCase/training/$job" })
  const query = api.useQuery("get", "/api/v1/training/jobs/{job}", { params: { path: { job: id } } })
  const job = query.data
  useJobEvents(job, query.refetch)
  return (
    <Page
      title={job?.name ?? "Training"}
      about={
        job && (
          <>
            {job.config.training_config.training_metadata.alignment_method} of {job.model}, asked for{" "}
            <Time at={job.created_at} />
          </>
        )
      }
      actions={job && <Cancel job={job} />}
    >
      <Loaded query={query}>
        {(found) => (
          <>
            <Child job={found} />
            <Figures job={found} />
            <Section title="How far it is" actions={<Status of={found.status} />}>
              <Stages of={found} />
            </Section>
            <Curves job={found} />
            <Lineage job={found} />
          </>
        )}
      </Loaded>
    </Page>
  )
}

function Figures({ job }: { job: TrainingJob }) {
  const { progress, outcome } = job
  const left = progress?.eta_seconds
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }}>
      <Stat
        label="Step"
        value={progress ? count(progress.step) : "–"}
        note={progress ? `of ${count(progress.total)}` : "it has not begun to learn"}
      />
      <Stat
        label="Loss"
        value={figure(progress?.loss)}
        note={progress?.kl != null ? `KL ${figure(progress.kl)}` : undefined}
      />
      <Stat
        label={isRunning(job) ? "Time left" : "Time"}
        value={isRunning(job) ? seconds(left) : job.started_at ? duration(job.started_at, job.ended_at) : "–"}
        note={
          progress?.tokens_per_second
            ? `${count(Math.round(progress.tokens_per_second))} tokens/s`
            : undefined
        }
      />
      <Stat
        label="Samples"
        value={count(job.samples)}
        note={outcome ? `${bytes(outcome.peak_memory_bytes)} of memory at most` : undefined}
      />
    </SimpleGrid>
  )
}

function seconds(value: number | null | undefined): string {
  if (value == null) return "–"
  return value < 60 ? `${Math.ceil(value)} s` : `${Math.ceil(value / 60)} min`
}

function Cancel({ job }: { job: TrainingJob }) {
  const may = useMay()
  const useCase = useUseCase()
  const cancel = api.useMutation("post", "/api/v1/training/jobs/{job}/cancel", {
    onSuccess: () => refresh("/api/v1/training"),
    onError: failed,
  })
  if (!isRunning(job) || !may("training:cancel", useCase)) return null
  const ask = () =>
    confirm(
      `Cancel ${job.name}?`,
      "It stops after the step that it is in. Its last checkpoint is kept, and no model comes of it.",
      "Cancel the training",
      () => cancel.mutate({ params: { path: { job: job.id } } }),
    )
  return (
    <Group>
      <Button variant="default" onClick={ask} loading={cancel.isPending}>
        <Text span inherit>
          Cancel training
        </Text>
      </Button>
    </Group>
  )
}
