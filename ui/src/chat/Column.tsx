// One model's answer as it comes, with how long it took.
import { Alert, Box, Group, Paper, ScrollArea, Skeleton, Stack, Text } from "@mantine/core"
import { Conversation } from "../interactions/Conversation"
import { Dot } from "../parts/Intervals"
import { count, milliseconds } from "../parts/numbers"
import type { Asked } from "./column"

type Props = { name: string; color: string; asked: Asked | undefined }

export function Column({ name, color, asked }: Props) {
  const answer = asked?.answer
  const turns = asked?.messages.filter(({ role }) => role !== "system") ?? []
  return (
    <Paper p="md" component="section" aria-label={`Answers of ${name}`} miw={0}>
      <Group gap={8} mb="sm" wrap="nowrap">
        <Dot color={color} />
        <Text fw={600} size="sm" className="clip">
          {name}
        </Text>
      </Group>
      <ScrollArea.Autosize mah={460} mih={120}>
        {!asked && (
          <Text size="sm" c="dimmed">
            Its answer appears here.
          </Text>
        )}
        {answer && (
          <Stack gap="sm">
            <Conversation
              messages={turns}
              completion={answer.text || (answer.running ? undefined : answer.text)}
            />
            {answer.running && !answer.text && <Skeleton height={14} width="60%" radius="xl" />}
            {answer.problem && (
              <Alert color="red" role="alert">
                <Text size="sm">{answer.problem}</Text>
              </Alert>
            )}
          </Stack>
        )}
      </ScrollArea.Autosize>
      {answer && (
        <Box mt="sm">
          <Text size="xs" c="dimmed" className="tabular" aria-live="polite">
            {answer.running ? "Writing… " : ""}
            {answer.firstMs !== null && `first word after ${milliseconds(answer.firstMs)}`}
            {!answer.running && answer.totalMs !== null && `, all after ${milliseconds(answer.totalMs)}`}
            {answer.tokens !== null && ` · ${count(answer.tokens)} tokens`}
          </Text>
        </Box>
      )}
    </Paper>
  )
}
