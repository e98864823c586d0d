// The users of the caller's teams, and their roles.
import { ActionIcon, Badge, Button, Group, Paper, Select, Stack, Text, Title } from "@mantine/core"
import { IconUserPlus, IconX } from "@tabler/icons-react"
import { api, refresh } from "../api/client"
import { useMay, useMe } from "../api/me"
import type { Membership, User } from "../api/schema"
import { confirm } from "../parts/confirm"
import { Loaded } from "../parts/Loaded"
import { TextLink } from "../parts/links"
import { done, failed } from "../parts/notify"
import { Page } from "../parts/Page"
import { LetIn } from "./letIn"
import { openNewUser } from "./newUser"

export function Users() {
  const may = useMay()
  const query = api.useQuery("get", "/api/v1/users")
  const create = may("user:create") && (
    <Button leftSection={<IconUserPlus size={18} />} onClick={openNewUser}>
      New user
    </Button>
  )
  return (
    <Page
      title="Users"
      about="People and service accounts of your teams, with a role in each."
      actions={create}
    >
      <Loaded query={query}>
        {({ users }) => (
          <Stack gap="sm">
            {users.map((user) => (
              <Row key={user.id} user={user} />
            ))}
          </Stack>
        )}
      </Loaded>
    </Page>
  )
}

function Row({ user }: { user: User }) {
  const may = useMay()
  return (
    <Paper p="md" component="article" aria-label={user.email}>
      <Group justify="space-between" gap="sm">
        <div>
          <Group gap="xs">
            <Title order={2} fz={16}>
              {user.name}
            </Title>
            {!user.active && (
              <Badge color="red" variant="light" tt="none" fw={500}>
                deactivated
              </Badge>
            )}
            {user.kind === "service" && (
              <Badge variant="default" tt="none" fw={500}>
                service account
              </Badge>
            )}
          </Group>
          <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
            {user.email}
          </Text>
        </div>
        <Group gap="sm">
          {may("user:update") && <LetIn user={user} />}
          {may("api_key:read") && (
            <TextLink to="/admin/api_keys" search={{ user: user.email }} size="sm">
              Api keys
            </TextLink>
          )}
        </Group>
      </Group>
      <Stack gap="xs" mt="sm">
        {user.teams.map((membership) => (
          <Role key={membership.team} user={user} membership={membership} />
        ))}
      </Stack>
    </Paper>
  )
}

function useMayIn(team: string): boolean {
  const { data: me } = useMe()
  return me?.permissions[team]?.includes("user:update") ?? false
}

function Role({ user, membership: { team, role } }: { user: User; membership: Membership }) {
  const mayChange = useMayIn(team)
  const { data } = api.useQuery("get", "/api/v1/roles")
  const changed = { onSuccess: () => refresh("/api/v1/users"), onError: failed }
  const change = api.useMutation("patch", "/api/v1/users/{user}", {
    ...changed,
    onSuccess: async () => {
      await refresh("/api/v1/users")
      done(`${user.name} has another role in ${team}.`)
    },
  })
  const removal = api.useMutation("delete", "/api/v1/users/{user}/teams/{team}", changed)
  if (!mayChange)
    return (
      <Text size="sm">
        {role} in {team}
      </Text>
    )
  const ask = () =>
    confirm(
      `Take ${user.name} out of ${team}?`,
      "Their api keys are good for nothing there from now on.",
      "Take out",
      () => removal.mutate({ params: { path: { user: user.email, team } } }),
    )
  return (
    <Group gap="xs">
      <Select
        aria-label={`Role of ${user.name} in ${team}`}
        data={(data?.roles ?? []).map(({ key, name }) => ({ value: key, label: name }))}
        value={role}
        allowDeselect={false}
        disabled={change.isPending}
        onChange={(next) =>
          next && change.mutate({ params: { path: { user: user.email } }, body: { team, role: next } })
        }
        w={180}
      />
      <Text size="sm" style={{ flex: 1 }}>
        in {team}
      </Text>
      <ActionIcon variant="subtle" color="red" aria-label={`Take ${user.name} out of ${team}`} onClick={ask}>
        <IconX size={16} />
      </ActionIcon>
    </Group>
  )
}
