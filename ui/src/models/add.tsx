// Forms that register a model: of an outside provider, a variant of one that is here, a file.
import {
  Button,
  Group,
  NumberInput,
  PasswordInput,
  Select,
  SimpleGrid,
  Stack,
  Textarea,
  TextInput,
} from "@mantine/core"
import { useForm } from "@mantine/form"
import { modals } from "@mantine/modals"
import type { ReactNode } from "react"
import { api, refresh } from "../api/client"
import type { ExternalModelCreate, Job, TropismWireModelsModel as Model, VariantCreate } from "../api/schema"
import { keyFrom } from "../parts/keys"
import { done } from "../parts/notify"
import { Problem } from "../parts/Problem"

const FORM = "new-model"

export function openExternal(): void {
  modals.open({ modalId: FORM, title: "A model that somebody else serves", children: <External /> })
}

export function openVariant(backbone?: string): void {
  const title = "A variant: a prompt and parameters of its own"
  modals.open({ modalId: FORM, title, children: <Variant backbone={backbone ?? null} /> })
}

export function openLocal(): void {
  modals.open({ modalId: FORM, title: "A GGUF file on the engine’s disk", children: <Local /> })
}

async function added({ name }: Model): Promise<void> {
  await refresh("/api/v1/models")
  done(`${name} is registered. Attach it to a use case to ask it.`)
  modals.close(FORM)
}

function begun({ name }: Job): void {
  done(`${name}: the job has begun. See how far it is on the page of jobs.`)
  modals.close(FORM)
}

type FormProps = { error: unknown; busy: boolean; onSubmit: () => void; children: ReactNode }

function Form({ error, busy, onSubmit, children }: FormProps) {
  return (
    <form onSubmit={onSubmit}>
      <Stack>
        {children}
        {error ? <Problem error={error} /> : null}
        <Group justify="flex-end">
          <Button type="submit" loading={busy}>
            Add
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

const PROVIDERS = [
  { value: "custom", label: "Any OpenAI-compatible server" },
  { value: "open_ai", label: "OpenAI" },
  { value: "azure", label: "Azure" },
  { value: "nvidia", label: "NVIDIA" },
  { value: "anthropic", label: "Anthropic" },
  { value: "google", label: "Google" },
]

function External() {
  const form = useForm({
    initialValues: {
      provider: "custom" as ExternalModelCreate["provider"],
      name: "",
      key: "",
      id: "",
      api_key: "",
      endpoint: "",
      kind: "Generation" as NonNullable<ExternalModelCreate["kind"]>,
      input: "" as number | string,
      output: "" as number | string,
    },
  })
  const creation = api.useMutation("post", "/api/v1/models/external", { onSuccess: added })
  const submit = form.onSubmit(({ id, key, endpoint, input, output, ...rest }) => {
    const prices =
      input === "" || output === ""
        ? null
        : { input_per_million: Number(input), output_per_million: Number(output) }
    const named = { external_model_id: id, key: key || null, endpoint: endpoint || null }
    creation.mutate({
      body: {
        provider: rest.provider,
        name: rest.name,
        api_key: rest.api_key,
        kind: rest.kind,
        ...named,
        prices,
      },
    })
  })
  return (
    <Form error={creation.error} busy={creation.isPending} onSubmit={submit}>
      <Select label="Provider" data={PROVIDERS} allowDeselect={false} {...form.getInputProps("provider")} />
      <TextInput
        label="Name"
        placeholder="GPT-4.1 mini"
        required
        data-autofocus
        {...form.getInputProps("name")}
      />
      <TextInput
        label="Model"
        description="As its provider calls it."
        placeholder="gpt-4.1-mini"
        required
        {...form.getInputProps("id")}
      />
      <TextInput
        label="Address"
        description="Where the server is; providers have their own."
        placeholder="http://127.0.0.1:8000/v1"
        required={form.values.provider === "custom"}
        {...form.getInputProps("endpoint")}
      />
      <PasswordInput
        label="Api key of the provider"
        description="It is encrypted, and never shown again."
        required
        autoComplete="off"
        {...form.getInputProps("api_key")}
      />
      <TextInput
        label="Key"
        description="What code calls it. It stays."
        placeholder={keyFrom(form.values.name) || "made from the name"}
        {...form.getInputProps("key")}
      />
      <SimpleGrid cols={2}>
        <NumberInput label="$ per million tokens read" min={0} {...form.getInputProps("input")} />
        <NumberInput label="… written" min={0} {...form.getInputProps("output")} />
      </SimpleGrid>
      <Select
        label="It gives"
        data={[
          { value: "Generation", label: "Answers" },
          { value: "Embedding", label: "Embeddings" },
        ]}
        allowDeselect={false}
        {...form.getInputProps("kind")}
      />
    </Form>
  )
}

function Variant({ backbone }: { backbone: string | null }) {
  const { data } = api.useQuery("get", "/api/v1/models", { params: { query: { kind: "Generation" } } })
  const form = useForm({
    initialValues: {
      backbone,
      key: "",
      system_prompt: "",
      temperature: "" as number | string,
      max_tokens: "" as number | string,
    },
    validate: { backbone: (chosen) => (chosen ? null : "Choose a model") },
  })
  const creation = api.useMutation("post", "/api/v1/models/variants", { onSuccess: added })
  const submit = form.onSubmit((values) => {
    const number = (value: number | string) => (value === "" ? null : Number(value))
    const body: VariantCreate = {
      backbone: values.backbone ?? "",
      key: values.key,
      system_prompt: values.system_prompt || null,
      parameters: { temperature: number(values.temperature), max_tokens: number(values.max_tokens) },
    }
    creation.mutate({ body })
  })
  return (
    <Form error={creation.error} busy={creation.isPending} onSubmit={submit}>
      <Select
        label="Model"
        data={(data?.models ?? []).map(({ key }) => key)}
        searchable
        {...form.getInputProps("backbone")}
      />
      <TextInput label="Key" placeholder="brief" required data-autofocus {...form.getInputProps("key")} />
      <Textarea
        label="System prompt"
        placeholder="Answer in at most ten words."
        autosize
        minRows={3}
        maxRows={12}
        {...form.getInputProps("system_prompt")}
      />
      <SimpleGrid cols={2}>
        <NumberInput
          label="Temperature"
          placeholder="its own"
          min={0}
          max={2}
          step={0.1}
          {...form.getInputProps("temperature")}
        />
        <NumberInput
          label="Most tokens"
          placeholder="its own"
          min={1}
          {...form.getInputProps("max_tokens")}
        />
      </SimpleGrid>
    </Form>
  )
}

function Local() {
  const form = useForm({ initialValues: { path: "", key: "", name: "" } })
  const creation = api.useMutation("post", "/api/v1/models/local", { onSuccess: begun })
  const submit = form.onSubmit(({ path, key, name }) =>
    creation.mutate({ body: { path, key, name: name || null } }),
  )
  return (
    <Form error={creation.error} busy={creation.isPending} onSubmit={submit}>
      <TextInput
        label="Path"
        description="On the machine of the engine."
        placeholder="/models/qwen3-4b.gguf"
        required
        data-autofocus
        {...form.getInputProps("path")}
      />
      <TextInput label="Key" placeholder="qwen3-4b" required {...form.getInputProps("key")} />
      <TextInput label="Name" {...form.getInputProps("name")} />
    </Form>
  )
}
