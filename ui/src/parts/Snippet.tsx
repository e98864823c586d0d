// Code to copy: the same call for a shell, for Python, or whatever ways are given.
import { ActionIcon, Box, CopyButton, Group, SegmentedControl, Tooltip } from "@mantine/core"
import { IconCheck, IconCopy } from "@tabler/icons-react"
import { useState } from "react"

export function Snippet({ ways, label = "Code" }: { ways: Record<string, string>; label?: string }) {
  const names = Object.keys(ways)
  const [chosen, choose] = useState(names[0] ?? "")
  const code = ways[chosen] ?? ""
  return (
    <Box w="100%" ta="left">
      {names.length > 1 && (
        <SegmentedControl size="xs" mb={6} data={names} value={chosen} onChange={choose} />
      )}
      <Group
        wrap="nowrap"
        align="flex-start"
        gap={4}
        style={{ background: "var(--surface)", border: "1px solid var(--line)", borderRadius: 10 }}
      >
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <section tabIndex={0} aria-label={label} style={scrolling}>
          <pre style={{ margin: 0, font: "inherit" }}>{code}</pre>
        </section>
        <Copy text={code} />
      </Group>
    </Box>
  )
}

const scrolling = {
  padding: "12px 14px",
  overflowX: "auto",
  flex: 1,
  fontSize: 12.5,
  lineHeight: 1.6,
  fontFamily: "var(--mantine-font-family-monospace)",
} as const

export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  return (
    <CopyButton value={text} timeout={1500}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? "Copied" : label}>
          <ActionIcon
            m={8}
            variant="subtle"
            color={copied ? "leaf" : "gray"}
            onClick={copy}
            aria-label={label}
          >
            {copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  )
}
