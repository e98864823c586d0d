// The form for a new A/B test, with its planner.
import {
  Button,
  Group,
  MultiSelect,
  NumberInput,
  SegmentedControl,
  Select,
  SimpleGrid,
  Stack,
  Switch,
  Text,
  TextInput,
} from "@mantine/core"
import { useForm } from "@mantine/form"
import { useNavigate } from "@tanstack/react-router"
import { api, refresh } from "../api/client"
import type { AbTestCreate, Guardrail, UseCase } from "../api/schema"
import { done } from "../parts/notify"
import { Page } from "../parts/Page"
import { Problem } from "../parts/Problem"
import { Section } from "../parts/Section"
import { useUseCase } from "../use_cases/current"
import { GuardrailInputs } from "./GuardrailInputs"
import { Planner } from "./Planner"

type Values = {
  key: string
  feedback_key: string | null
  feedback_type: NonNullable<AbTestCreate["feedback_type"]>
  models: string[]
  traffic: number | string
  min_effect: number | string
  max_feedbacks: number | string
  max_days: number | string
  shadow: number | string
  auto_deploy: boolean
  guardrails: Guardrail[]
}

function startOf(useCase: UseCase): Values {
  const models = useCase.model_services.filter(({ model }) => model.kind === "Generation")
  return {
    key: "",
    feedback_key: useCase.feedback_keys[0]?.key ?? null,
    feedback_type: "metric",
    models: models.length === 2 ? models.map(({ model }) => model.key) : [],
    traffic: 100,
    min_effect: "",
    max_feedbacks: 10_000,
    max_days: 30,
    shadow: 0,
    auto_deploy: false,
    guardrails: [],
  }
}

function requestOf(useCase: string, { key, traffic, shadow, ...values }: Values): AbTestCreate {
  return {
    use_case: useCase,
    ab_test_key: key,
    feedback_key: values.feedback_key ?? "",
    feedback_type: values.feedback_type,
    models: values.models,
    traffic_split: Number(traffic) / 100,
    auto_deploy: values.auto_deploy,
    min_effect: Number(values.min_effect) || null,
    max_feedbacks: Number(values.max_feedbacks),
    max_days: Number(values.max_days),
    guardrails: values.guardrails,
    shadow: values.feedback_type === "preference" ? Number(shadow) / 100 : 0,
  }
}

function useNewABTest(useCase: UseCase) {
  return useForm<Values>({
    initialValues: startOf(useCase),
    validate: {
      models: (chosen) => (chosen.length < 2 ? "Choose at least two models" : null),
      feedback_key: (chosen) => (chosen ? null : "Choose what decides"),
    },
  })
}

type Form = ReturnType<typeof useNewABTest>

export function NewABTest() {
  const useCase = useUseCase()
  const navigate = useNavigate()
  const form = useNewABTest(useCase)
  const creation = api.useMutation("post", "/api/v1/ab_tests", {
    onSuccess: async (test) => {
      await refresh("/api/v1/ab_tests")
      done(`A/B test ${test.key} has begun.`)
      await navigate({
        to: "/use_cases/$useCase/ab_tests/$abTest",
        params: { useCase: useCase.key, abTest: test.key },
      })
    },
  })
  const { values } = form
  return (
    <Page title="New A/B test" about="It begins at once. Users keep the variant that they got first.">
      <form onSubmit={form.onSubmit((given) => creation.mutate({ body: requestOf(useCase.key, given) }))}>
        <Stack gap="lg" maw={860}>
          <Section title="What is compared">
            <What form={form} useCase={useCase} />
          </Section>
          <Planner
            feedbackKey={useCase.feedback_keys.find(({ key }) => key === values.feedback_key)}
            feedbackType={values.feedback_type}
            variants={values.models.length}
            onTake={(effect, { max_feedbacks }) => form.setValues({ min_effect: effect, max_feedbacks })}
          />
          <Section title="When it ends">
            <Ends form={form} />
          </Section>
          <Section
            title="Guardrails"
            about="What must not get worse than with the default model. A breach ends the test."
          >
            <GuardrailInputs
              value={values.guardrails}
              onChange={(guardrails) => form.setFieldValue("guardrails", guardrails)}
              metrics={useCase.feedback_keys
                .map(({ key }) => key)
                .filter((key) => key !== values.feedback_key)}
            />
          </Section>
          {creation.error && <Problem error={creation.error} />}
          <Group>
            <Button type="submit" loading={creation.isPending}>
              Start the test
            </Button>
          </Group>
        </Stack>
      </form>
    </Page>
  )
}

function What({ form, useCase }: { form: Form; useCase: UseCase }) {
  const models = useCase.model_services.filter(({ model }) => model.kind === "Generation")
  return (
    <Stack>
      <TextInput
        label="Key"
        description="Letters, digits, dots, dashes. It stays, and tags every answer of the test."
        placeholder="brief-or-not"
        required
        {...form.getInputProps("key")}
      />
      <MultiSelect
        label="Models"
        description={
          models.length < 2 ? "Attach a second model to this use case first, on the page Models." : undefined
        }
        data={models.map(({ model, is_default }) => ({
          value: model.key,
          label: is_default ? `${model.key} (default)` : model.key,
        }))}
        maxValues={10}
        searchable
        {...form.getInputProps("models")}
      />
      <Select
        label="Decided by"
        description={
          useCase.feedback_keys.length === 0 ? "Link a feedback key to this use case first." : undefined
        }
        data={useCase.feedback_keys.map(({ key, name }) => ({ value: key, label: name }))}
        allowDeselect={false}
        {...form.getInputProps("feedback_key")}
      />
      <div>
        <Text size="sm" fw={500} mb={4} id="feedback-type">
          Feedback
        </Text>
        <SegmentedControl
          aria-labelledby="feedback-type"
          data={[
            { value: "metric", label: "Values of single answers" },
            { value: "preference", label: "Which of two answers" },
          ]}
          {...form.getInputProps("feedback_type")}
        />
      </div>
      {form.values.feedback_type === "preference" && (
        <NumberInput
          label="Answers that get a second one in the background, to compare"
          description="Costs tokens; 0 turns it off."
          suffix=" %"
          min={0}
          max={100}
          {...form.getInputProps("shadow")}
        />
      )}
      <NumberInput
        label="Traffic in the test"
        description="The rest goes to the default model."
        suffix=" %"
        min={0}
        max={100}
        {...form.getInputProps("traffic")}
      />
    </Stack>
  )
}

function Ends({ form }: { form: Form }) {
  return (
    <Stack>
      <SimpleGrid cols={{ base: 1, sm: 3 }}>
        <NumberInput
          label="Difference worth knowing"
          description="Ends when none so large can be."
          placeholder="any"
          min={0}
          {...form.getInputProps("min_effect")}
        />
        <NumberInput
          label="Most feedback"
          description="Per variant."
          min={1}
          thousandSeparator=","
          {...form.getInputProps("max_feedbacks")}
        />
        <NumberInput label="Most days" description="From now." min={1} {...form.getInputProps("max_days")} />
      </SimpleGrid>
      <Switch
        label="Make the winner the default by itself"
        {...form.getInputProps("auto_deploy", { type: "checkbox" })}
      />
    </Stack>
  )
}
