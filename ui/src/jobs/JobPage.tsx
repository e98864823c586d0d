// One job: its stages as they go, and what the workers noted.
import { Button, Group, Text } from "@mantine/core"
import { useParams } from "@tanstack/react-router"
import { api, refresh } from "../api/client"
import { useMay } from "../api/me"
import type { Job } from "../api/schema"
import { confirm } from "../parts/confirm"
import { Facts } from "../parts/Facts"
import { Loaded } from "../parts/Loaded"
import { failed } from "../parts/notify"
import { Page } from "../parts/Page"
import { Section } from "../parts/Section"
import { Status } from "../parts/Status"
import { duration, momentOf, Time } from "../parts/time"
import { Stages } from "./Stages"
import { isRunning, useJobEvents } from "./useJobEvents"

export function JobPage() {
  const { job: id } = useParams({ from: "/signed_in/jobs/$job" })
  const params = { path: { job: id } }
  const query = api.useQuery("get", "/api/v1/jobs/{job}", { params })
  const logs = api.useQuery("get", "/api/v1/jobs/{job}/logs", { params })
  useJobEvents(query.data, () => {
    query.refetch()
    logs.refetch()
  })
  return (
    <Page title={query.data?.name ?? "Job"} actions={query.data && <Cancel job={query.data} />}>
      <Loaded query={query}>
        {(job) => (
          <Section title="How far it is" actions={<Status of={job.status} />}>
            <Facts
              of={{
                Kind: job.kind,
                "Use case": job.use_case,
                "Compute pool": job.compute_pool,
                "Asked for": <Time at={job.created_at} />,
                Took: job.started_at ? duration(job.started_at, job.ended_at ?? null) : "not begun",
                Attempt: job.attempt,
                Made: job.result ? JSON.stringify(job.result) : null,
              }}
            />
            <div style={{ marginTop: 16 }}>
              <Stages of={job} />
            </div>
          </Section>
        )}
      </Loaded>
      <Section title="What the workers noted">
        <Loaded query={logs} rows={1}>
          {({ lines }) =>
            lines.length === 0 ? (
              <Text size="sm" c="dimmed">
                Nothing yet.
              </Text>
            ) : (
              <div role="log">
                {lines.map(({ number, at, level, message }) => (
                  <Group key={number} gap="sm" wrap="nowrap" align="flex-start">
                    <Text
                      size="xs"
                      c="dimmed"
                      className="tabular"
                      title={momentOf(at)}
                      style={{ flexShrink: 0 }}
                    >
                      {new Date(at).toLocaleTimeString()}
                    </Text>
                    <Text
                      size="sm"
                      c={level === "error" ? "red" : undefined}
                      style={{ overflowWrap: "anywhere" }}
                    >
                      {message}
                    </Text>
                  </Group>
                ))}
              </div>
            )
          }
        </Loaded>
      </Section>
    </Page>
  )
}

function Cancel({ job }: { job: Job }) {
  const may = useMay()
  const cancel = api.useMutation("post", "/api/v1/jobs/{job}/cancel", {
    onSuccess: () => refresh("/api/v1/jobs"),
    onError: failed,
  })
  if (!isRunning(job) || !may("job:cancel")) return null
  const ask = () =>
    confirm(`Cancel ${job.name}?`, "What it has stored so far stays.", "Cancel the job", () =>
      cancel.mutate({ params: { path: { job: job.id } } }),
    )
  return (
    <Button variant="default" onClick={ask} loading={cancel.isPending}>
      Cancel job
    </Button>
  )
}
