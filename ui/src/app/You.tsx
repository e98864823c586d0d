// One's own corner: who is signed in, dark or light, the way out.
import {
  ActionIcon,
  Group,
  Text,
  Tooltip,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core"
import { useHotkeys } from "@mantine/hooks"
import { IconLogout, IconMoon, IconSun } from "@tabler/icons-react"
import { queries } from "../api/client"
import { useMe } from "../api/me"
import { signOut } from "../api/session"

export function You() {
  const { data: me } = useMe()
  const { setColorScheme } = useMantineColorScheme()
  const dark = useComputedColorScheme("light") === "dark"
  const turn = () => setColorScheme(dark ? "light" : "dark")
  useHotkeys([["alt + D", turn]])
  const leave = () => {
    signOut()
    queries.clear()
  }
  return (
    <Group justify="space-between" wrap="nowrap" gap={4}>
      <div style={{ minWidth: 0 }}>
        <Text size="sm" fw={600} className="clip">
          {me?.name ?? " "}
        </Text>
        <Text size="xs" c="dimmed" className="clip">
          {me?.email}
        </Text>
      </div>
      <Group gap={2} wrap="nowrap">
        <Tooltip label={dark ? "Light" : "Dark"}>
          <ActionIcon variant="subtle" color="gray" onClick={turn} aria-label={dark ? "Light" : "Dark"}>
            {dark ? <IconSun size={18} stroke={1.7} /> : <IconMoon size={18} stroke={1.7} />}
          </ActionIcon>
        </Tooltip>
        <Tooltip label="Sign out">
          <ActionIcon variant="subtle" color="gray" onClick={leave} aria-label="Sign out">
            <IconLogout size={18} stroke={1.7} />
          </ActionIcon>
        </Tooltip>
      </Group>
    </Group>
  )
}
