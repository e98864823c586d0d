// Estimates with their intervals on one scale: a dot for the estimate, a bar for where the truth may be.
import { Box, Group, Stack, Text } from "@mantine/core"
import { figure } from "./numbers"

export type Row = {
  label: string
  color: string
  interval: { start: number; middle: number; end: number } | null
  /** What is said where there is no interval. */
  missing?: string
  note?: string
}
type Props = { rows: Row[]; format?: (value: number) => string; reference?: number; what: string }

export function Intervals({ rows, format = figure, reference, what }: Props) {
  const known = rows.flatMap(({ interval }) => (interval ? [interval.start, interval.end] : []))
  const edges = reference === undefined ? known : [...known, reference]
  const [low, high] = [Math.min(...edges), Math.max(...edges)]
  const room = (high - low || Math.abs(high) || 1) * 0.06
  const at = (value: number) => `${(((value - low + room) / (high - low + 2 * room || 1)) * 100).toFixed(2)}%`
  return (
    <Stack gap="sm" component="ul" aria-label={what} m={0} p={0} style={{ listStyle: "none" }}>
      {rows.map((row) => (
        <li key={row.label}>
          <Group justify="space-between" gap="0 12px">
            <Group gap={8} wrap="nowrap" maw="100%">
              <Dot color={row.color} />
              <Text size="sm" fw={550} className="clip">
                {row.label}
              </Text>
            </Group>
            <Text size="sm" className="tabular">
              {row.interval ? said(row.interval, format) : (row.missing ?? "not enough yet")}
              {row.note && (
                <Text span c="dimmed" size="xs" ml={8}>
                  {row.note}
                </Text>
              )}
            </Text>
          </Group>
          <Box
            pos="relative"
            h={18}
            mt={2}
            aria-hidden
            style={{ background: "var(--surface)", borderRadius: 6 }}
          >
            {reference !== undefined && known.length > 0 && <Line at={at(reference)} />}
            {row.interval && <Bar {...row.interval} at={at} color={row.color} />}
          </Box>
        </li>
      ))}
    </Stack>
  )
}

function said(interval: { start: number; middle: number; end: number }, format: (value: number) => string) {
  return `${format(interval.middle)}  (${format(interval.start)} to ${format(interval.end)})`
}

export function paint(color: string): string {
  return `var(--mantine-color-${color.replace(".", "-")})`
}

export function Dot({ color }: { color: string }) {
  return <Box w={9} h={9} style={{ borderRadius: 9, flexShrink: 0, background: paint(color) }} aria-hidden />
}

function Line({ at }: { at: string }) {
  return (
    <Box
      pos="absolute"
      left={at}
      top={0}
      bottom={0}
      style={{ borderLeft: "1px dashed var(--mantine-color-dimmed)" }}
    />
  )
}

type BarProps = { start: number; middle: number; end: number; at: (value: number) => string; color: string }

function Bar({ start, middle, end, at, color }: BarProps) {
  const left = at(start)
  const width = `calc(${at(end)} - ${left})`
  return (
    <>
      <Box
        pos="absolute"
        left={left}
        top={6}
        h={6}
        style={{ width, background: paint(color), opacity: 0.4, borderRadius: 6 }}
      />
      <Box
        pos="absolute"
        left={at(middle)}
        top={3}
        w={12}
        h={12}
        ml={-6}
        style={{ borderRadius: 12, background: paint(color), border: "2px solid var(--card)" }}
      />
    </>
  )
}
