// How the figures of a test are written: rates and win rates in percent, other values in their own units.
import type { AbTest, FeedbackKey, UseCase } from "../api/schema"
import { figure, percent } from "../parts/numbers"

export function keyOf(useCase: UseCase, test: AbTest): FeedbackKey | undefined {
  return useCase.feedback_keys.find(({ key }) => key === test.feedback_key)
}

export function formatOf(useCase: UseCase, test: AbTest): (value: number) => string {
  const isRate = test.feedback_type === "preference" || keyOf(useCase, test)?.kind === "bool"
  return isRate ? percent : figure
}

export function isActive({ status }: AbTest): boolean {
  return status === "warmup" || status === "in_progress"
}

/** What is measured of each variant, in words. */
export function measured(useCase: UseCase, test: AbTest): string {
  if (test.feedback_type === "preference") return `How often it is preferred by “${test.feedback_key}”`
  const key = keyOf(useCase, test)
  const better = key?.scoring_type === "lower_is_better" ? "lower is better" : "higher is better"
  return key?.kind === "bool"
    ? `The rate of “${test.feedback_key}”; ${better}`
    : `The mean of “${test.feedback_key}”; ${better}`
}

const ASSUMPTIONS: Record<string, string> = {
  k_correction: "Each pair is tested more strictly, since there are more than two variants.",
  clustered_units: "Users or sessions are counted, not single feedbacks.",
  exact_counts: "Counts are compared exactly: those intervals hold however few there are.",
  asymptotic: "Comparisons hold for large samples.",
  longer_warmup: "Rare events or lopsided values ask for more feedback before figures are shown.",
  pooled_variance: "Where values hardly vary, the spread of all variants together is used.",
  skewness_correction: "Lopsided values widened some interval.",
  lost_digits: "Values lie so far from zero that rounding set some spread.",
}

export function restsOn(assumption: string): string {
  return ASSUMPTIONS[assumption] ?? assumption
}
