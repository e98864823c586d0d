// How much feedback a test will take, before it is begun.
import { Button, Group, NumberInput, SimpleGrid, Stack, Text } from "@mantine/core"
import { useState } from "react"
import { api } from "../api/client"
import type { AbTestCreate, FeedbackKey, Forecast } from "../api/schema"
import { count } from "../parts/numbers"
import { Problem } from "../parts/Problem"
import { Section } from "../parts/Section"

type Props = {
  feedbackKey: FeedbackKey | undefined
  feedbackType: AbTestCreate["feedback_type"]
  variants: number
  onTake: (effect: number, forecast: Forecast) => void
}

export function Planner({ feedbackKey, feedbackType, variants, onTake }: Props) {
  const isPreference = feedbackType === "preference"
  const isRate = isPreference || feedbackKey?.kind === "bool"
  const [effect, setEffect] = useState<number | string>("")
  const [around, setAround] = useState<number | string>("")
  const plan = api.useMutation("post", "/api/v1/ab_tests/plan")
  const share = (value: number | string) => Number(value) / (isRate ? 100 : 1)
  const expected = isPreference
    ? { ties: share(around) }
    : isRate
      ? { baseline: share(around) }
      : { sd: share(around) }
  const ask = () =>
    plan.mutate({
      body: {
        effect: share(effect),
        feedback_type: feedbackType,
        variants: Math.max(2, variants),
        ...expected,
      },
    })
  const unit = isRate ? " %" : undefined
  return (
    <Section title="How much feedback will it take?" about="Say which difference would be worth finding.">
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <NumberInput
            label={isPreference ? "Win rate above one half" : "Smallest difference worth knowing"}
            suffix={isPreference || isRate ? " points" : undefined}
            placeholder={isRate ? "6 points" : "0.2"}
            min={0}
            value={effect}
            onChange={setEffect}
          />
          <NumberInput
            label={isPreference ? "Share of ties" : isRate ? "Rate today" : "Standard deviation of a value"}
            suffix={unit}
            placeholder={isRate ? "30 %" : "1.1"}
            min={0}
            value={around}
            onChange={setAround}
          />
        </SimpleGrid>
        {plan.error && <Problem error={plan.error} />}
        {plan.data && (
          <Stack gap={4} role="status">
            <Text size="sm">{plan.data.summary}</Text>
            <Text size="sm" c="dimmed">
              Half of such tests have decided by {count(plan.data.median)} per variant, four in five by{" "}
              {count(plan.data.for_80_percent)}.
            </Text>
          </Stack>
        )}
        <Group>
          <Button variant="light" onClick={ask} loading={plan.isPending} disabled={effect === ""}>
            Plan
          </Button>
          {plan.data && (
            <Button variant="default" onClick={() => plan.data && onTake(share(effect), plan.data)}>
              Take these limits
            </Button>
          )}
        </Group>
      </Stack>
    </Section>
  )
}
