// The form for a new api key, which then shows the key, this once.
import { Button, Group, MultiSelect, Select, Stack, Text, TextInput } from "@mantine/core"
import { useForm } from "@mantine/form"
import { modals } from "@mantine/modals"
import { api, refresh } from "../api/client"
import { type Permission, useMe } from "../api/me"
import { Problem } from "../parts/Problem"
import { Snippet } from "../parts/Snippet"

const DAY_MS = 86_400_000

export function openNewKey(user: string | null): void {
  modals.open({ title: "New api key", children: <NewKey user={user} /> })
}

function NewKey({ user }: { user: string | null }) {
  const { data: me } = useMe()
  const { data } = api.useQuery("get", "/api/v1/use_cases")
  const mine = [...new Set(Object.values(me?.permissions ?? {}).flat())].sort()
  const form = useForm({
    initialValues: { name: "", use_cases: [] as string[], permissions: [] as Permission[], days: "" },
  })
  const creation = api.useMutation("post", "/api/v1/api_keys", {
    onSuccess: () => refresh("/api/v1/api_keys"),
  })
  if (creation.data) return <ShownOnce secret={creation.data.key} />
  const submit = form.onSubmit(({ name, use_cases, permissions, days }) =>
    creation.mutate({
      body: {
        name,
        user,
        use_cases: use_cases.length ? use_cases : null,
        permissions: permissions.length ? permissions : null,
        expires_at: days ? new Date(Date.now() + Number(days) * DAY_MS).toISOString() : null,
      },
    }),
  )
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="Name"
          placeholder="The app in production"
          required
          data-autofocus
          {...form.getInputProps("name")}
        />
        <MultiSelect
          label="Only for these use cases"
          placeholder={form.values.use_cases.length ? undefined : "all that its user sees"}
          data={(data?.use_cases ?? []).map(({ key, name }) => ({ value: key, label: name }))}
          searchable
          {...form.getInputProps("use_cases")}
        />
        <MultiSelect
          label="Only with these permissions"
          placeholder={form.values.permissions.length ? undefined : "all that its user has"}
          data={mine}
          searchable
          {...form.getInputProps("permissions")}
        />
        <Select
          label="Good for"
          placeholder="until it is revoked"
          clearable
          data={[
            { value: "7", label: "A week" },
            { value: "30", label: "30 days" },
            { value: "90", label: "90 days" },
            { value: "365", label: "A year" },
          ]}
          {...form.getInputProps("days")}
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

function ShownOnce({ secret }: { secret: string }) {
  return (
    <Stack>
      <Text size="sm">Copy it now. It is not shown again; if it is lost, revoke it and make another.</Text>
      <Snippet label="The new key" ways={{ Key: secret }} />
      <Group justify="flex-end">
        <Button onClick={() => modals.closeAll()}>I have copied it</Button>
      </Group>
    </Stack>
  )
}
