// One model: its state, what it is, and the use cases that it is attached to.
import { Alert, Button, Group, Stack } from "@mantine/core"
import { IconAlertTriangle, IconGitBranch } from "@tabler/icons-react"
import { useParams } from "@tanstack/react-router"
import { api, refresh } from "../api/client"
import { useMay } from "../api/me"
import type { TropismWireModelsModel as Model } from "../api/schema"
import { confirm } from "../parts/confirm"
import { Facts } from "../parts/Facts"
import { Loaded } from "../parts/Loaded"
import { TextLink } from "../parts/links"
import { failed } from "../parts/notify"
import { Page } from "../parts/Page"
import { Section } from "../parts/Section"
import { Status } from "../parts/Status"
import { Time } from "../parts/time"
import { Attachments } from "./Attachments"
import { openVariant } from "./add"
import { ComputeConfig, Prices } from "./changes"
import { originOf, priceOf, sizeOf } from "./describe"
import { Versions } from "./Versions"

const LOOK_MS = 3000

export function ModelPage() {
  const { model: key } = useParams({ from: "/signed_in/models/$model" })
  const query = api.useQuery(
    "get",
    "/api/v1/models/{model}",
    { params: { path: { model: key } } },
    { refetchInterval: LOOK_MS },
  )
  return (
    <Page title={query.data?.name ?? key} actions={query.data && <Actions model={query.data} />}>
      <Loaded query={query}>
        {(model) => (
          <>
            <State model={model} />
            <Attachments model={model} />
            {model.version !== null && <Versions model={model} />}
            <Prices model={model} />
            {!model.is_external && <ComputeConfig model={model} />}
          </>
        )}
      </Loaded>
    </Page>
  )
}

function State({ model }: { model: Model }) {
  const { parameters } = model
  return (
    <Section title="What it is" actions={<Status of={model.online} />}>
      <Stack>
        {model.error && (
          <Alert color="red" icon={<IconAlertTriangle />} title="It could not be started">
            {model.error}
          </Alert>
        )}
        {!model.available && (
          <Alert color="yellow" icon={<IconAlertTriangle />}>
            Something that it needs is missing here: its weights, or a package that runs it.
          </Alert>
        )}
        <Facts
          of={{
            Key: model.key,
            Where: <Origin model={model} />,
            Size: sizeOf(model.size),
            Gives: model.kind === "Embedding" ? "embeddings" : "answers",
            Training: model.trainable ? "can be trained" : "cannot be trained",
            Price: priceOf(model.prices),
            Temperature: parameters?.temperature,
            "Most tokens": parameters?.max_tokens,
            Registered: <Time at={model.created_at} />,
          }}
        />
      </Stack>
    </Section>
  )
}

function Origin({ model }: { model: Model }) {
  if (!model.backbone) return originOf(model)
  return (
    <>
      {model.is_adapter ? "adapter on " : "variant of "}
      <TextLink to="/models/$model" params={{ model: model.backbone }} size="sm">
        {model.backbone}
      </TextLink>
    </>
  )
}

function Actions({ model }: { model: Model }) {
  const may = useMay()
  const changed = { onSuccess: () => refresh("/api/v1/models", "/api/v1/use_cases"), onError: failed }
  const deploy = api.useMutation("post", "/api/v1/models/{model}/deploy", changed)
  const terminate = api.useMutation("post", "/api/v1/models/{model}/terminate", changed)
  const params = { path: { model: model.key } }
  const stop = () =>
    confirm(
      `Stop ${model.key}?`,
      "Use cases that it is attached to get no answers from it until it is started again.",
      "Stop it",
      () => terminate.mutate({ params, body: { force: true } }),
    )
  const hasEngine = !model.backbone || model.is_adapter // a variant runs on that of its backbone
  const isOff = model.online === "OFFLINE" || model.online === "ERROR"
  return (
    <Group gap="xs">
      {may("model:create") && model.kind === "Generation" && (
        <Button
          variant="default"
          leftSection={<IconGitBranch size={16} />}
          onClick={() => openVariant(model.backbone ?? model.key)}
        >
          Make a variant
        </Button>
      )}
      {may("model:deploy") &&
        hasEngine &&
        (isOff ? (
          <Button loading={deploy.isPending} onClick={() => deploy.mutate({ params })}>
            Start it
          </Button>
        ) : (
          <Button variant="default" loading={terminate.isPending} onClick={stop}>
            Stop it
          </Button>
        ))}
    </Group>
  )
}
