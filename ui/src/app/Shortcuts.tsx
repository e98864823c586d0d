// What the keyboard can do, shown on "?". Pages that have keys of their own say so themselves.
import { Group, Kbd, Modal, Stack, Text } from "@mantine/core"
import { useDisclosure, useHotkeys } from "@mantine/hooks"
import { spotlight } from "@mantine/spotlight"
import { useNavigate } from "@tanstack/react-router"

const KEYS: [string[], string][] = [
  [["Ctrl", "K"], "Go to a page or a use case"],
  [["Alt", "H"], "All use cases"],
  [["Alt", "D"], "Dark or light"],
  [["?"], "Show these keys"],
  [["Esc"], "Close what is open"],
]

export function Shortcuts() {
  const [opened, { open, close }] = useDisclosure()
  const navigate = useNavigate()
  useHotkeys([["mod + K", spotlight.open]], []) // also from within a field
  useHotkeys([
    ["shift + ?", open],
    ["?", open],
    ["alt + H", () => navigate({ to: "/" })],
  ])
  return (
    <Modal opened={opened} onClose={close} title="Keys">
      <Stack gap="sm">
        {KEYS.map(([keys, what]) => (
          <Group key={what} justify="space-between">
            <Text size="sm">{what}</Text>
            <Group gap={4}>
              {keys.map((key) => (
                <Kbd key={key}>{key}</Kbd>
              ))}
            </Group>
          </Group>
        ))}
      </Stack>
    </Modal>
  )
}
