// Programs of yours that say how good answers are: registered, and looked at.
import { Alert, Button, Group, Paper, Stack, Text, TextInput, Title } from "@mantine/core"
import { useForm } from "@mantine/form"
import { IconServer } from "@tabler/icons-react"
import { api, refresh } from "../api/client"
import { useMay, useTeams } from "../api/me"
import type { RewardServer, RewardServerReport } from "../api/schema"
import { confirm } from "../parts/confirm"
import { Empty } from "../parts/Empty"
import { keyFrom } from "../parts/keys"
import { Loaded } from "../parts/Loaded"
import { done, failed } from "../parts/notify"
import { Page } from "../parts/Page"
import { Problem } from "../parts/Problem"
import { Section } from "../parts/Section"
import { TeamSelect } from "../parts/TeamSelect"
import { Time } from "../parts/time"

export function RewardServers() {
  const may = useMay()
  const query = api.useQuery("get", "/api/v1/reward_servers")
  return (
    <Page
      title="Reward servers"
      about="Programs of yours that say how good answers are, asked while a model is trained."
    >
      <Loaded query={query}>
        {({ reward_servers: found }) =>
          found.length === 0 ? (
            <Empty
              icon={IconServer}
              title="No reward server yet"
              ways={{ sh: "tropism reward-servers add URL KEY" }}
            >
              Write one from a function in Python, run it, and register its address below.
            </Empty>
          ) : (
            <Stack gap="sm">
              {found.map((server) => (
                <Row key={server.id} server={server} />
              ))}
            </Stack>
          )
        }
      </Loaded>
      {may("reward_server:create") && <NewRewardServer />}
    </Page>
  )
}

function Row({ server }: { server: RewardServer }) {
  const may = useMay()
  const test = api.useMutation("post", "/api/v1/reward_servers/test", { onError: failed })
  const removal = api.useMutation("delete", "/api/v1/reward_servers/{reward_server}", {
    onSuccess: () => refresh("/api/v1/reward_servers"),
    onError: failed,
  })
  const ask = () =>
    confirm(
      `Forget ${server.name}?`,
      "The program itself goes on. Trainings that need it stop.",
      "Forget",
      () => removal.mutate({ params: { path: { reward_server: server.key } } }),
    )
  return (
    <Paper p="md" component="article" aria-label={server.key}>
      <Group justify="space-between" align="flex-start">
        <div>
          <Title order={2} fz={16}>
            {server.name}
          </Title>
          <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
            {server.url} · team {server.team} · <Time at={server.created_at} />
          </Text>
          {server.description && <Text size="sm">{server.description}</Text>}
        </div>
        <Group gap="xs">
          {may("reward_server:create") && (
            <Button
              size="compact-sm"
              variant="default"
              loading={test.isPending}
              onClick={() => test.mutate({ body: { url: server.url } })}
            >
              Test
            </Button>
          )}
          {may("reward_server:delete") && (
            <Button size="compact-sm" variant="subtle" color="red" loading={removal.isPending} onClick={ask}>
              Forget
            </Button>
          )}
        </Group>
      </Group>
      {test.data && <Found report={test.data} />}
    </Paper>
  )
}

function Found({ report }: { report: RewardServerReport }) {
  const isOnline = report.status === "ONLINE"
  const called = [report.name, report.version].filter(Boolean).join(" ")
  return (
    <Alert
      mt="sm"
      role="status"
      color={isOnline ? "green" : "red"}
      title={isOnline ? "It answers" : "It cannot be used"}
    >
      <Text size="sm" style={{ overflowWrap: "anywhere" }}>
        {isOnline ? [called, report.description].filter(Boolean).join(": ") : report.reason}
      </Text>
    </Alert>
  )
}

function NewRewardServer() {
  const teams = useTeams("reward_server:create")
  const form = useForm({ initialValues: { url: "", key: "", team: teams[0] ?? null } })
  const test = api.useMutation("post", "/api/v1/reward_servers/test")
  const creation = api.useMutation("post", "/api/v1/reward_servers", {
    onSuccess: async (server) => {
      await refresh("/api/v1/reward_servers")
      done(`${server.name} is registered.`)
      form.reset()
      test.reset()
    },
  })
  const error = creation.error ?? test.error
  return (
    <Section title="Register one">
      <form
        onSubmit={form.onSubmit(({ url, key, team }) =>
          creation.mutate({ body: { url, key: keyFrom(key) || key, team } }),
        )}
      >
        <Stack gap="sm">
          <Group align="flex-end" gap="sm">
            <TextInput
              label="Address"
              placeholder="http://127.0.0.1:8900"
              required
              style={{ flex: "1 1 260px" }}
              {...form.getInputProps("url")}
            />
            <TextInput label="Key" placeholder="polite" required {...form.getInputProps("key")} />
            <TeamSelect teams={teams} {...form.getInputProps("team")} />
            <Button
              variant="default"
              loading={test.isPending}
              disabled={!form.values.url}
              onClick={() => test.mutate({ body: { url: form.values.url } })}
            >
              Test
            </Button>
            <Button type="submit" loading={creation.isPending}>
              Register
            </Button>
          </Group>
          {test.data && <Found report={test.data} />}
          {error && <Problem error={error} />}
        </Stack>
      </form>
    </Section>
  )
}
