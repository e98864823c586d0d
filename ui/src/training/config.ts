// From the form of a new training to its request: methods and objectives that go together, and defaults that make sense.
import type { TrainingCreate, TrainingMetadata, TrainingObjective } from "../api/schema"

export type Goal = "imitate" | "good" | "pairs" | "feedback" | "rules" | "rewards"
export type Values = {
  model: string | null
  output: string
  goal: Goal
  method: "GRPO" | "PPO"
  metric: string | null
  threshold: number | string
  compared: boolean
  judge: string | null
  rules: string
  reward_server: string | null
  source: "LAST" | "ALL" | "dataset"
  samples: number | string
  dataset: string | null
  full: boolean
  learning_rate: number | string
  epochs: number | string
  batch_size: number | string
  steps: number | string
  seed: number | string
}

export const GOALS: { value: Goal; label: string; about: string }[] = [
  {
    value: "imitate",
    label: "Imitate every answer",
    about: "SFT on all samples: for answers that are all good.",
  },
  { value: "good", label: "Imitate the good answers", about: "SFT on the answers that feedback calls good." },
  {
    value: "pairs",
    label: "Prefer the better of two",
    about: "DPO on answers to one prompt that feedback puts in order.",
  },
  {
    value: "feedback",
    label: "Earn feedback",
    about: "A model of rewards learns your feedback; the model then learns from it.",
  },
  { value: "rules", label: "Keep rules", about: "A judge says which of your rules an answer keeps." },
  { value: "rewards", label: "Earn rewards", about: "A reward server of yours says how good an answer is." },
]

/** Goals for which the model writes answers itself while it learns. */
export function writes(goal: Goal): boolean {
  return goal === "feedback" || goal === "rules" || goal === "rewards"
}

export function needsMetric(goal: Goal): boolean {
  return goal === "good" || goal === "pairs" || goal === "feedback"
}

/** Adapters learn at higher rates than whole models. */
export function sensibleRate(full: boolean): number {
  return full ? 1e-5 : 3e-4
}

export function requestOf(useCase: string, values: Values): TrainingCreate {
  const source =
    values.source === "dataset"
      ? { dataset: { dataset: values.dataset ?? "" } }
      : {
          completions: {
            selection_type: values.source,
            max_samples: values.source === "ALL" ? null : Number(values.samples),
          },
        }
  const preference = needsMetric(values.goal) && values.goal !== "good" && values.compared
  return {
    use_case: useCase,
    model: values.model ?? "",
    config: {
      output_name: values.output,
      training_config: {
        training_metadata: metadataOf(values),
        training_objective: objectiveOf(values),
        base_training_params: {
          learning_rate: Number(values.learning_rate),
          num_epochs: Number(values.epochs),
          batch_size: Number(values.batch_size),
          num_validations: 5,
          seed: Number(values.seed),
        },
      },
      sample_config: { datasource: source, feedback_type: preference ? "PREFERENCE" : "DIRECT" },
    },
  }
}

function metadataOf({ goal, method, full, steps }: Values): TrainingMetadata {
  const training_type = full ? "FULL_WEIGHTS" : "PARAMETER_EFFICIENT"
  if (!writes(goal)) return { alignment_method: goal === "pairs" ? "DPO" : "SFT", training_type }
  const own = { steps: Number(steps) }
  const parameters = method === "PPO" ? { ppo: own } : { grpo: own }
  return { alignment_method: method, training_type, parameters }
}

function objectiveOf(values: Values): TrainingObjective {
  const { goal, metric, threshold } = values
  if (goal === "imitate") return { sft: {} }
  if (goal === "rewards") return { reward_server: { remote_env: values.reward_server ?? "" } }
  if (goal === "rules")
    return { guidelines: { judge_model: values.judge ?? "", judge_model_prompt: rulesOf(values.rules) } }
  const bound =
    goal === "good" && threshold !== "" ? { scalar_metric: { threshold: Number(threshold) } } : null
  return { metric: { metric_key: metric ?? "", metric_metadata: bound } }
}

/** One rule a line. */
export function rulesOf(text: string): { name: string; description: string }[] {
  const lines = text.split("\n").map((line) => line.trim())
  return lines.filter(Boolean).map((line, index) => ({ name: `rule ${index + 1}`, description: line }))
}
