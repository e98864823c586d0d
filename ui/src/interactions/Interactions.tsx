// The log: filtered by the URL, scrolled without end, watched live, grouped, and looked into.
import { Button, Group, SegmentedControl, Switch, Text } from "@mantine/core"
import { IconMessages } from "@tabler/icons-react"
import { useMemo } from "react"
import { Empty } from "../parts/Empty"
import { exact, plural } from "../parts/numbers"
import { Page } from "../parts/Page"
import { Problem } from "../parts/Problem"
import { useUseCase } from "../use_cases/current"
import { Detail } from "./Detail"
import { Filters } from "./Filters"
import { Groups } from "./Groups"
import { Rows } from "./Rows"
import { CLEARED, filtersOf, isFiltered } from "./search"
import { useLog } from "./useLog"
import { useLogSearch } from "./useSearch"
import { waysToAsk } from "./ways"

export function Interactions() {
  const useCase = useUseCase()
  const [search, change] = useLogSearch()
  const { group, order, up, id: _open, live, ...wanted } = search
  // The same words are the same filter until they change: "last hour" must not move with each drawing.
  const words = JSON.stringify(wanted)
  const filters = useMemo(() => filtersOf(JSON.parse(words), Date.now()), [words])
  const log = useLog(useCase.key, filters, { order: order ?? "created_at", up: up ?? false }, live ?? false)
  const filtered = isFiltered(search)

  return (
    <Page
      fill
      title="Interactions"
      actions={
        <Group gap="md">
          {!group && (
            <Switch
              label={<Live state={log.watching.state} on={live ?? false} />}
              checked={live ?? false}
              onChange={(event) => change({ live: event.currentTarget.checked || undefined })}
            />
          )}
          <SegmentedControl
            aria-label="Show"
            size="xs"
            value={group ?? "each"}
            onChange={(value) =>
              change({ group: value === "each" ? undefined : (value as "model" | "prompt") })
            }
            data={[
              { value: "each", label: "Each" },
              { value: "model", label: "By model" },
              { value: "prompt", label: "By prompt" },
            ]}
          />
        </Group>
      }
    >
      <Filters useCase={useCase} search={search} change={change} />
      {log.watching.problem && <Problem error={new Error(log.watching.problem)} />}
      {group ? (
        <Groups useCase={useCase} filters={filters} by={group} change={change} />
      ) : log.error && log.nodes.length === 0 ? (
        <Problem error={log.error} again={log.again} />
      ) : log.total === 0 && !live ? (
        <Nothing filtered={filtered} useCase={useCase.key} clear={() => change(CLEARED)} />
      ) : (
        <>
          <Text size="sm" c="dimmed" mt={-8} aria-live="polite">
            {log.total === null
              ? "Loading…"
              : `${log.totalIsExact ? "" : "at least "}${exact(log.total)} ${log.total === 1 ? "interaction" : "interactions"}`}
            {log.arrived > 0 && ` · ${plural(log.arrived, "new one")} since you watch`}
          </Text>
          <Rows log={log} useCase={useCase} open={(id) => change({ id })} opened={search.id} />
        </>
      )}
      <Detail id={search.id} useCase={useCase} close={() => change({ id: undefined })} />
    </Page>
  )
}

function Live({ state, on }: { state: string; on: boolean }) {
  return <span>{!on ? "Live" : state === "live" || state === "connecting" ? "Live, watching" : "Live"}</span>
}

function Nothing({ filtered, useCase, clear }: { filtered: boolean; useCase: string; clear: () => void }) {
  if (filtered)
    return (
      <Empty
        icon={IconMessages}
        title="None of them"
        action={<Button onClick={clear}>Clear the filters</Button>}
      >
        No interaction matches all of these filters.
      </Empty>
    )
  return (
    <Empty icon={IconMessages} title="Nothing was asked yet" ways={waysToAsk(useCase)}>
      Each answer of a model is kept here, with what people say of it. Ask for one:
    </Empty>
  )
}
