// The form for a new feedback key, which is linked at once.
import { Button, Group, SegmentedControl, Stack, Text, TextInput } from "@mantine/core"
import { useForm } from "@mantine/form"
import { modals } from "@mantine/modals"
import { useMutation } from "@tanstack/react-query"
import { http, refresh } from "../api/client"
import type { FeedbackKeyCreate } from "../api/schema"
import { keyFrom } from "../parts/keys"
import { done } from "../parts/notify"
import { Problem } from "../parts/Problem"

export function openRegister(useCase: string): void {
  modals.open({
    modalId: "feedback-key",
    title: "New feedback key",
    children: <Register useCase={useCase} />,
  })
}

type Values = {
  name: string
  key: string
  kind: "bool" | "scalar"
  scoring: "higher_is_better" | "lower_is_better"
}

function Register({ useCase }: { useCase: string }) {
  const initialValues: Values = { name: "", key: "", kind: "bool", scoring: "higher_is_better" }
  const form = useForm({ initialValues })
  const creation = useMutation({
    mutationFn: async (body: FeedbackKeyCreate) => {
      await http.POST("/api/v1/feedback_keys", { body })
      const path = { use_case: useCase }
      await http.POST("/api/v1/use_cases/{use_case}/feedback_keys", {
        params: { path },
        body: { feedback_key: body.key },
      })
    },
    onSuccess: async () => {
      await refresh("/api/v1/use_cases", "/api/v1/feedback_keys")
      done("The key is registered and linked.")
      modals.close("feedback-key")
    },
  })
  const submit = form.onSubmit(({ name, key, kind, scoring }) =>
    creation.mutate({ name, key: key || keyFrom(name), kind, scoring_type: scoring }),
  )
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="Name"
          placeholder="Helpful"
          required
          data-autofocus
          {...form.getInputProps("name")}
        />
        <TextInput
          label="Key"
          description="What code calls it. It stays."
          placeholder={keyFrom(form.values.name) || "helpful"}
          {...form.getInputProps("key")}
        />
        <Choice
          label="What is said"
          data={[
            { value: "bool", label: "Yes or no" },
            { value: "scalar", label: "A number" },
          ]}
          {...form.getInputProps("kind")}
        />
        <Choice
          label="Which is better"
          data={[
            { value: "higher_is_better", label: "Higher" },
            { value: "lower_is_better", label: "Lower" },
          ]}
          {...form.getInputProps("scoring")}
        />
        {creation.error && <Problem error={creation.error} />}
        <Group justify="flex-end">
          <Button type="submit" loading={creation.isPending}>
            Register and link
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

type ChoiceProps = {
  label: string
  data: { value: string; label: string }[]
  value?: string
  onChange?: (value: string) => void
}

function Choice({ label, data, value, onChange }: ChoiceProps) {
  return (
    <div>
      <Text size="sm" fw={500} mb={4}>
        {label}
      </Text>
      <SegmentedControl fullWidth aria-label={label} data={data} value={value} onChange={onChange} />
    </div>
  )
}
