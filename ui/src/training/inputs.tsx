// The parts of the form for a new training.
import {
  NumberInput,
  SegmentedControl,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  Text,
  Textarea,
} from "@mantine/core"
import { api } from "../api/client"
import type { UseCase } from "../api/schema"
import { needsMetric, sensibleRate, writes } from "./config"
import type { Form as NewForm } from "./form"

type Form = { form: NewForm }
type Here = Form & { useCase: UseCase }

export function Parent({ form }: Form) {
  const params = { query: { trainable: true } }
  const { data } = api.useQuery("get", "/api/v1/models", { params })
  const none = data?.models.length === 0
  return (
    <Select
      label="Model"
      description={none ? "None here can be trained: add a GGUF file or a bundled model first." : undefined}
      data={(data?.models ?? []).map(({ key, name }) => ({ value: key, label: name }))}
      searchable
      {...form.getInputProps("model")}
    />
  )
}

export function Towards({ form, useCase }: Here) {
  const { goal } = form.values
  return (
    <>
      {needsMetric(goal) && (
        <Select
          label="By the feedback of"
          data={useCase.feedback_keys.map(({ key, name }) => ({ value: key, label: name }))}
          {...form.getInputProps("metric")}
        />
      )}
      {goal === "good" && (
        <NumberInput
          label="Good from"
          description="Left empty for yes-or-no keys: what most found good."
          {...form.getInputProps("threshold")}
        />
      )}
      {(goal === "pairs" || goal === "feedback") && (
        <Switch
          label="Learn from pairs that people compared, not from values"
          {...form.getInputProps("compared", { type: "checkbox" })}
        />
      )}
      {goal === "rules" && <Rules form={form} useCase={useCase} />}
      {goal === "rewards" && <RewardServer form={form} />}
    </>
  )
}

function Rules({ form, useCase }: Here) {
  return (
    <>
      <Select
        label="Judge"
        data={useCase.model_services.map(({ model }) => model.key)}
        {...form.getInputProps("judge")}
      />
      <Textarea
        label="Rules"
        description="One a line."
        placeholder="The answer names the next step."
        autosize
        minRows={3}
        {...form.getInputProps("rules")}
      />
    </>
  )
}

function RewardServer({ form }: Form) {
  const { data } = api.useQuery("get", "/api/v1/reward_servers")
  return (
    <Select
      label="Reward server"
      description={
        data?.reward_servers.length === 0 ? "Register one first, on the page Reward servers." : undefined
      }
      data={(data?.reward_servers ?? []).map(({ key, name }) => ({ value: key, label: name }))}
      {...form.getInputProps("reward_server")}
    />
  )
}

export function Samples({ form, useCase }: Here) {
  const params = { path: { use_case: useCase.key } }
  const { data } = api.useQuery("get", "/api/v1/use_cases/{use_case}/datasets", { params })
  const { source } = form.values
  return (
    <Stack>
      <SegmentedControl
        aria-label="Source"
        data={[
          { value: "LAST", label: "Latest answers" },
          { value: "ALL", label: "All answers" },
          { value: "dataset", label: "A dataset" },
        ]}
        {...form.getInputProps("source")}
      />
      {source === "LAST" && (
        <NumberInput label="How many at most" min={1} {...form.getInputProps("samples")} />
      )}
      {source === "dataset" && (
        <Select
          label="Dataset"
          data={(data?.datasets ?? []).map(({ key, name }) => ({ value: key, label: name }))}
          {...form.getInputProps("dataset")}
        />
      )}
    </Stack>
  )
}

export function How({ form }: Form) {
  const { full, goal } = form.values
  const weights = (all: boolean) => form.setValues({ full: all, learning_rate: sensibleRate(all) })
  return (
    <Stack>
      <div>
        <SegmentedControl
          aria-label="Weights"
          data={[
            { value: "adapter", label: "An adapter" },
            { value: "all", label: "All weights" },
          ]}
          value={full ? "all" : "adapter"}
          onChange={(value) => weights(value === "all")}
        />
        <Text size="xs" c="dimmed" mt={4}>
          {full
            ? "The child is a model of its own, as large as its parent."
            : "Small and quick; the child shares the engine of its backbone."}
        </Text>
      </div>
      {writes(goal) && (
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <Select
            label="Method"
            data={["GRPO", "PPO"]}
            allowDeselect={false}
            {...form.getInputProps("method")}
          />
          <NumberInput
            label="Steps"
            description="Batches that it writes and learns from."
            min={1}
            {...form.getInputProps("steps")}
          />
        </SimpleGrid>
      )}
      <SimpleGrid cols={{ base: 2, sm: 4 }}>
        <NumberInput
          label="Learning rate"
          min={0}
          max={1}
          step={1e-5}
          decimalScale={8}
          {...form.getInputProps("learning_rate")}
        />
        {!(writes(goal) && goal !== "feedback") && (
          <NumberInput label="Epochs" min={1} max={1000} {...form.getInputProps("epochs")} />
        )}
        <NumberInput label="Batch size" min={1} {...form.getInputProps("batch_size")} />
        <NumberInput label="Seed" min={0} {...form.getInputProps("seed")} />
      </SimpleGrid>
    </Stack>
  )
}
