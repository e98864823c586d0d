// Where a child is from: its parent, the samples, the settings, the checkpoints and the versions that trained.
import { SimpleGrid, Stack, Table, Text } from "@mantine/core"
import type { TrainingJob } from "../api/schema"
import { Facts } from "../parts/Facts"
import { TextLink } from "../parts/links"
import { count, figure, plural } from "../parts/numbers"
import { Section } from "../parts/Section"
import { Snippet } from "../parts/Snippet"
import { Time } from "../parts/time"

export function Lineage({ job }: { job: TrainingJob }) {
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg">
      <Section title="Where it is from">
        <Origin job={job} />
      </Section>
      <Section
        title="Checkpoints"
        about="A worker that is replaced goes on from the last one."
        actions={<Text size="sm">{plural(job.checkpoints.length, "checkpoint")}</Text>}
      >
        <Table>
          <Table.Tbody className="tabular">
            {job.checkpoints.slice(-8).map(({ part, step, at }) => (
              <Table.Tr key={`${part} ${step}`}>
                <Table.Td>{part.replace("_", " ")}</Table.Td>
                <Table.Td>step {count(step)}</Table.Td>
                <Table.Td ta="right">
                  <Time at={at} />
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Section>
    </SimpleGrid>
  )
}

function Origin({ job }: { job: TrainingJob }) {
  const { training_metadata: metadata, base_training_params: base } = job.config.training_config
  const { outcome } = job
  return (
    <Stack>
      <Facts
        of={{
          Parent: (
            <TextLink to="/models/$model" params={{ model: job.model }} size="sm">
              {job.model}
            </TextLink>
          ),
          Method: metadata.alignment_method,
          Weights: metadata.training_type === "FULL_WEIGHTS" ? "all" : "an adapter",
          "Learning rate": base?.learning_rate,
          "Batch size": base?.batch_size,
          Epochs: base?.num_epochs,
          Seed: base?.seed,
          "Loss before": outcome?.before.loss == null ? null : figure(outcome.before.loss),
          "Loss after": outcome?.after.loss == null ? null : figure(outcome.after.loss),
          "Digest of the samples": outcome?.samples_sha256?.slice(0, 16),
        }}
      />
      <Snippet
        label="All settings"
        ways={{
          Settings: JSON.stringify(job.config, null, 2),
          ...(outcome ? { Versions: JSON.stringify(outcome.versions, null, 2) } : {}),
        }}
      />
    </Stack>
  )
}
