// Who changed what, and whether anybody meddled with this log.
import { Alert, Button, Group, Paper, Stack, Table, Text, TextInput } from "@mantine/core"
import { IconShieldCheck } from "@tabler/icons-react"
import { useInfiniteQuery } from "@tanstack/react-query"
import { useNavigate, useSearch } from "@tanstack/react-router"
import { useState } from "react"
import { http } from "../api/client"
import type { AuditEntry, AuditVerdict } from "../api/schema"
import { Empty } from "../parts/Empty"
import { Loaded } from "../parts/Loaded"
import { failed } from "../parts/notify"
import { Page } from "../parts/Page"
import { Snippet } from "../parts/Snippet"
import { Time } from "../parts/time"
import type { AuditSearch } from "./routes"

const PAGE = 100

function useEntries(search: AuditSearch) {
  return useInfiniteQuery({
    queryKey: ["get", "/api/v1/audit", search],
    initialPageParam: null as number | null,
    queryFn: async ({ pageParam: before, signal }) => {
      const query = { ...search, limit: PAGE, ...(before ? { before } : {}) }
      const answer = await http.GET("/api/v1/audit", { params: { query }, signal })
      return answer.data as NonNullable<typeof answer.data>
    },
    getNextPageParam: ({ entries }) =>
      entries.length === PAGE ? (entries[entries.length - 1]?.number ?? null) : null,
  })
}

export function Audit() {
  const search = useSearch({ from: "/signed_in/audit" })
  const query = useEntries(search)
  return (
    <Page
      title="Audit"
      about="Every change that was carried out, in a chain that shows whether somebody meddled with it."
      actions={<Verify />}
    >
      <Filters search={search} />
      <Loaded query={query}>
        {({ pages }) => {
          const entries = pages.flatMap((page) => page.entries)
          if (entries.length === 0)
            return (
              <Empty icon={IconShieldCheck} title="Nothing was changed so">
                Change the filters above, or take them away.
              </Empty>
            )
          return <Entries of={entries} />
        }}
      </Loaded>
      {query.hasNextPage && (
        <Group justify="center">
          <Button variant="default" loading={query.isFetchingNextPage} onClick={() => query.fetchNextPage()}>
            Show older
          </Button>
        </Group>
      )}
    </Page>
  )
}

function Filters({ search }: { search: AuditSearch }) {
  const navigate = useNavigate({ from: "/audit" })
  const [user, setUser] = useState(search.user ?? "")
  const [action, setAction] = useState(search.action ?? "")
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        navigate({ search: { user: user || undefined, action: action || undefined } })
      }}
    >
      <Group align="flex-end" gap="sm">
        <TextInput
          label="User"
          placeholder="anybody"
          value={user}
          onChange={(event) => setUser(event.currentTarget.value)}
        />
        <TextInput
          label="Action"
          placeholder="any"
          value={action}
          onChange={(event) => setAction(event.currentTarget.value)}
        />
        <Button type="submit" variant="default">
          Filter
        </Button>
      </Group>
    </form>
  )
}

function Entries({ of }: { of: AuditEntry[] }) {
  const [open, setOpen] = useState<number | null>(null)
  return (
    <Paper>
      <Table.ScrollContainer minWidth={720}>
        <Table verticalSpacing="xs">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>When</Table.Th>
              <Table.Th>Who</Table.Th>
              <Table.Th>What</Table.Th>
              <Table.Th>From</Table.Th>
              <Table.Th />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {of.map((entry) => (
              <Entry
                key={entry.number}
                entry={entry}
                isOpen={open === entry.number}
                toggle={() => setOpen(open === entry.number ? null : entry.number)}
              />
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Paper>
  )
}

function Entry({ entry, isOpen, toggle }: { entry: AuditEntry; isOpen: boolean; toggle: () => void }) {
  return (
    <>
      <Table.Tr>
        <Table.Td>
          <Time at={entry.at} />
        </Table.Td>
        <Table.Td>{entry.user}</Table.Td>
        <Table.Td>
          <Text size="sm">{entry.action}</Text>
          <Text size="xs" c="dimmed">
            {entry.path}
          </Text>
        </Table.Td>
        <Table.Td>{entry.address ?? "–"}</Table.Td>
        <Table.Td ta="right">
          <Button size="compact-xs" variant="subtle" onClick={toggle} aria-expanded={isOpen}>
            {isOpen ? "Less" : "More"}
          </Button>
        </Table.Td>
      </Table.Tr>
      {isOpen && (
        <Table.Tr>
          <Table.Td colSpan={5}>
            <Stack gap="xs">
              <Snippet
                label={`Request ${entry.number}`}
                ways={{ Request: JSON.stringify(entry.request, null, 2) }}
              />
              <Text size="xs" c="dimmed" ff="monospace" style={{ overflowWrap: "anywhere" }}>
                {entry.number} · {entry.api_key ? `key ${entry.api_key}…` : "no key"} · {entry.digest}
              </Text>
            </Stack>
          </Table.Td>
        </Table.Tr>
      )}
    </>
  )
}

function Verify() {
  const [verdict, setVerdict] = useState<AuditVerdict | null>(null)
  const check = () =>
    http.GET("/api/v1/audit/verification").then(({ data }) => setVerdict(data ?? null), failed)
  return (
    <Group gap="sm">
      {verdict && (
        <Alert role="status" py={4} color={verdict.holds ? "green" : "red"}>
          {verdict.holds
            ? `The chain holds up to entry ${verdict.last ?? 0}.`
            : `Broken at entry ${verdict.broken_at}.`}
        </Alert>
      )}
      <Button variant="default" leftSection={<IconShieldCheck size={16} />} onClick={check}>
        Check the chain
      </Button>
    </Group>
  )
}
