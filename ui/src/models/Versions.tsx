// The system prompt of a variant: what it says now, what it said before, and the way back.
import { Button, Group, Stack, Text, Textarea } from "@mantine/core"
import { useForm } from "@mantine/form"
import { api, refresh } from "../api/client"
import { useMay } from "../api/me"
import type { TropismWireModelsModel as Model, Version } from "../api/schema"
import { Loaded } from "../parts/Loaded"
import { done, failed } from "../parts/notify"
import { Section } from "../parts/Section"
import { Time } from "../parts/time"

const changed = {
  onSuccess: async ({ key, version }: Model) => {
    await refresh("/api/v1/models")
    done(`${key} answers by version ${version} from now on.`)
  },
  onError: failed,
}

export function Versions({ model }: { model: Model }) {
  const may = useMay()
  const params = { path: { model: model.key } }
  const query = api.useQuery("get", "/api/v1/models/{model}/versions", { params })
  return (
    <Section
      title={`System prompt, version ${model.version}`}
      about="A change is a new version, and reaches every use case that has this variant."
    >
      <Stack>
        {may("model:create") ? (
          <Change key={model.version} model={model} />
        ) : (
          <Text size="sm" className="prose">
            {model.system_prompt}
          </Text>
        )}
        <Loaded query={query}>
          {({ versions }) =>
            versions
              .filter(({ version }) => version !== model.version)
              .map((version) => <Earlier key={version.version} model={model} version={version} />)
          }
        </Loaded>
      </Stack>
    </Section>
  )
}

function Change({ model }: { model: Model }) {
  const change = api.useMutation("patch", "/api/v1/models/{model}/variant", changed)
  const form = useForm({ initialValues: { system_prompt: model.system_prompt ?? "" } })
  const submit = form.onSubmit((body) => change.mutate({ params: { path: { model: model.key } }, body }))
  return (
    <form onSubmit={submit}>
      <Stack gap="xs">
        <Textarea
          aria-label="System prompt"
          autosize
          minRows={2}
          maxRows={16}
          {...form.getInputProps("system_prompt")}
        />
        <Group justify="flex-end">
          <Button type="submit" variant="default" loading={change.isPending} disabled={!form.isDirty()}>
            Keep as a new version
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function Earlier({ model, version }: { model: Model; version: Version }) {
  const may = useMay()
  const rollback = api.useMutation("post", "/api/v1/models/{model}/rollback", changed)
  const back = () =>
    rollback.mutate({ params: { path: { model: model.key } }, body: { version: version.version } })
  return (
    <Group
      component="article"
      aria-label={`Version ${version.version}`}
      justify="space-between"
      align="flex-start"
      wrap="nowrap"
    >
      <div style={{ minWidth: 0 }}>
        <Text size="xs" c="dimmed">
          Version {version.version}
          {version.restored !== null && `, as version ${version.restored}`} · <Time at={version.created_at} />
        </Text>
        <Text size="sm" className="prose" lineClamp={4}>
          {version.system_prompt ?? "none"}
        </Text>
      </div>
      {may("model:create") && (
        <Button size="compact-sm" variant="subtle" loading={rollback.isPending} onClick={back}>
          Go back to it
        </Button>
      )}
    </Group>
  )
}
