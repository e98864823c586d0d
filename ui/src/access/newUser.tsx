// The form for a new user.
import { Button, Group, SegmentedControl, Select, Stack, TextInput } from "@mantine/core"
import { useForm } from "@mantine/form"
import { modals } from "@mantine/modals"
import { api, refresh } from "../api/client"
import { useTeams } from "../api/me"
import type { UserCreate } from "../api/schema"
import { done } from "../parts/notify"
import { Problem } from "../parts/Problem"
import { TeamSelect } from "../parts/TeamSelect"

const FORM = "new-user"

export function openNewUser(): void {
  modals.open({ modalId: FORM, title: "New user", children: <NewUser /> })
}

function NewUser() {
  const { data } = api.useQuery("get", "/api/v1/roles")
  const teams = useTeams("user:create")
  const form = useForm({
    initialValues: {
      kind: "person" as NonNullable<UserCreate["kind"]>,
      name: "",
      email: "",
      team: teams[0] ?? null,
      role: "viewer",
    },
  })
  const creation = api.useMutation("post", "/api/v1/users", {
    onSuccess: async (user) => {
      await refresh("/api/v1/users")
      done(`${user.name} is there. What they sign in with is made next.`)
      modals.close(FORM)
    },
  })
  return (
    <form onSubmit={form.onSubmit((body) => creation.mutate({ body }))}>
      <Stack>
        <SegmentedControl
          aria-label="Kind"
          data={[
            { value: "person", label: "A person" },
            { value: "service", label: "A service account" },
          ]}
          {...form.getInputProps("kind")}
        />
        <TextInput label="Name" required data-autofocus {...form.getInputProps("name")} />
        <TextInput label="Email" placeholder="ada@example.com" required {...form.getInputProps("email")} />
        <TeamSelect teams={teams} {...form.getInputProps("team")} />
        <Select
          label="Role"
          data={(data?.roles ?? []).map(({ key, name }) => ({ value: key, label: name }))}
          allowDeselect={false}
          {...form.getInputProps("role")}
        />
        {creation.error && <Problem error={creation.error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={creation.isPending}>
            Create
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
