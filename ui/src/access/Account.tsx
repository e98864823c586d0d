// Your account: who you are here, where you are signed in, and your password.
import { Badge, Button, Group, Paper, Stack, Text } from "@mantine/core"
import { IconLogout } from "@tabler/icons-react"
import { api, queries, refresh } from "../api/client"
import { useMe } from "../api/me"
import type { SignIn } from "../api/schema"
import { forget } from "../api/session"
import { confirm } from "../parts/confirm"
import { Facts } from "../parts/Facts"
import { Loaded } from "../parts/Loaded"
import { failed } from "../parts/notify"
import { Page } from "../parts/Page"
import { Section } from "../parts/Section"
import { Time } from "../parts/time"
import { agentOf } from "./agent"
import { ChangePassword } from "./ChangePassword"
import { LinkProvider } from "./LinkProvider"

export function Account() {
  const { data: me } = useMe()
  const roles = me?.teams.map(({ team, role }) => `${role} in ${team}`).join(", ")
  return (
    <Page title="Your account" about="Who you are here, where you are signed in, and your password.">
      <Section title={me?.name ?? "You"}>
        <Facts of={{ Email: me?.email, Roles: roles }} />
      </Section>
      <SignIns />
      {me?.kind === "person" && (
        <>
          <ChangePassword />
          <LinkProvider />
        </>
      )}
    </Page>
  )
}

function SignIns() {
  const query = api.useQuery("get", "/api/v1/sign_ins")
  const ending = api.useMutation("delete", "/api/v1/sign_ins", {
    onSuccess: () => refresh(),
    onError: failed,
  })
  const out = api.useMutation("post", "/api/v1/sign_out", {
    onSuccess: () => {
      forget()
      queries.clear()
    },
    onError: failed,
  })
  const here = query.data?.sign_ins.some(({ is_current }) => is_current)
  const everywhere = () =>
    confirm(
      "Sign out everywhere?",
      here ? "This browser is signed out, too." : "Every browser that is signed in as you is signed out.",
      "Sign out everywhere",
      // Without a sign-in of its own, this tab has a key, and stays.
      () => (here ? out.mutate({ body: { everywhere: true } }) : ending.mutate({})),
    )
  const action = query.data && query.data.sign_ins.length > 0 && (
    <Button variant="default" leftSection={<IconLogout size={18} />} onClick={everywhere}>
      Sign out everywhere
    </Button>
  )
  return (
    <Section title="Browsers that are signed in" about="Api keys are not among them." actions={action}>
      <Loaded query={query}>
        {({ sign_ins }) => (
          <Stack gap="sm">
            {sign_ins.length === 0 && <Text size="sm">None. You are here with an api key.</Text>}
            {sign_ins.map((each) => (
              <Row key={each.id} signIn={each} />
            ))}
          </Stack>
        )}
      </Loaded>
    </Section>
  )
}

function Row({ signIn }: { signIn: SignIn }) {
  const ending = api.useMutation("delete", "/api/v1/sign_ins/{sign_in}", {
    onSuccess: () => refresh("/api/v1/sign_ins"),
    onError: failed,
  })
  const name = agentOf(signIn.agent)
  return (
    <Paper p="sm" component="article" aria-label={name}>
      <Group justify="space-between" gap="sm">
        <div>
          <Group gap="xs">
            <Text size="sm" fw={600}>
              {name}
            </Text>
            {signIn.is_current && (
              <Badge variant="light" tt="none">
                this browser
              </Badge>
            )}
          </Group>
          <Text size="sm" c="dimmed">
            {signIn.way === "oidc" ? "identity provider" : "password"}
            {signIn.address && `, from ${signIn.address}`}, begun <Time at={signIn.created_at} />, used{" "}
            <Time at={signIn.last_seen_at} />, ends <Time at={signIn.expires_at} />
          </Text>
        </div>
        {!signIn.is_current && (
          <Button
            size="xs"
            variant="default"
            loading={ending.isPending}
            onClick={() => ending.mutate({ params: { path: { sign_in: signIn.id } } })}
          >
            Sign out
          </Button>
        )}
      </Group>
    </Paper>
  )
}
