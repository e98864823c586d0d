// What the form for a new training holds: defaults that make sense, and what must be chosen.
import { useForm } from "@mantine/form"
import type { UseCase } from "../api/schema"
import { needsMetric, sensibleRate, type Values } from "./config"

const START: Values = {
  model: null,
  output: "",
  goal: "imitate",
  method: "GRPO",
  metric: null,
  threshold: "",
  compared: false,
  judge: null,
  rules: "",
  reward_server: null,
  source: "LAST",
  samples: 1000,
  dataset: null,
  full: false,
  learning_rate: sensibleRate(false),
  epochs: 3,
  batch_size: 8,
  steps: 50,
  seed: 0,
}

export function useNewTraining(useCase: UseCase) {
  return useForm<Values>({
    initialValues: { ...START, metric: useCase.feedback_keys[0]?.key ?? null },
    validate: {
      model: (chosen) => (chosen ? null : "Choose the model that shall learn"),
      metric: (chosen, { goal }) => (needsMetric(goal) && !chosen ? "Choose a feedback key" : null),
      judge: (chosen, { goal }) => (goal === "rules" && !chosen ? "Choose a judge" : null),
      rules: (text, { goal }) => (goal === "rules" && !text.trim() ? "Write at least one rule" : null),
      reward_server: (chosen, { goal }) => (goal === "rewards" && !chosen ? "Choose a reward server" : null),
      dataset: (chosen, { source }) => (source === "dataset" && !chosen ? "Choose a dataset" : null),
    },
  })
}

export type Form = ReturnType<typeof useNewTraining>
