// Everything that workers do, did, or will do.
import { Paper, SegmentedControl, Stack, Table, Text } from "@mantine/core"
import { IconStack2 } from "@tabler/icons-react"
import { useNavigate, useSearch } from "@tanstack/react-router"
import { api } from "../api/client"
import type { Job } from "../api/schema"
import { Empty } from "../parts/Empty"
import { Loaded } from "../parts/Loaded"
import { TextLink } from "../parts/links"
import { Page } from "../parts/Page"
import { Status } from "../parts/Status"
import { duration, Time } from "../parts/time"
import { refreshing } from "./useJobEvents"

export function Jobs() {
  const { status } = useSearch({ from: "/signed_in/jobs" })
  const navigate = useNavigate({ from: "/jobs" })
  const params = { query: status ? { status } : {} }
  const query = api.useQuery("get", "/api/v1/jobs", { params }, refreshing)
  return (
    <Page
      title="Jobs"
      about="What takes longer than a request: workers do it, and take it up again if one of them dies."
    >
      <SegmentedControl
        aria-label="Status"
        style={{ alignSelf: "flex-start", maxWidth: "100%", overflowX: "auto" }}
        data={[
          { value: "", label: "All" },
          { value: "PENDING", label: "Waiting" },
          { value: "RUNNING", label: "Running" },
          { value: "COMPLETED", label: "Done" },
          { value: "FAILED", label: "Failed" },
        ]}
        value={status ?? ""}
        onChange={(value) =>
          navigate({ search: { status: (value as Job["status"]) || undefined }, replace: true })
        }
      />
      <Loaded query={query}>
        {({ jobs }) =>
          jobs.length === 0 ? (
            <Empty icon={IconStack2} title="No such job">
              Evaluations, trainings and generated datasets show here once they are asked for.
            </Empty>
          ) : (
            <Paper>
              <Table.ScrollContainer minWidth={620}>
                <Table verticalSpacing="sm" highlightOnHover>
                  <Table.Thead>
                    <Table.Tr>
                      <Table.Th>Job</Table.Th>
                      <Table.Th>Kind</Table.Th>
                      <Table.Th>Use case</Table.Th>
                      <Table.Th>Status</Table.Th>
                      <Table.Th ta="right">Asked for</Table.Th>
                      <Table.Th ta="right">Took</Table.Th>
                    </Table.Tr>
                  </Table.Thead>
                  <Table.Tbody>
                    {jobs.map((job) => (
                      <Row key={job.id} job={job} />
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
            </Paper>
          )
        }
      </Loaded>
    </Page>
  )
}

function Row({ job }: { job: Job }) {
  return (
    <Table.Tr>
      <Table.Td>
        <TextLink to="/jobs/$job" params={{ job: job.id }} size="sm">
          {job.name}
        </TextLink>
      </Table.Td>
      <Table.Td>{job.kind}</Table.Td>
      <Table.Td>{job.use_case ?? "–"}</Table.Td>
      <Table.Td>
        <Stack gap={2} align="flex-start">
          <Status of={job.status} />
          {job.attempt > 1 && (
            <Text size="xs" c="dimmed">
              begun {job.attempt} times
            </Text>
          )}
        </Stack>
      </Table.Td>
      <Table.Td ta="right">
        <Time at={job.created_at} />
      </Table.Td>
      <Table.Td ta="right" className="tabular">
        {job.started_at ? duration(job.started_at, job.ended_at ?? null) : "–"}
      </Table.Td>
    </Table.Tr>
  )
}
