// The rows of the log. Only those in sight are drawn; the next page is fetched before its rows are reached.
import { Badge, Box, Group, Loader, Text, UnstyledButton } from "@mantine/core"
import { useMediaQuery } from "@mantine/hooks"
import { useVirtualizer } from "@tanstack/react-virtual"
import { useEffect, useRef } from "react"
import type { Interaction, UseCase } from "../api/schema"
import { seriesColor } from "../app/theme"
import { Dot } from "../parts/Intervals"
import { count, figure, milliseconds, money } from "../parts/numbers"
import { Time } from "../parts/time"
import { wordsOf } from "../parts/words"
import type { Log } from "./useLog"

type Props = { log: Log; useCase: UseCase; open: (id: string) => void; opened: string | undefined }
const COLUMNS = "88px minmax(90px, 160px) minmax(0, 1fr) minmax(90px, 220px) 70px 76px 70px"

export function Rows({ log, useCase, open, opened }: Props) {
  const frame = useRef<HTMLDivElement>(null)
  const wide = useMediaQuery("(min-width: 62em)", true)
  const rows = useVirtualizer({
    count: log.nodes.length,
    getScrollElement: () => frame.current,
    estimateSize: (index) => (wide ? 60 : isJudged(log.nodes[index]) ? 116 : 92),
    overscan: 12,
    getItemKey: (index) => log.nodes[index]?.id ?? index,
  })
  const drawn = rows.getVirtualItems()
  const last = drawn[drawn.length - 1]?.index ?? 0
  const { more, loadMore } = log
  useEffect(() => {
    if (more && last >= log.nodes.length - 25) loadMore()
  }, [more, loadMore, last, log.nodes.length])
  const colors = new Map(useCase.model_services.map(({ model }, index) => [model.key, seriesColor(index)]))

  return (
    <Box
      className="log"
      style={{ border: "1px solid var(--line)", borderRadius: 14, background: "var(--card)" }}
    >
      {wide && <Head />}
      <section ref={frame} aria-label="Interactions" className="log-frame">
        <Box h={rows.getTotalSize()} pos="relative">
          {drawn.map((row) => {
            const node = log.nodes[row.index]
            if (!node) return null
            const color = colors.get(node.model ?? "") ?? "gray.6"
            return (
              <UnstyledButton
                key={row.key}
                className="log-row"
                data-opened={node.id === opened || undefined}
                onClick={() => open(node.id)}
                style={{ height: row.size, transform: `translateY(${row.start}px)` }}
              >
                {wide ? <Wide node={node} color={color} /> : <Narrow node={node} color={color} />}
              </UnstyledButton>
            )
          })}
        </Box>
        {log.loading && (
          <Group justify="center" p="sm">
            <Loader size="sm" aria-label="Loading more" />
          </Group>
        )}
      </section>
    </Box>
  )
}

function isJudged(node: Interaction | undefined): boolean {
  return node !== undefined && node.direct_feedbacks.length + node.comparison_feedbacks.length > 0
}

function Head() {
  return (
    <div className="log-head" style={{ gridTemplateColumns: COLUMNS }} aria-hidden>
      <span>When</span>
      <span>Model</span>
      <span>Prompt and answer</span>
      <span>Feedback</span>
      <span style={{ textAlign: "right" }}>Tokens</span>
      <span style={{ textAlign: "right" }}>Latency</span>
      <span style={{ textAlign: "right" }}>Cost</span>
    </div>
  )
}

type RowProps = { node: Interaction; color: string }

function Wide({ node, color }: RowProps) {
  return (
    <div className="log-cells" style={{ gridTemplateColumns: COLUMNS }}>
      <Text size="xs" c="dimmed">
        <Time at={node.created_at} />
      </Text>
      <Model node={node} color={color} />
      <Said node={node} />
      <Feedback node={node} />
      <Text size="xs" ta="right" className="tabular">
        {count(node.usage?.total_tokens)}
      </Text>
      <Text size="xs" ta="right" className="tabular">
        {milliseconds(node.timings.latency_ms)}
      </Text>
      <Text size="xs" ta="right" className="tabular">
        {money(node.cost_usd)}
      </Text>
    </div>
  )
}

function Narrow({ node, color }: RowProps) {
  return (
    <Box px="md" py="xs">
      <Group justify="space-between" gap="xs" wrap="nowrap">
        <Model node={node} color={color} />
        <Text size="xs" c="dimmed" style={{ whiteSpace: "nowrap" }}>
          <Time at={node.created_at} />
        </Text>
      </Group>
      <Said node={node} />
      <Feedback node={node} />
    </Box>
  )
}

function Model({ node, color }: RowProps) {
  return (
    <Group gap={7} wrap="nowrap" miw={0}>
      <Dot color={color} />
      <Text size="sm" className="clip">
        {node.model ?? "not named"}
      </Text>
    </Group>
  )
}

function Said({ node }: { node: Interaction }) {
  return (
    <Box miw={0}>
      <Text size="sm" fw={500} className="clip">
        {wordsOf(node.messages[node.messages.length - 1]?.content)}
      </Text>
      <Text size="sm" c="dimmed" className="clip">
        {node.completion || "(empty)"}
      </Text>
    </Box>
  )
}

function Feedback({ node }: { node: Interaction }) {
  const values = node.direct_feedbacks.slice(0, 2)
  const rest = node.direct_feedbacks.length - values.length + node.comparison_feedbacks.length
  return (
    <Group gap={4} wrap="nowrap" miw={0} style={{ overflow: "hidden" }}>
      {values.map((each) => (
        <Badge key={each.id} variant="default" tt="none" fw={500} maw={150}>
          {each.feedback_key} {figure(each.value)}
        </Badge>
      ))}
      {rest > 0 && (
        <Text size="xs" c="dimmed">
          +{rest}
        </Text>
      )}
    </Group>
  )
}
