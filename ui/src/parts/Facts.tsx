// Short facts, each a name with its value. What has none is left out, as is a condition that does not hold.
import { Box, SimpleGrid, Text } from "@mantine/core"
import type { ReactNode } from "react"

export function Facts({ of }: { of: Record<string, ReactNode> }) {
  const known = Object.entries(of).filter(([, value]) => value != null && value !== "" && value !== false)
  return (
    <SimpleGrid component="dl" cols={{ base: 1, xs: 2, md: 3 }} spacing="md" m={0}>
      {known.map(([name, value]) => (
        <Box key={name} miw={0}>
          <Text component="dt" size="xs" c="dimmed">
            {name}
          </Text>
          <Text component="dd" size="sm" m={0} style={{ overflowWrap: "anywhere" }}>
            {value}
          </Text>
        </Box>
      ))}
    </SimpleGrid>
  )
}
