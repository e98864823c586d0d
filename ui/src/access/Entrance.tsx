// What stands around the forms of those who are not signed in yet.
import { Center, Paper, Stack, Text, Title } from "@mantine/core"
import { useDocumentTitle } from "@mantine/hooks"
import type { ReactNode } from "react"
import { Logo } from "../app/Logo"

export function Entrance({ title, about, children }: { title: string; about?: string; children: ReactNode }) {
  useDocumentTitle(`${title} · Tropism`)
  return (
    <Center mih="100dvh" p="md" component="main">
      <Paper p={{ base: "lg", sm: 36 }} w="100%" maw={440} shadow="md">
        <Stack>
          <Logo size={34} />
          <div>
            <Title order={1} fz={22}>
              {title}
            </Title>
            {about && (
              <Text c="dimmed" size="sm" mt={4}>
                {about}
              </Text>
            )}
          </div>
          {children}
        </Stack>
      </Paper>
    </Center>
  )
}
