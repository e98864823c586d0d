// A page with nothing on it yet: what belongs here, how it gets here, and code that brings it.
import { Paper, Stack, Text, ThemeIcon, Title } from "@mantine/core"
import type { Icon } from "@tabler/icons-react"
import type { ReactNode } from "react"
import { Snippet } from "./Snippet"

type Props = {
  icon: Icon
  title: string
  children: ReactNode
  action?: ReactNode
  ways?: Record<string, string>
}

export function Empty({ icon: Sign, title, children, action, ways }: Props) {
  return (
    <Paper p={{ base: "lg", sm: 40 }}>
      <Stack align="center" gap="md" maw={640} mx="auto" ta="center">
        <ThemeIcon size={56} radius={18} variant="light">
          <Sign size={28} stroke={1.6} />
        </ThemeIcon>
        <Title order={2} fz={20}>
          {title}
        </Title>
        <Text c="dimmed">{children}</Text>
        {action}
        {ways && <Snippet ways={ways} />}
      </Stack>
    </Paper>
  )
}
