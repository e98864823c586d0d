// A part of a page with a heading of its own.
import { Box, Group, Paper, Text, Title } from "@mantine/core"
import type { ReactNode } from "react"

type Props = { title: string; about?: ReactNode; actions?: ReactNode; children: ReactNode }

export function Section({ title, about, actions, children }: Props) {
  return (
    <Paper p={{ base: "md", sm: "lg" }} component="section" aria-label={title}>
      <Group justify="space-between" align="flex-start" mb="md" gap="sm">
        <Box maw={760}>
          <Title order={2} fz={17}>
            {title}
          </Title>
          {about && (
            <Text size="sm" c="dimmed" mt={2}>
              {about}
            </Text>
          )}
        </Box>
        {actions}
      </Group>
      {children}
    </Paper>
  )
}
