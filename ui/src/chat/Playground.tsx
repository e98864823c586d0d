// Ask up to four models the same, side by side, and say whose answer is better.
import {
  Alert,
  Button,
  Group,
  MultiSelect,
  NumberInput,
  Paper,
  SimpleGrid,
  Stack,
  Text,
  Textarea,
} from "@mantine/core"
import { IconFlask2, IconPlayerStop, IconSend2 } from "@tabler/icons-react"
import { useNavigate, useSearch } from "@tanstack/react-router"
import { useEffect, useState } from "react"
import { http } from "../api/client"
import { useMay, useMe } from "../api/me"
import type { ChatMessage } from "../api/schema"
import { seriesColor } from "../app/theme"
import { Empty } from "../parts/Empty"
import { Page } from "../parts/Page"
import { Problem } from "../parts/Problem"
import { wordsOf } from "../parts/words"
import { useUseCase } from "../use_cases/current"
import { Column } from "./Column"
import { type Settings, useAnswers } from "./column"
import { Vote } from "./Vote"

export function Playground() {
  const useCase = useUseCase()
  const may = useMay()
  const { data: me } = useMe()
  const { models: named, like } = useSearch({ from: "/signed_in/use_cases/$useCase/playground" })
  const navigate = useNavigate({ from: "/use_cases/$useCase/playground" })
  const services = useCase.model_services.filter(({ model }) => model.kind === "Generation")
  const chosen = (named ?? services.slice(0, 2).map(({ model }) => model.key)).slice(0, 4)
  const [system, setSystem] = useState("")
  const [draft, setDraft] = useState("")
  const [settings, setSettings] = useState<Settings>({})
  const [before, setBefore] = useState<ChatMessage[]>([])
  const [problem, setProblem] = useState<unknown>(null)
  const { answers, ask, stop, clear } = useAnswers()
  useLike(
    like,
    useCase.key,
    (messages) => {
      const last = messages[messages.length - 1]
      setSystem(wordsOf(messages.find(({ role }) => role === "system")?.content))
      setBefore(messages.filter(({ role }) => role !== "system").slice(0, -1))
      setDraft(wordsOf(last?.content))
    },
    setProblem,
  )

  if (services.length === 0)
    return (
      <Page title="Playground">
        <Empty icon={IconFlask2} title="No model to ask yet" ways={{ Python: attach(useCase.key) }}>
          Attach a model to this use case. The bundled one runs here, without a key or a GPU.
        </Empty>
      </Page>
    )

  const running = chosen.some((model) => answers[model]?.answer.running)
  const send = () => {
    const text = draft.trim()
    if (!text || running) return
    for (const model of chosen) {
      const asked = answers[model]
      const history = asked
        ? [...asked.messages, { role: "assistant" as const, content: asked.answer.text }]
        : opening()
      const messages = [...history, { role: "user" as const, content: text }]
      ask(model, { model: `${useCase.key}/${model}`, messages, user: me?.id, settings })
    }
    setDraft("")
  }
  const opening = (): ChatMessage[] =>
    system.trim() ? [{ role: "system", content: system.trim() }, ...before] : before
  const anew = () => {
    clear()
    setBefore([])
  }
  const number = (name: keyof Settings, label: string, step: number, min: number, max?: number) => (
    <NumberInput
      size="xs"
      w={130}
      label={label}
      placeholder="the model’s"
      step={step}
      min={min}
      max={max}
      value={settings[name] ?? ""}
      onChange={(value) =>
        setSettings({ ...settings, [name]: typeof value === "number" ? value : undefined })
      }
    />
  )
  return (
    <Page
      title="Playground"
      about="Ask models side by side. Answers are logged like any other, with the label from = playground."
      actions={
        <Button variant="default" onClick={anew} disabled={Object.keys(answers).length === 0}>
          Begin anew
        </Button>
      }
    >
      <Paper p="md">
        <Stack gap="sm">
          <Group align="flex-end" gap="sm">
            <MultiSelect
              searchable
              label="Models"
              size="xs"
              flex="1 1 260px"
              maxValues={4}
              data={services.map(({ model }) => ({ value: model.key, label: model.name }))}
              value={chosen}
              onChange={(models) => navigate({ search: { models, like }, replace: true })}
            />
            {number("temperature", "Temperature", 0.1, 0, 2)}
            {number("max_tokens", "Longest answer", 16, 1)}
            {number("seed", "Seed", 1, 0)}
          </Group>
          <Textarea
            label="System prompt"
            placeholder="None"
            size="xs"
            autosize
            minRows={1}
            maxRows={6}
            value={system}
            onChange={(event) => setSystem(event.currentTarget.value)}
          />
        </Stack>
      </Paper>
      {problem !== null && <Problem error={problem} />}
      {before.length > 0 && (
        <Alert color="gray" variant="light">
          <Text size="sm">The conversation begins with {before.length} earlier turns.</Text>
        </Alert>
      )}
      <SimpleGrid cols={{ base: 1, sm: Math.min(2, chosen.length || 1), xl: chosen.length || 1 }}>
        {chosen.map((model, index) => (
          <Column
            key={model}
            name={services.find((each) => each.model.key === model)?.model.name ?? model}
            color={seriesColor(index)}
            asked={answers[model]}
          />
        ))}
      </SimpleGrid>
      {may("feedback:create", useCase) && chosen.length > 1 && (
        <Vote useCase={useCase} models={chosen} answers={answers} />
      )}
      <Paper p="sm" pos="sticky" bottom={16} shadow="sm">
        <Group align="flex-end" wrap="nowrap" gap="sm">
          <Textarea
            aria-label="Message"
            placeholder="Ask something. Enter sends, Shift+Enter begins a new line."
            flex={1}
            autosize
            minRows={1}
            maxRows={8}
            variant="unstyled"
            value={draft}
            onChange={(event) => setDraft(event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return
              event.preventDefault()
              send()
            }}
          />
          {running ? (
            <Button variant="default" leftSection={<IconPlayerStop size={16} />} onClick={stop}>
              Stop
            </Button>
          ) : (
            <Button
              leftSection={<IconSend2 size={16} />}
              onClick={send}
              disabled={!draft.trim() || !chosen.length}
            >
              Send
            </Button>
          )}
        </Group>
      </Paper>
    </Page>
  )
}

function useLike(
  id: string | undefined,
  useCase: string,
  take: (messages: ChatMessage[]) => void,
  refused: (error: unknown) => void,
) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each interaction that is named
  useEffect(() => {
    if (id === undefined) return
    http
      .GET("/api/v1/interactions/{completion_id}", {
        params: { path: { completion_id: id }, query: { use_case: useCase } },
      })
      .then(({ data }) => data && take(data.messages))
      .catch(refused)
  }, [id, useCase])
}

function attach(useCase: string): string {
  return `from tropism import Tropism

client = Tropism("${location.origin}", "YOUR_API_KEY")
client.models.attach("smollm2-135m", make_default=True, wait=True, use_case="${useCase}")`
}
