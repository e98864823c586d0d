// Every registered model, and the ways to register another.
import { Badge, Button, Card, Group, Menu, SimpleGrid, Switch, Text, TextInput, Title } from "@mantine/core"
import { IconChevronDown, IconCpu, IconSearch } from "@tabler/icons-react"
import { useNavigate, useSearch } from "@tanstack/react-router"
import { api } from "../api/client"
import { useMay } from "../api/me"
import type { TropismWireModelsModel as Model } from "../api/schema"
import { Empty } from "../parts/Empty"
import { Loaded } from "../parts/Loaded"
import { TextLink } from "../parts/links"
import { Page } from "../parts/Page"
import { Status } from "../parts/Status"
import { openExternal, openLocal, openVariant } from "./add"
import { originOf, priceOf, sizeOf } from "./describe"

const LOOK_MS = 5000

export function Models() {
  const { find, all } = useSearch({ from: "/signed_in/models" })
  const navigate = useNavigate({ from: "/models" })
  const query = api.useQuery(
    "get",
    "/api/v1/models",
    { params: { query: { view_all: all ?? false } } },
    { refetchInterval: LOOK_MS },
  )
  const may = useMay()
  const add = may("model:create") && <Add />
  const wanted = (find ?? "").toLowerCase()
  const matches = ({ key, name }: Model) => `${key} ${name}`.toLowerCase().includes(wanted)
  return (
    <Page
      title="Models"
      about="Registered once for the whole engine, then attached to use cases."
      actions={add}
    >
      <Group justify="space-between" gap="sm">
        <TextInput
          aria-label="Find a model"
          placeholder="Find a model"
          leftSection={<IconSearch size={16} />}
          value={find ?? ""}
          onChange={({ currentTarget: { value } }) =>
            navigate({ search: (now) => ({ ...now, find: value || undefined }), replace: true })
          }
          w={{ base: "100%", xs: 280 }}
        />
        <Switch
          label="Show those that cannot run here, too"
          checked={all ?? false}
          onChange={({ currentTarget: { checked } }) =>
            navigate({ search: (now) => ({ ...now, all: checked || undefined }), replace: true })
          }
        />
      </Group>
      <Loaded query={query}>
        {({ models }) => {
          const found = models.filter(matches)
          if (found.length === 0)
            return (
              <Empty
                icon={IconCpu}
                title={wanted ? `No model is called “${find}”` : "No model yet"}
                action={add}
                ways={{ Python: REGISTER, sh: "tropism models list --all" }}
              >
                Register one that somebody else serves, or a GGUF file on the engine’s own disk.
              </Empty>
            )
          return (
            <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }}>
              {found.map((model) => (
                <ModelCard key={model.id} model={model} />
              ))}
            </SimpleGrid>
          )
        }}
      </Loaded>
    </Page>
  )
}

const REGISTER = `client.models.add_external(
    "GPT-4.1 mini", "gpt-4.1-mini", api_key="…", provider="open_ai",
)`

function Add() {
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button rightSection={<IconChevronDown size={16} />}>Add a model</Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={openExternal}>Served by somebody else</Menu.Item>
        <Menu.Item onClick={() => openVariant()}>Variant: a prompt and parameters of its own</Menu.Item>
        <Menu.Item onClick={openLocal}>A GGUF file on the engine’s disk</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

function ModelCard({ model }: { model: Model }) {
  const facts = [originOf(model), sizeOf(model.size), priceOf(model.prices)].filter(Boolean)
  return (
    <Card>
      <Group justify="space-between" gap="xs" wrap="nowrap" align="flex-start">
        <TextLink to="/models/$model" params={{ model: model.key }} c="inherit" miw={0}>
          <Title order={2} fz={16} style={{ overflowWrap: "anywhere" }}>
            {model.name}
          </Title>
        </TextLink>
        <Status of={model.online} />
      </Group>
      {model.name !== model.key && (
        <Text size="xs" c="dimmed" ff="monospace" className="clip">
          {model.key}
        </Text>
      )}
      <Text size="sm" mt="xs" style={{ overflowWrap: "anywhere" }}>
        {facts.join(" · ")}
      </Text>
      {model.error && (
        <Text size="sm" c="red" mt={4} lineClamp={2} title={model.error}>
          {model.error}
        </Text>
      )}
      <Group gap={6} mt="sm">
        {model.kind === "Embedding" && <Tag>embeddings</Tag>}
        {model.trainable && <Tag>can be trained</Tag>}
        {model.is_training && <Tag>in training</Tag>}
        {!model.available && <Tag>cannot run here</Tag>}
      </Group>
    </Card>
  )
}

function Tag({ children }: { children: string }) {
  return (
    <Badge variant="default" tt="none" fw={500}>
      {children}
    </Badge>
  )
}
