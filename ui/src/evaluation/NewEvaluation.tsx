// The form for a new evaluation: what is judged, by whom and how, and what that will take.
import {
  Button,
  Group,
  MultiSelect,
  NumberInput,
  Radio,
  SegmentedControl,
  Select,
  Stack,
  Switch,
  Text,
  Textarea,
  TextInput,
} from "@mantine/core"
import { useForm } from "@mantine/form"
import { useNavigate } from "@tanstack/react-router"
import { api, refresh } from "../api/client"
import type { EvaluationCreate, EvaluationEstimate, UseCase } from "../api/schema"
import { done } from "../parts/notify"
import { count, money, plural } from "../parts/numbers"
import { Page } from "../parts/Page"
import { Problem } from "../parts/Problem"
import { Section } from "../parts/Section"
import { useUseCase } from "../use_cases/current"
import { METHODS, type Method } from "./methods"

type Values = {
  name: string
  source: "LAST" | "RANDOM" | "ALL" | "dataset"
  samples: number | string
  dataset: string | null
  replay: boolean
  models: string[]
  judge: string | null
  method: Method
  rules: string
  feedback_key: string
}

function requestOf(useCase: string, values: Values): EvaluationCreate {
  const datasource =
    values.source === "dataset"
      ? { dataset: { dataset: values.dataset ?? "" } }
      : {
          completions: {
            selection_type: values.source,
            max_samples: values.source === "ALL" ? null : Number(values.samples),
            replay_interactions: values.replay,
          },
        }
  const rules = values.rules.split("\n").map((line) => line.trim())
  const guidelines = rules
    .filter(Boolean)
    .map((description, index) => ({ name: `rule ${index + 1}`, description }))
  return {
    use_case: useCase,
    name: values.name || null,
    data_config: { datasource },
    judge_model: values.judge ?? "",
    method: values.method,
    models: values.models,
    custom_eval_config:
      values.method === "custom" ? { guidelines, feedback_key: values.feedback_key || "rules-kept" } : null,
  }
}

function useNewEvaluation() {
  return useForm<Values>({
    initialValues: {
      name: "",
      source: "LAST",
      samples: 100,
      dataset: null,
      replay: false,
      models: [],
      judge: null,
      method: "answer_relevancy",
      rules: "",
      feedback_key: "",
    },
    validate: {
      judge: (chosen) => (chosen ? null : "Choose a judge"),
      dataset: (chosen, { source }) => (source === "dataset" && !chosen ? "Choose a dataset" : null),
      rules: (text, { method }) => (method === "custom" && !text.trim() ? "Write at least one rule" : null),
    },
  })
}

type Form = { form: ReturnType<typeof useNewEvaluation>; useCase: UseCase }

export function NewEvaluation() {
  const useCase = useUseCase()
  const navigate = useNavigate()
  const form = useNewEvaluation()
  const estimate = api.useMutation("post", "/api/v1/evaluation/jobs/estimate")
  const creation = api.useMutation("post", "/api/v1/evaluation/jobs", {
    onSuccess: async (job) => {
      await refresh("/api/v1/evaluation")
      done(`${job.name} waits for a worker.`)
      await navigate({
        to: "/use_cases/$useCase/evaluations/$job",
        params: { useCase: useCase.key, job: job.id },
      })
    },
  })
  const body = (values: Values) => ({ body: requestOf(useCase.key, values) })
  const error = creation.error ?? estimate.error
  return (
    <Page
      title="New evaluation"
      about="A worker does it in the background; this page may be closed meanwhile."
    >
      <form onSubmit={form.onSubmit((values) => creation.mutate(body(values)))}>
        <Stack gap="lg" maw={860}>
          <Section title="What is judged">
            <Source form={form} useCase={useCase} />
          </Section>
          <Section title="How">
            <How form={form} useCase={useCase} />
          </Section>
          {error && <Problem error={error} />}
          {estimate.data && <Takes estimate={estimate.data} />}
          <Group>
            <Button type="submit" loading={creation.isPending}>
              Start evaluation
            </Button>
            <Button
              variant="default"
              loading={estimate.isPending}
              onClick={() => !form.validate().hasErrors && estimate.mutate(body(form.values))}
            >
              What will it take?
            </Button>
          </Group>
        </Stack>
      </form>
    </Page>
  )
}

function Takes({ estimate }: { estimate: EvaluationEstimate }) {
  const { samples, judge_calls, replay_calls, prompt_tokens, completion_tokens, cost_usd } = estimate
  return (
    <Text size="sm" role="status">
      {plural(samples, "sample")}: {plural(replay_calls, "question")} to models and{" "}
      {plural(judge_calls, "question")} to the judge, about {count(prompt_tokens)} tokens read and{" "}
      {count(completion_tokens)} written
      {cost_usd === null ? "; no price is known." : `, ${money(cost_usd)}.`}
    </Text>
  )
}

function Source({ form, useCase }: Form) {
  const { source, replay } = form.values
  const params = { path: { use_case: useCase.key } }
  const { data } = api.useQuery("get", "/api/v1/use_cases/{use_case}/datasets", { params })
  const answers = useCase.model_services.filter(({ model }) => model.kind === "Generation")
  const asks = replay || source === "dataset"
  return (
    <Stack>
      <SegmentedControl
        aria-label="Source"
        data={[
          { value: "LAST", label: "Latest" },
          { value: "RANDOM", label: "At random" },
          { value: "ALL", label: "All" },
          { value: "dataset", label: "A dataset" },
        ]}
        {...form.getInputProps("source")}
      />
      {(source === "LAST" || source === "RANDOM") && (
        <NumberInput label="How many answers at most" min={1} {...form.getInputProps("samples")} />
      )}
      {source === "dataset" ? (
        <Select
          label="Dataset"
          data={(data?.datasets ?? []).map(({ key, name }) => ({ value: key, label: name }))}
          {...form.getInputProps("dataset")}
        />
      ) : (
        <Switch
          label="Ask the prompts anew, instead of judging what was answered"
          {...form.getInputProps("replay", { type: "checkbox" })}
        />
      )}
      <MultiSelect
        searchable
        label={asks ? "Models that answer every prompt" : "Only answers of"}
        placeholder={form.values.models.length ? undefined : asks && source !== "dataset" ? "Choose" : "all"}
        data={answers.map(({ model }) => model.key)}
        maxValues={10}
        {...form.getInputProps("models")}
      />
    </Stack>
  )
}

function How({ form, useCase }: Form) {
  const judges = useCase.model_services.filter(({ model }) => model.kind === "Generation")
  return (
    <Stack>
      <Select
        label="Judge"
        description="A model that is attached to this use case. Larger ones judge better."
        data={judges.map(({ model }) => model.key)}
        {...form.getInputProps("judge")}
      />
      <Radio.Group label="Method" {...form.getInputProps("method")}>
        <Stack gap="sm" mt={6}>
          {METHODS.map(({ value, label, about }) => (
            <Radio key={value} value={value} label={label} description={about} />
          ))}
        </Stack>
      </Radio.Group>
      {form.values.method === "custom" && (
        <>
          <Textarea
            label="Rules"
            description="One a line."
            placeholder="The answer names the next step."
            autosize
            minRows={3}
            {...form.getInputProps("rules")}
          />
          <TextInput
            label="Feedback key for the scores"
            placeholder="rules-kept"
            {...form.getInputProps("feedback_key")}
          />
        </>
      )}
      <TextInput label="Name" placeholder="made from the method" {...form.getInputProps("name")} />
    </Stack>
  )
}
