// The frame of every page: its title, what it is for, what can be done, and the content.
import { Box, Group, Stack, Text, Title } from "@mantine/core"
import { useDocumentTitle } from "@mantine/hooks"
import type { ReactNode } from "react"

type Props = {
  title: string
  about?: ReactNode
  actions?: ReactNode
  /** Fill the height of the window, for pages that scroll inside. */
  fill?: boolean
  children: ReactNode
}

export function Page({ title, about, actions, fill, children }: Props) {
  useDocumentTitle(`${title} · Tropism`)
  const full = fill ? { h: { base: "calc(100dvh - 56px)", md: "100dvh" }, style: { overflow: "hidden" } } : {}
  return (
    <Stack
      gap="lg"
      px={{ base: "md", md: "xl" }}
      py={{ base: "md", md: "lg" }}
      maw={1480}
      mx="auto"
      {...full}
    >
      <Group justify="space-between" align="flex-start" gap="sm" wrap="wrap">
        <Box maw={760} miw={0} style={{ overflowWrap: "anywhere" }}>
          <Title order={1} fz={{ base: 22, md: 26 }} lh={1.25}>
            {title}
          </Title>
          {about && (
            <Text c="dimmed" mt={4}>
              {about}
            </Text>
          )}
        </Box>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  )
}
