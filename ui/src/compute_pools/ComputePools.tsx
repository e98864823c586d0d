// Which machines work for the engine, what they can do, and how much waits for them.
import { Badge, Group, Paper, Stack, Table, Text, Title } from "@mantine/core"
import { api } from "../api/client"
import type { ComputePool, Worker } from "../api/schema"
import { Facts } from "../parts/Facts"
import { Loaded } from "../parts/Loaded"
import { TextLink } from "../parts/links"
import { plural } from "../parts/numbers"
import { Page } from "../parts/Page"
import { Snippet } from "../parts/Snippet"
import { Time } from "../parts/time"

/** Workers come and go without an event of their own. */
const refreshing = { refetchInterval: 5000 }

export function ComputePools() {
  const query = api.useQuery("get", "/api/v1/compute_pools", {}, refreshing)
  return (
    <Page
      title="Compute pools"
      about="Machines that do the same work. A job runs in the pool that it names, or in the pool of the engine."
    >
      <Loaded query={query}>
        {({ compute_pools: pools }) => (
          <Stack gap="sm">
            {pools.map((pool) => (
              <Pool key={pool.key} pool={pool} />
            ))}
          </Stack>
        )}
      </Loaded>
    </Page>
  )
}

function Pool({ pool }: { pool: ComputePool }) {
  return (
    <Paper p="md" component="article" aria-label={pool.key}>
      <Group justify="space-between" gap="xs">
        <Title order={2} fz={16} style={{ overflowWrap: "anywhere" }}>
          {pool.name}
        </Title>
        <Group gap={6}>
          {pool.capabilities.map((capability) => (
            <Badge key={capability} variant="default" tt="none" fw={550}>
              {capability}
            </Badge>
          ))}
        </Group>
      </Group>
      <Stack gap="md" mt="sm">
        <Facts of={factsOf(pool)} />
        {pool.workers.length > 0 ? <Workers of={pool.workers} /> : <Nobody pool={pool} />}
      </Stack>
    </Paper>
  )
}

function factsOf(pool: ComputePool) {
  const { waiting_jobs, running_jobs, waiting_requests, running_requests } = pool
  return {
    Jobs: `${plural(running_jobs, "job")} at work, ${waiting_jobs} waiting`,
    Requests: pool.capabilities.includes("inference")
      ? `${plural(running_requests, "request")} at work, ${waiting_requests} waiting`
      : undefined,
    Devices: pool.devices.join(", "),
    "Models online":
      pool.models_online.length > 0 &&
      pool.models_online.map((model, place) => (
        <span key={model}>
          {place > 0 && ", "}
          <TextLink to="/models/$model" params={{ model }}>
            {model}
          </TextLink>
        </span>
      )),
  }
}

function Workers({ of }: { of: Worker[] }) {
  return (
    <Table.ScrollContainer minWidth={560}>
      <Table verticalSpacing="xs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Machine</Table.Th>
            <Table.Th>Devices</Table.Th>
            <Table.Th ta="right">Jobs</Table.Th>
            <Table.Th ta="right">Started</Table.Th>
            <Table.Th ta="right">Seen</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {of.map((worker) => (
            <Table.Tr key={worker.id}>
              <Table.Td>{worker.machine}</Table.Td>
              <Table.Td>{worker.devices.join(", ")}</Table.Td>
              <Table.Td ta="right" className="tabular">
                {worker.running_jobs}
              </Table.Td>
              <Table.Td ta="right">
                <Time at={worker.started_at} />
              </Table.Td>
              <Table.Td ta="right">
                <Time at={worker.seen_at} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

function Nobody({ pool }: { pool: ComputePool }) {
  return (
    <Stack gap="xs">
      <Text size="sm">
        Nobody works here now{pool.waiting_jobs > 0 ? ", so its jobs wait" : ""}. Start a worker on a machine
        that reaches the database:
      </Text>
      <Snippet ways={{ sh: `tropism worker --pool ${pool.key}` }} />
    </Stack>
  )
}
