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
import { api, queries } from "../api/client"
import { useMe } from "../api/me"
import { forget } from "../api/session"
import { TextLink } from "../parts/links"
import { failed } from "../parts/notify"

export function You() {
  const { data: me } = useMe()
  const { setColorScheme } = useMantineColorScheme()
  const dark = useComputedColorScheme("light") === "dark"
  const turn = () => setColorScheme(dark ? "light" : "dark")
  useHotkeys([["alt + D", turn]])
  const leaving = api.useMutation("post", "/api/v1/sign_out", {
    onSuccess: () => {
      forget()
      queries.clear()
    },
    onError: failed,
  })
  return (
    <Group justify="space-between" wrap="nowrap" gap={4}>
      <div style={{ minWidth: 0 }}>
        <TextLink to="/account" size="sm" fw={600} c="inherit" className="clip" display="block">
          {me?.name ?? "You"}
        </TextLink>
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
          <ActionIcon
            variant="subtle"
            color="gray"
            onClick={() => leaving.mutate({ body: {} })}
            aria-label="Sign out"
          >
            <IconLogout size={18} stroke={1.7} />
          </ActionIcon>
        </Tooltip>
      </Group>
    </Group>
  )
}
