// What can be changed of a model: what it costs, and how it is run.
import { Button, Group, NumberInput, Switch, Text, TextInput } from "@mantine/core"
import { useForm } from "@mantine/form"
import { api, refresh } from "../api/client"
import { useMay } from "../api/me"
import type { TropismWireModelsModel as Model } from "../api/schema"
import { done, failed } from "../parts/notify"
import { Section } from "../parts/Section"
import { priceOf } from "./describe"

export function Prices({ model }: { model: Model }) {
  const may = useMay()
  const change = api.useMutation("patch", "/api/v1/models/{model}/prices", {
    onSuccess: async () => {
      await refresh("/api/v1/models")
      done("The price holds for answers from now on.")
    },
    onError: failed,
  })
  const form = useForm({
    initialValues: {
      input: (model.prices?.input_per_million ?? "") as number | string,
      output: (model.prices?.output_per_million ?? "") as number | string,
    },
  })
  const from = model.prices_source ? `From the list “${model.prices_source}”.` : "As somebody here has said."
  const about = model.prices ? from : "Without a price, what it costs is not counted."
  if (!may("model:create") || model.backbone)
    return (
      <Section title="Price" about={about}>
        <Text size="sm">{priceOf(model.prices) ?? "none"}</Text>
      </Section>
    )
  const submit = form.onSubmit(({ input, output }) => {
    const prices =
      input === "" || output === ""
        ? null
        : { input_per_million: Number(input), output_per_million: Number(output) }
    change.mutate({ params: { path: { model: model.key } }, body: { prices } })
  })
  return (
    <Section title="Price" about={about}>
      <form onSubmit={submit}>
        <Group align="flex-end">
          <NumberInput label="$ per million tokens read" min={0} {...form.getInputProps("input")} />
          <NumberInput label="$ per million tokens written" min={0} {...form.getInputProps("output")} />
          <Button type="submit" variant="default" loading={change.isPending}>
            Keep
          </Button>
        </Group>
      </form>
    </Section>
  )
}

export function ComputeConfig({ model }: { model: Model }) {
  const may = useMay()
  const { tp, max_seq_len, kv_cache_len, engine, url } = model.compute_config
  const change = api.useMutation("patch", "/api/v1/models/{model}/compute_config", {
    onSuccess: async () => {
      await refresh("/api/v1/models")
      done("It is started again with this, if it ran.")
    },
    onError: failed,
  })
  const form = useForm({
    initialValues: {
      tp: (tp ?? 1) as number | string,
      max_seq_len: (max_seq_len ?? "") as number | string,
      kv_cache_len: (kv_cache_len ?? "") as number | string,
      onVllm: engine === "vllm",
      url: url ?? "",
    },
  })
  if (!may("model:deploy") || model.backbone) return null
  const submit = form.onSubmit((values) =>
    change.mutate({
      params: { path: { model: model.key } },
      body: {
        compute_config: {
          ...model.compute_config,
          engine: values.onVllm ? "vllm" : null,
          url: values.onVllm && values.url ? values.url : null,
          served_name: values.onVllm ? model.compute_config.served_name : null,
          tp: Number(values.tp),
          max_seq_len: Number(values.max_seq_len),
          kv_cache_len: Number(values.kv_cache_len) || null,
        },
      },
    }),
  )
  return (
    <Section title="How it runs" about="A running model is started again when this changes.">
      <form onSubmit={submit}>
        <Group align="flex-end">
          <NumberInput
            label="Longest prompt and answer, tokens"
            min={128}
            {...form.getInputProps("max_seq_len")}
          />
          <NumberInput
            label="Tokens that all requests share"
            placeholder="what fits"
            min={128}
            {...form.getInputProps("kv_cache_len")}
          />
          <NumberInput label="Devices" min={1} max={64} {...form.getInputProps("tp")} />
          {model.in_storage && (
            <Switch label="On vLLM" {...form.getInputProps("onVllm", { type: "checkbox" })} />
          )}
          {form.values.onVllm && (
            <TextInput
              label="URL of a vLLM server that runs already"
              placeholder="starts one if empty"
              {...form.getInputProps("url")}
            />
          )}
          <Button type="submit" variant="default" loading={change.isPending}>
            Keep
          </Button>
        </Group>
      </form>
    </Section>
  )
}
