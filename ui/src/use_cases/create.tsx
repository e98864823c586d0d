// The form for a new use case.
import { Button, Group, Stack, Textarea, TextInput } from "@mantine/core"
import { useForm } from "@mantine/form"
import { modals } from "@mantine/modals"
import { api, refresh } from "../api/client"
import { useTeams } from "../api/me"
import { keyFrom } from "../parts/keys"
import { done } from "../parts/notify"
import { Problem } from "../parts/Problem"
import { TeamSelect } from "../parts/TeamSelect"

export function openCreate(): void {
  modals.open({ modalId: "use-case", title: "New use case", children: <Create /> })
}

function Create() {
  const teams = useTeams("use_case:create")
  const form = useForm({ initialValues: { name: "", key: "", description: "", team: teams[0] ?? null } })
  const creation = api.useMutation("post", "/api/v1/use_cases", {
    onSuccess: async (made) => {
      await refresh("/api/v1/use_cases")
      done(`Use case ${made.name} is there.`)
      modals.close("use-case")
    },
  })
  const submit = form.onSubmit(({ name, key, description, team }) =>
    creation.mutate({ body: { name, key: key || keyFrom(name), description: description || null, team } }),
  )
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="Name"
          placeholder="Support desk"
          required
          data-autofocus
          {...form.getInputProps("name")}
        />
        <TextInput
          label="Key"
          description="What code calls it. It stays."
          placeholder={keyFrom(form.values.name) || "support-desk"}
          {...form.getInputProps("key")}
        />
        <Textarea label="What is it for?" autosize minRows={2} {...form.getInputProps("description")} />
        <TeamSelect teams={teams} {...form.getInputProps("team")} />
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
