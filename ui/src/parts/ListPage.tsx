// A page that lists things, newest first: a row for each, or what to do while there are none.
import { Group, Paper, Stack, Text, Title } from "@mantine/core"
import type { ComponentProps, ReactNode } from "react"
import { Empty } from "./Empty"
import { Loaded } from "./Loaded"
import { Page } from "./Page"
import { Status } from "./Status"

type Props<Data, Entry> = {
  title: string
  about: string
  create: ReactNode
  query: ComponentProps<typeof Loaded<Data>>["query"]
  entries: (data: Data) => Entry[]
  empty: Omit<ComponentProps<typeof Empty>, "action">
  children: (entry: Entry) => ReactNode
}

export function ListPage<Data, Entry>({
  title,
  about,
  create,
  query,
  entries,
  empty,
  children,
}: Props<Data, Entry>) {
  return (
    <Page title={title} about={about} actions={create}>
      <Loaded query={query}>
        {(data) => {
          const found = entries(data)
          if (found.length === 0) return <Empty {...empty} action={create} />
          return <Stack gap="sm">{found.map(children)}</Stack>
        }}
      </Loaded>
    </Page>
  )
}

type RowProps = {
  /** A link with the name. */
  name: ReactNode
  status: ComponentProps<typeof Status>["of"]
  when: ReactNode
  error?: string | null
  children: ReactNode
}

export function ListRow({ name, status, when, error, children }: RowProps) {
  return (
    <Paper p="md">
      <Group justify="space-between" gap="xs">
        <Group gap="sm">
          <Title order={2} fz={16} style={{ overflowWrap: "anywhere" }}>
            {name}
          </Title>
          <Status of={status} />
        </Group>
        <Text size="sm" c="dimmed" component="div">
          {when}
        </Text>
      </Group>
      {children}
      {error && (
        <Text size="sm" c="red" mt={4} lineClamp={2}>
          {error}
        </Text>
      )}
    </Paper>
  )
}
