// The form for a new training: what is learnt, from what, and how.
import { Button, Group, Radio, Stack, TextInput } from "@mantine/core"
import { useNavigate } from "@tanstack/react-router"
import { api, refresh } from "../api/client"
import { done } from "../parts/notify"
import { Page } from "../parts/Page"
import { Problem } from "../parts/Problem"
import { Section } from "../parts/Section"
import { useUseCase } from "../use_cases/current"
import { GOALS, requestOf, writes } from "./config"
import { useNewTraining } from "./form"
import { How, Parent, Samples, Towards } from "./inputs"

export function NewTraining() {
  const useCase = useUseCase()
  const navigate = useNavigate()
  const form = useNewTraining(useCase)
  const creation = api.useMutation("post", "/api/v1/training/jobs", {
    onSuccess: async (job) => {
      await refresh("/api/v1/training")
      done(`${job.name} waits for a worker.`)
      await navigate({
        to: "/use_cases/$useCase/training/$job",
        params: { useCase: useCase.key, job: job.id },
      })
    },
  })
  return (
    <Page title="New training" about="A worker does it in the background; this page may be closed meanwhile.">
      <form onSubmit={form.onSubmit((values) => creation.mutate({ body: requestOf(useCase.key, values) }))}>
        <Stack gap="lg" maw={860}>
          <Section title="Who learns">
            <Stack>
              <Parent form={form} />
              <TextInput
                label="Name of the child"
                placeholder="Support 2"
                required
                {...form.getInputProps("output")}
              />
            </Stack>
          </Section>
          <Section title="What it learns">
            <Stack>
              <Radio.Group aria-label="Goal" {...form.getInputProps("goal")}>
                <Stack gap="sm">
                  {GOALS.map(({ value, label, about }) => (
                    <Radio key={value} value={value} label={label} description={about} />
                  ))}
                </Stack>
              </Radio.Group>
              <Towards form={form} useCase={useCase} />
            </Stack>
          </Section>
          <Section
            title="From what"
            about={
              writes(form.values.goal)
                ? "Prompts are taken from these; the model writes to them itself."
                : undefined
            }
          >
            <Samples form={form} useCase={useCase} />
          </Section>
          <Section title="How">
            <How form={form} />
          </Section>
          {creation.error && <Problem error={creation.error} />}
          <Group>
            <Button type="submit" loading={creation.isPending}>
              Start training
            </Button>
          </Group>
        </Stack>
      </form>
    </Page>
  )
}
