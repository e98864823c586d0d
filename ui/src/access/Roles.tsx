// Every role and what it allows.
import { Badge, Button, Group, MultiSelect, Paper, Spoiler, Stack, TextInput, Title } from "@mantine/core"
import { useForm } from "@mantine/form"
import { api, refresh } from "../api/client"
import { type Permission, useMay, useMe } from "../api/me"
import type { Role } from "../api/schema"
import { confirm } from "../parts/confirm"
import { keyFrom } from "../parts/keys"
import { Loaded } from "../parts/Loaded"
import { done, failed } from "../parts/notify"
import { Page } from "../parts/Page"
import { Problem } from "../parts/Problem"
import { Section } from "../parts/Section"

export function Roles() {
  const may = useMay()
  const query = api.useQuery("get", "/api/v1/roles")
  return (
    <Page
      title="Roles"
      about="A role is a set of permissions. It never changes; make another, and give that."
    >
      {may("role:create") && <NewRole />}
      <Loaded query={query}>
        {({ roles }) => (
          <Stack gap="sm">
            {roles.map((role) => (
              <Row key={role.id} role={role} />
            ))}
          </Stack>
        )}
      </Loaded>
    </Page>
  )
}

function Row({ role }: { role: Role }) {
  const may = useMay()
  const removal = api.useMutation("delete", "/api/v1/roles/{role}", {
    onSuccess: () => refresh("/api/v1/roles"),
    onError: failed,
  })
  const ask = () =>
    confirm(`Delete the role ${role.name}?`, "Only a role that nobody has can be deleted.", "Delete", () =>
      removal.mutate({ params: { path: { role: role.key } } }),
    )
  return (
    <Paper p="md" component="article" aria-label={role.key}>
      <Group justify="space-between" mb="xs">
        <Group gap="xs">
          <Title order={2} fz={16}>
            {role.name}
          </Title>
          {role.built_in && (
            <Badge variant="default" tt="none">
              built in
            </Badge>
          )}
        </Group>
        {!role.built_in && may("role:delete") && (
          <Button size="compact-sm" variant="subtle" color="red" onClick={ask} loading={removal.isPending}>
            Delete
          </Button>
        )}
      </Group>
      <Spoiler maxHeight={46} showLabel={`Show all ${role.permissions.length}`} hideLabel="Show fewer">
        <Group gap={6}>
          {role.permissions.map((permission) => (
            <Badge key={permission} variant="default" tt="none" fw={500}>
              {permission}
            </Badge>
          ))}
        </Group>
      </Spoiler>
    </Paper>
  )
}

function NewRole() {
  const { data: me } = useMe()
  const mine = [...new Set(Object.values(me?.permissions ?? {}).flat())].sort()
  const form = useForm({ initialValues: { name: "", permissions: [] as Permission[] } })
  const creation = api.useMutation("post", "/api/v1/roles", {
    onSuccess: async (role) => {
      await refresh("/api/v1/roles")
      done(`Role ${role.name} is there.`)
      form.reset()
    },
  })
  const submit = form.onSubmit(({ name, permissions }) =>
    creation.mutate({ body: { key: keyFrom(name), name, permissions } }),
  )
  return (
    <Section title="New role" about="From permissions that you have yourself.">
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput label="Name" placeholder="Support lead" required {...form.getInputProps("name")} />
          <MultiSelect
            label="Permissions"
            data={mine}
            searchable
            hidePickedOptions
            {...form.getInputProps("permissions")}
          />
          {creation.error && <Problem error={creation.error} />}
          <Group>
            <Button type="submit" variant="default" loading={creation.isPending}>
              Create
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  )
}
