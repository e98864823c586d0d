// What a query gives, once it is there: a quiet placeholder before, the problem with a way to try again otherwise.
import { Skeleton, Stack } from "@mantine/core"
import type { ReactNode } from "react"
import { Problem } from "./Problem"

type Query<T> = { data: T | undefined; error: unknown; refetch: () => unknown }
type Props<T> = { query: Query<T>; rows?: number; children: (data: T) => ReactNode }

export function Loaded<T>({ query, rows = 3, children }: Props<T>) {
  if (query.data !== undefined) return children(query.data)
  if (query.error) return <Problem error={query.error} again={() => query.refetch()} />
  return (
    <Stack gap="sm" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: placeholders have no other name
        <Skeleton key={row} height={row === 0 ? 84 : 48} radius="lg" />
      ))}
    </Stack>
  )
}
