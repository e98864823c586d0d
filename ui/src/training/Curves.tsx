// The curves of a training: loss, reward and distance from the parent, by step, and what held-out samples said.
import { SimpleGrid, Text } from "@mantine/core"
import type { TrainingJob, TrainingProgress } from "../api/schema"
import { LazyPlot, type PlotLine } from "../parts/LazyPlot"
import { Section } from "../parts/Section"

const MEASURES = ["loss", "reward", "kl"] as const
type Measure = (typeof MEASURES)[number]
const NAMES: Record<Measure, string> = { loss: "Loss", reward: "Reward", kl: "Distance from the parent (KL)" }

export function Curves({ job }: { job: TrainingJob }) {
  if (job.curve.length === 0)
    return (
      <Section title="Curves">
        <Text size="sm" c="dimmed">
          They begin with the first step.
        </Text>
      </Section>
    )
  const parts = [...new Set(job.curve.map(({ part }) => part))]
  return parts.map((part) => {
    const steps = job.curve.filter((step) => step.part === part)
    const known = MEASURES.filter((measure) => steps.some((step) => step[measure] !== null))
    return (
      <SimpleGrid key={part} cols={{ base: 1, lg: Math.min(2, known.length) }} spacing="lg">
        {known.map((measure) => (
          <Curve key={measure} job={job} part={part} measure={measure} />
        ))}
      </SimpleGrid>
    )
  })
}

function Curve({ job, part, measure }: { job: TrainingJob; part: string; measure: Measure }) {
  const steps = job.curve.filter((step) => step.part === part)
  const lines = [lineOf(steps, measure), ...(measure === "loss" ? [heldOut(job, part)] : [])]
  const shown = lines.filter(({ points }) => points.length > 0)
  const title = part === "train" ? NAMES[measure] : `${NAMES[measure]} of the ${part.replace("_", " ")}`
  return (
    <Section title={title}>
      <LazyPlot what={`${title} by step`} x="step" lines={shown} height={220} />
    </Section>
  )
}

function lineOf(steps: TrainingProgress[], measure: Measure): PlotLine {
  const known = steps.filter((step) => step[measure] !== null)
  return {
    name: measure === "loss" ? "training" : "each step",
    color: "leaf.6",
    points: known.map((step) => ({ x: step.step, y: step[measure] })),
  }
}

function heldOut({ validations }: TrainingJob, part: string): PlotLine {
  const known = validations.filter((each) => each.part === part && each.loss !== null)
  return {
    name: "held-out samples",
    color: "orange.7",
    points: known.map(({ step, loss }) => ({ x: step, y: loss })),
  }
}
