// Api keys: one's own, or those of a user; a new one is shown once.
import { Badge, Button, Code, Group, Paper, Stack, Text, Title } from "@mantine/core"
import { IconKey, IconPlus } from "@tabler/icons-react"
import { useSearch } from "@tanstack/react-router"
import { api, refresh } from "../api/client"
import { useMay } from "../api/me"
import type { ApiKey } from "../api/schema"
import { confirm } from "../parts/confirm"
import { Empty } from "../parts/Empty"
import { Loaded } from "../parts/Loaded"
import { failed } from "../parts/notify"
import { Page } from "../parts/Page"
import { Time } from "../parts/time"
import { openNewKey } from "./newKey"

export function ApiKeys() {
  const { user } = useSearch({ from: "/signed_in/admin/api_keys" })
  const may = useMay()
  const query = api.useQuery("get", "/api/v1/api_keys", { params: { query: user ? { user } : {} } })
  const create = may("api_key:create") && (
    <Button leftSection={<IconPlus size={18} />} onClick={() => openNewKey(user ?? null)}>
      New api key
    </Button>
  )
  return (
    <Page
      title={user ? `Api keys of ${user}` : "Your api keys"}
      about="Programs sign in with these. A key can be bound to use cases and permissions."
      actions={create}
    >
      <Loaded query={query}>
        {({ api_keys: keys }) =>
          keys.length === 0 ? (
            <Empty icon={IconKey} title="No api key yet" action={create} ways={{ sh: USE }}>
              Make one, and give it to your program as TROPISM_API_KEY.
            </Empty>
          ) : (
            <Stack gap="sm">
              {keys.map((key) => (
                <Row key={key.id} apiKey={key} />
              ))}
            </Stack>
          )
        }
      </Loaded>
    </Page>
  )
}

const USE = `export TROPISM_BASE_URL=${location.origin} TROPISM_API_KEY=tk_…`

function Row({ apiKey }: { apiKey: ApiKey }) {
  const may = useMay()
  const revocation = api.useMutation("delete", "/api/v1/api_keys/{api_key}", {
    onSuccess: () => refresh("/api/v1/api_keys"),
    onError: failed,
  })
  const ask = () =>
    confirm(`Revoke ${apiKey.name}?`, "Programs that use it are refused at once.", "Revoke", () =>
      revocation.mutate({ params: { path: { api_key: apiKey.id } } }),
    )
  const bounds = [...(apiKey.use_cases ?? []), ...(apiKey.permissions ?? [])]
  return (
    <Paper p="md" component="article" aria-label={apiKey.name}>
      <Group justify="space-between" align="flex-start">
        <div>
          <Group gap="xs">
            <Title order={2} fz={16}>
              {apiKey.name}
            </Title>
            <Code>{apiKey.prefix}…</Code>
          </Group>
          <Text size="sm" c="dimmed" mt={2}>
            made <Time at={apiKey.created_at} /> ·{" "}
            {apiKey.last_used_at ? (
              <>
                last used <Time at={apiKey.last_used_at} />
              </>
            ) : (
              "never used"
            )}
            {apiKey.expires_at && (
              <>
                {" "}
                · ends <Time at={apiKey.expires_at} />
              </>
            )}
          </Text>
        </div>
        {may("api_key:delete") && (
          <Button size="compact-sm" variant="subtle" color="red" onClick={ask} loading={revocation.isPending}>
            Revoke
          </Button>
        )}
      </Group>
      {bounds.length > 0 && (
        <Group gap={6} mt="xs">
          <Text size="xs" c="dimmed">
            only
          </Text>
          {bounds.map((each) => (
            <Badge key={each} variant="default" tt="none" fw={500}>
              {each}
            </Badge>
          ))}
        </Group>
      )}
    </Paper>
  )
}
