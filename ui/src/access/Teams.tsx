// The teams of the caller.
import { Button, Card, Group, SimpleGrid, Text, TextInput, Title } from "@mantine/core"
import { useForm } from "@mantine/form"
import { api, refresh } from "../api/client"
import { useMay } from "../api/me"
import { keyFrom } from "../parts/keys"
import { Loaded } from "../parts/Loaded"
import { done } from "../parts/notify"
import { plural } from "../parts/numbers"
import { Page } from "../parts/Page"
import { Problem } from "../parts/Problem"
import { Section } from "../parts/Section"
import { Time } from "../parts/time"

export function Teams() {
  const may = useMay()
  const query = api.useQuery("get", "/api/v1/teams")
  const { data: people } = api.useQuery("get", "/api/v1/users")
  const members = (team: string) =>
    people?.users.filter(({ teams }) => teams.some((each) => each.team === team)).length ?? 0
  return (
    <Page title="Teams" about="A team works on the same use cases. Who is in none sees nothing of it.">
      <Loaded query={query}>
        {({ teams }) => (
          <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }}>
            {teams.map(({ id, key, name, created_at }) => (
              <Card key={id}>
                <Title order={2} fz={16}>
                  {name}
                </Title>
                <Text size="sm" c="dimmed">
                  {key} · {plural(members(key), "member")} · made <Time at={created_at} />
                </Text>
              </Card>
            ))}
          </SimpleGrid>
        )}
      </Loaded>
      {may("team:create") && <NewTeam />}
    </Page>
  )
}

function NewTeam() {
  const form = useForm({ initialValues: { name: "" } })
  const creation = api.useMutation("post", "/api/v1/teams", {
    onSuccess: async (team) => {
      await refresh("/api/v1/teams", "/api/v1/users")
      done(`Team ${team.name} is there, with you in it.`)
      form.reset()
    },
  })
  return (
    <Section title="New team" about="You are its first member.">
      <form onSubmit={form.onSubmit(({ name }) => creation.mutate({ body: { key: keyFrom(name), name } }))}>
        <Group align="flex-end" gap="sm" mb={creation.error ? "sm" : 0}>
          <TextInput label="Name" placeholder="Support" required {...form.getInputProps("name")} />
          <Button type="submit" variant="default" loading={creation.isPending}>
            Create
          </Button>
        </Group>
        {creation.error && <Problem error={creation.error} />}
      </form>
    </Section>
  )
}
