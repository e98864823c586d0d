// What was said: each turn with who said it, the answer at the end set apart.
import { Box, Stack, Text } from "@mantine/core"
import type { ChatMessage } from "../api/schema"
import { wordsOf } from "../parts/words"

const WHO: Record<string, string> = { system: "System", user: "User", assistant: "Assistant" }

export function Conversation({ messages, completion }: { messages: ChatMessage[]; completion?: string }) {
  return (
    <Stack gap="sm">
      {messages.map((message, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: turns have no name but their place
        <Turn key={index} who={WHO[message.role] ?? message.role} text={wordsOf(message.content)} />
      ))}
      {completion !== undefined && <Turn who="Answer" text={completion || "(empty)"} answer />}
    </Stack>
  )
}

function Turn({ who, text, answer }: { who: string; text: string; answer?: boolean }) {
  return (
    <Box
      p="sm"
      style={{
        borderRadius: 12,
        background: answer ? "var(--mantine-color-leaf-light)" : "var(--surface)",
        border: "1px solid var(--line)",
      }}
    >
      <Text size="xs" fw={600} c="dimmed" mb={2}>
        {who}
      </Text>
      <Text size="sm" className="prose" lh={1.6}>
        {text}
      </Text>
    </Box>
  )
}
