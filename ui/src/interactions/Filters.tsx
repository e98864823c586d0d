// The filters of the log. What is set shows as a pill that can be taken away.
import {
  Button,
  Group,
  MultiSelect,
  NumberInput,
  Pill,
  Popover,
  Select,
  Stack,
  TextInput,
} from "@mantine/core"
import { IconArrowDown, IconArrowUp, IconFilter } from "@tabler/icons-react"
import type { UseCase } from "../api/schema"
import { momentOf } from "../parts/time"
import {
  CLEARED,
  isFiltered,
  OPS,
  type Op,
  ORDERS,
  type OrderField,
  type Search,
  SINCE,
  type Since,
  SOURCES,
  type Source,
} from "./search"

type Props = { useCase: UseCase; search: Search; change: (change: Partial<Search>) => void }

export function Filters({ useCase, search, change }: Props) {
  return (
    <Group gap="xs" align="center">
      <Popover width={340} position="bottom-start" shadow="md" trapFocus>
        <Popover.Target>
          <Button variant="default" size="xs" leftSection={<IconFilter size={15} />}>
            Filter
          </Button>
        </Popover.Target>
        <Popover.Dropdown>
          <Fields useCase={useCase} search={search} change={change} />
        </Popover.Dropdown>
      </Popover>
      <Select
        aria-label="Time"
        size="xs"
        w={150}
        placeholder="Any time"
        clearable
        data={Object.entries(SINCE).map(([value, [label]]) => ({ value, label }))}
        value={search.since ?? null}
        onChange={(since) => change({ since: (since as Since) ?? undefined, from: undefined, to: undefined })}
      />
      {!search.group && (
        <Group gap={4}>
          <Select
            aria-label="Order by"
            size="xs"
            w={150}
            allowDeselect={false}
            data={Object.entries(ORDERS).map(([value, label]) => ({ value, label: `By ${label}` }))}
            value={search.order ?? "created_at"}
            onChange={(order) =>
              change({ order: order === "created_at" ? undefined : (order as OrderField) })
            }
          />
          <Button
            variant="default"
            size="xs"
            px={8}
            aria-label={search.up ? "Smallest or oldest first" : "Largest or newest first"}
            onClick={() => change({ up: search.up ? undefined : true })}
          >
            {search.up ? <IconArrowUp size={15} /> : <IconArrowDown size={15} />}
          </Button>
        </Group>
      )}
      <Pills search={search} change={change} />
      {isFiltered(search) && (
        <Button variant="subtle" size="xs" onClick={() => change(CLEARED)}>
          Clear
        </Button>
      )}
    </Group>
  )
}

function Pills({ search, change }: Omit<Props, "useCase">) {
  const pills: [string, Partial<Search>][] = []
  for (const model of search.models ?? [])
    pills.push([model, { models: search.models?.filter((each) => each !== model) }])
  if (search.metric)
    pills.push([
      search.value === undefined
        ? `has ${search.metric}`
        : `${search.metric} ${OPS[search.op ?? "gte"]} ${search.value}`,
      { metric: undefined, op: undefined, value: undefined },
    ])
  if (search.label)
    pills.push([
      search.labelValue ? `${search.label} = ${search.labelValue}` : `labelled ${search.label}`,
      { label: undefined, labelValue: undefined },
    ])
  if (search.test) pills.push([`test ${search.test}`, { test: undefined }])
  if (search.session) pills.push([`session ${search.session.slice(-8)}`, { session: undefined }])
  if (search.user) pills.push([`user ${search.user.slice(-8)}`, { user: undefined }])
  if (search.prompt) pills.push([`same prompt`, { prompt: undefined }])
  if (search.from) pills.push([`from ${momentOf(search.from)}`, { from: undefined }])
  if (search.to) pills.push([`until ${momentOf(search.to)}`, { to: undefined }])
  for (const source of search.source ?? [])
    pills.push([source.toLowerCase(), { source: search.source?.filter((each) => each !== source) }])
  return pills.map(([label, without]) => (
    <Pill
      key={label}
      withRemoveButton
      onRemove={() => change(without)}
      removeButtonProps={{ "aria-label": `Without ${label}`, tabIndex: 0, "aria-hidden": false }}
    >
      {label}
    </Pill>
  ))
}

function Fields({ useCase, search, change }: Props) {
  const models = useCase.model_services.map(({ model }) => model.key)
  const keys = useCase.feedback_keys.map(({ key }) => key)
  const text = (
    name: "session" | "user" | "test" | "label" | "labelValue",
    label: string,
    placeholder?: string,
  ) => (
    <TextInput
      size="xs"
      label={label}
      placeholder={placeholder}
      defaultValue={search[name] ?? ""}
      onBlur={(event) => change({ [name]: event.currentTarget.value.trim() || undefined })}
      onKeyDown={(event) => {
        if (event.key === "Enter") change({ [name]: event.currentTarget.value.trim() || undefined })
      }}
    />
  )
  const inside = { comboboxProps: { withinPortal: false } }
  return (
    <Stack gap="xs">
      <MultiSelect
        searchable
        {...inside}
        size="xs"
        label="Models"
        data={models}
        value={search.models ?? []}
        onChange={(chosen) => change({ models: chosen.length ? chosen : undefined })}
      />
      <Group gap="xs" grow align="flex-end" wrap="nowrap">
        <Select
          {...inside}
          size="xs"
          label="Feedback"
          data={keys}
          clearable
          value={search.metric ?? null}
          onChange={(metric) => change({ metric: metric ?? undefined })}
        />
        <Select
          {...inside}
          size="xs"
          maw={64}
          aria-label="Compared how"
          allowDeselect={false}
          data={Object.entries(OPS).map(([value, label]) => ({ value, label }))}
          value={search.op ?? "gte"}
          onChange={(op) => change({ op: op as Op })}
          disabled={!search.metric}
        />
        <NumberInput
          size="xs"
          maw={90}
          aria-label="Value"
          value={search.value ?? ""}
          onChange={(value) => change({ value: typeof value === "number" ? value : undefined })}
          disabled={!search.metric}
        />
      </Group>
      <Group gap="xs" grow>
        {text("label", "Label")}
        {text("labelValue", "Its value", "any")}
      </Group>
      {text("test", "A/B test")}
      {text("session", "Session")}
      {text("user", "User")}
      <MultiSelect
        searchable
        {...inside}
        size="xs"
        label="Source"
        data={SOURCES}
        value={search.source ?? []}
        onChange={(chosen) => change({ source: chosen.length ? (chosen as Source[]) : undefined })}
      />
    </Stack>
  )
}
