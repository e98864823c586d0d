// Whether a person can sign in: a link for their password, and the end and beginning of their account.
import { Button, Group, Stack, Text } from "@mantine/core"
import { modals } from "@mantine/modals"
import { api, refresh } from "../api/client"
import type { User } from "../api/schema"
import { confirm } from "../parts/confirm"
import { done, failed } from "../parts/notify"
import { Snippet } from "../parts/Snippet"
import { momentOf } from "../parts/time"

export function LetIn({ user }: { user: User }) {
  const params = { path: { user: user.email } }
  const link = api.useMutation("post", "/api/v1/users/{user}/password_links", {
    onSuccess: ({ path, expires_at }) =>
      modals.open({
        title: "Password link",
        children: <ShownOnce user={user} path={path} until={expires_at} />,
      }),
    onError: failed,
  })
  const changed = { onSuccess: () => refresh("/api/v1/users"), onError: failed }
  const activation = api.useMutation("post", "/api/v1/users/{user}/activation", changed)
  const end = api.useMutation("delete", "/api/v1/users/{user}", {
    onSuccess: async () => {
      await refresh("/api/v1/users")
      done(`${user.name} is let in no more.`)
    },
    onError: failed,
  })
  const ask = () =>
    confirm(
      `Let ${user.name} in no more?`,
      "Their sign-ins end and their api keys are refused, at once. Roles and what they logged stay.",
      "Deactivate",
      () => end.mutate({ params }),
    )
  if (!user.active)
    return (
      <Button size="compact-sm" variant="default" onClick={() => activation.mutate({ params })}>
        Activate
      </Button>
    )
  return (
    <Group gap="xs">
      {user.kind === "person" && (
        <Button
          size="compact-sm"
          variant="default"
          loading={link.isPending}
          onClick={() => link.mutate({ params })}
        >
          Password link
        </Button>
      )}
      <Button size="compact-sm" variant="default" onClick={ask}>
        Deactivate
      </Button>
    </Group>
  )
}

function ShownOnce({ user, path, until }: { user: User; path: string; until: string }) {
  return (
    <Stack>
      <Text size="sm">
        Whoever opens it sets the password of {user.name}, once, until {momentOf(until)}. It is not shown
        again.
      </Text>
      <Snippet label="The link" ways={{ Link: location.origin + path }} />
      <Group justify="flex-end">
        <Button onClick={() => modals.closeAll()}>I have copied it</Button>
      </Group>
    </Stack>
  )
}
