// The use cases that a model is attached to, and the way to attach it to another.
import { Badge, Button, Checkbox, Group, Select, Stack, Table, Text } from "@mantine/core"
import { useState } from "react"
import { api, refresh } from "../api/client"
import { useMay } from "../api/me"
import type { TropismWireModelsModel as Model, ModelService, UseCase } from "../api/schema"
import { confirm } from "../parts/confirm"
import { Loaded } from "../parts/Loaded"
import { TextLink } from "../parts/links"
import { done, failed } from "../parts/notify"
import { Section } from "../parts/Section"
import { Status } from "../parts/Status"
import { untilSettled } from "../use_cases/current"

function serviceOf(useCase: UseCase, key: string): ModelService | undefined {
  return useCase.model_services.find(({ model }) => model.key === key)
}

export function Attachments({ model }: { model: Model }) {
  const query = api.useQuery(
    "get",
    "/api/v1/use_cases",
    {},
    { refetchInterval: ({ state }) => untilSettled(...(state.data?.use_cases ?? [])) },
  )
  return (
    <Section
      title="Use cases"
      about="Whoever calls a use case without naming a model gets its default, or a variant of an A/B test."
    >
      <Loaded query={query} rows={1}>
        {({ use_cases: all }) => (
          <Stack>
            <Attached model={model} useCases={all.filter((each) => serviceOf(each, model.key))} />
            <Attach model={model} useCases={all.filter((each) => !serviceOf(each, model.key))} />
          </Stack>
        )}
      </Loaded>
    </Section>
  )
}

type Props = { model: Model; useCases: UseCase[] }

function Attached({ model, useCases }: Props) {
  if (useCases.length === 0)
    return (
      <Text size="sm" c="dimmed">
        It is attached to none yet, so nobody can ask it.
      </Text>
    )
  return (
    <Table.ScrollContainer minWidth={480}>
      <Table verticalSpacing="xs">
        <Table.Tbody>
          {useCases.map((useCase) => (
            <Row key={useCase.id} useCase={useCase} service={serviceOf(useCase, model.key) as ModelService} />
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

function Row({ useCase, service }: { useCase: UseCase; service: ModelService }) {
  const may = useMay()
  const changed = { onSuccess: () => refresh("/api/v1/use_cases", "/api/v1/models"), onError: failed }
  const change = api.useMutation("patch", "/api/v1/use_cases/{use_case}/models/{model}", changed)
  const detach = api.useMutation("delete", "/api/v1/use_cases/{use_case}/models/{model}", changed)
  const params = { path: { use_case: useCase.key, model: service.model.key } }
  const ask = () =>
    confirm(
      `Detach ${service.model.key} from ${useCase.name}?`,
      "It answers there no longer. What it has said stays.",
      "Detach",
      () => detach.mutate({ params }),
    )
  return (
    <Table.Tr>
      <Table.Td>
        <TextLink to="/use_cases/$useCase" params={{ useCase: useCase.key }} size="sm">
          {useCase.name}
        </TextLink>
      </Table.Td>
      <Table.Td>
        <Status of={service.online} />
      </Table.Td>
      <Table.Td ta="right">
        <Group gap="xs" justify="flex-end" wrap="nowrap">
          {service.is_default && (
            <Badge variant="default" tt="none">
              default
            </Badge>
          )}
          {may("model:attach", useCase) && (
            <>
              {!service.is_default && (
                <Button
                  size="compact-sm"
                  variant="default"
                  loading={change.isPending}
                  onClick={() => change.mutate({ params, body: { is_default: true } })}
                >
                  Make default
                </Button>
              )}
              <Button size="compact-sm" variant="subtle" color="red" loading={detach.isPending} onClick={ask}>
                Detach
              </Button>
            </>
          )}
        </Group>
      </Table.Td>
    </Table.Tr>
  )
}

function Attach({ model, useCases }: Props) {
  const may = useMay()
  const [chosen, choose] = useState<string | null>(null)
  const [isDefault, setDefault] = useState(false)
  const attach = api.useMutation("post", "/api/v1/use_cases/{use_case}/models", {
    onSuccess: async () => {
      await refresh("/api/v1/use_cases", "/api/v1/models")
      done(`${model.key} is attached to ${chosen}.`)
      choose(null)
    },
    onError: failed,
  })
  const open = useCases.filter((useCase) => may("model:attach", useCase))
  if (open.length === 0) return null
  return (
    <Group gap="sm">
      <Select
        aria-label="Use case to attach it to"
        placeholder="Attach it to…"
        data={open.map(({ key, name }) => ({ value: key, label: name }))}
        value={chosen}
        onChange={choose}
        searchable
      />
      <Checkbox
        label="as its default"
        checked={isDefault}
        onChange={(event) => setDefault(event.currentTarget.checked)}
      />
      <Button
        disabled={!chosen}
        loading={attach.isPending}
        onClick={() =>
          chosen &&
          attach.mutate({
            params: { path: { use_case: chosen } },
            body: { model: model.key, make_default: isDefault },
          })
        }
      >
        Attach
      </Button>
    </Group>
  )
}
