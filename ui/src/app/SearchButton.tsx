// Opens the search, which is loaded after the page.
import { ActionIcon, Group, Kbd, Text, UnstyledButton } from "@mantine/core"
import { spotlight } from "@mantine/spotlight"
import { IconSearch } from "@tabler/icons-react"

const MOD = navigator.platform.startsWith("Mac") ? "⌘" : "Ctrl"

export function SearchButton({ small }: { small?: boolean }) {
  if (small)
    return (
      <ActionIcon variant="subtle" color="gray" size="lg" onClick={spotlight.open} aria-label="Search">
        <IconSearch size={20} />
      </ActionIcon>
    )
  return (
    <UnstyledButton
      onClick={spotlight.open}
      w="100%"
      px="sm"
      py={7}
      style={{ border: "1px solid var(--line)", borderRadius: 8 }}
    >
      <Group justify="space-between" wrap="nowrap">
        <Group gap={8} c="dimmed">
          <IconSearch size={15} />
          <Text size="sm">Go to…</Text>
        </Group>
        <Kbd size="xs">{MOD} K</Kbd>
      </Group>
    </UnstyledButton>
  )
}
