// The name with its sign: a shoot that grows towards the light.
import { Group, Text } from "@mantine/core"

export function Logo({ size = 26 }: { size?: number }) {
  return (
    <Group gap={9} wrap="nowrap">
      <img src="/favicon.svg" alt="" width={size} height={size} />
      <Text fw={700} fz={size * 0.66} style={{ letterSpacing: "-0.02em" }}>
        Tropism
      </Text>
    </Group>
  )
}
