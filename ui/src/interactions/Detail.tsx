// One interaction in a drawer: the conversation, what people said of it, how it came about.
import { Badge, Drawer, Group, SimpleGrid, Stack, Text, Title } from "@mantine/core"
import { IconFlask2 } from "@tabler/icons-react"
import { api } from "../api/client"
import { useMay } from "../api/me"
import type { Interaction, UseCase } from "../api/schema"
import { Loaded } from "../parts/Loaded"
import { ButtonLink, TextLink } from "../parts/links"
import { count, milliseconds, money } from "../parts/numbers"
import { Copy } from "../parts/Snippet"
import { momentOf } from "../parts/time"
import { Conversation } from "./Conversation"
import { GiveFeedback } from "./GiveFeedback"

type Props = { id: string | undefined; useCase: UseCase; close: () => void }

export function Detail({ id, useCase, close }: Props) {
  const may = useMay()
  const query = api.useQuery(
    "get",
    "/api/v1/interactions/{completion_id}",
    { params: { path: { completion_id: id ?? "" }, query: { use_case: useCase.key } } },
    { enabled: id !== undefined },
  )
  return (
    <Drawer
      opened={id !== undefined}
      onClose={close}
      position="right"
      size={620}
      title={<Text fw={650}>Interaction</Text>}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {id !== undefined && (
        <Loaded query={query}>
          {(interaction) => (
            <Stack>
              <Group justify="space-between">
                <Text size="sm" c="dimmed">
                  {momentOf(interaction.created_at)}
                </Text>
                {may("chat:create", useCase) && (
                  <ButtonLink
                    size="xs"
                    variant="light"
                    leftSection={<IconFlask2 size={15} />}
                    to="/use_cases/$useCase/playground"
                    params={{ useCase: useCase.key }}
                    search={{ like: interaction.id }}
                  >
                    Open in playground
                  </ButtonLink>
                )}
              </Group>
              <Conversation messages={interaction.messages} completion={interaction.completion} />
              <Heading>Feedback</Heading>
              <GiveFeedback
                interaction={interaction}
                keys={useCase.feedback_keys}
                may={may("feedback:create", useCase)}
              />
              <Comparisons interaction={interaction} useCase={useCase} />
              <Heading>How it came about</Heading>
              <Facts interaction={interaction} useCase={useCase} />
            </Stack>
          )}
        </Loaded>
      )}
    </Drawer>
  )
}

function Heading({ children }: { children: string }) {
  return (
    <Title order={2} fz={15} mt="xs">
      {children}
    </Title>
  )
}

function Comparisons({ interaction, useCase }: { interaction: Interaction; useCase: UseCase }) {
  return interaction.comparison_feedbacks.map((each) => {
    const won = each.preferred_completion_id === interaction.id
    const other = won ? each.other_completion_id : each.preferred_completion_id
    return (
      <Group key={each.id} gap="xs">
        <Badge variant="default" tt="none">
          {each.feedback_key}
        </Badge>
        <Text size="sm">
          {each.tied ? `tied, both ${each.tied}, with ` : won ? "preferred to " : "not preferred to "}
          <TextLink
            size="sm"
            to="/use_cases/$useCase/interactions"
            params={{ useCase: useCase.key }}
            search={{ id: other }}
          >
            another answer
          </TextLink>
        </Text>
      </Group>
    )
  })
}

function Facts({ interaction, useCase }: { interaction: Interaction; useCase: UseCase }) {
  const { usage, timings, parameters } = interaction
  const of = (search: object, text: string) => (
    <TextLink
      size="sm"
      to="/use_cases/$useCase/interactions"
      params={{ useCase: useCase.key }}
      search={search}
    >
      {text}
    </TextLink>
  )
  const facts: [string, React.ReactNode][] = [
    ["Model", interaction.model ?? "not named"],
    ["Source", interaction.source.toLowerCase()],
    ["Latency", milliseconds(timings.latency_ms)],
    ["First token after", milliseconds(timings.first_token_ms)],
    [
      "Tokens read, written",
      usage ? `${count(usage.prompt_tokens)}, ${count(usage.completion_tokens)}` : "–",
    ],
    ["Cost", money(interaction.cost_usd)],
    ["Ended by", interaction.finish_reason ?? "–"],
    ["A/B test", interaction.ab_test ? of({ test: interaction.ab_test }, interaction.ab_test) : "none"],
    ["Session", of({ session: interaction.session_id }, `…${interaction.session_id.slice(-8)}`)],
    [
      "User",
      interaction.user ? of({ user: interaction.user }, `…${interaction.user.slice(-8)}`) : "not named",
    ],
    ["Same prompt", of({ prompt: interaction.prompt_hash }, "show all")],
  ]
  if (interaction.cached_from)
    facts.splice(1, 0, ["Given again", of({ id: interaction.cached_from }, "the answer of before")])
  if (interaction.assigned_model) facts.splice(1, 0, ["Answered for", interaction.assigned_model])
  if (interaction.model_version) facts.push(["Version of the prompt", interaction.model_version])
  for (const [name, value] of Object.entries(interaction.system_prompt_args))
    facts.push([`{{ ${name} }}`, JSON.stringify(value)])
  for (const [name, value] of Object.entries(parameters)) facts.push([name, JSON.stringify(value)])
  return (
    <>
      <SimpleGrid cols={2} spacing="xs" verticalSpacing={6}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <Text size="xs" c="dimmed">
              {name}
            </Text>
            <Text size="sm" component="div">
              {value}
            </Text>
          </div>
        ))}
      </SimpleGrid>
      <Group gap={6}>
        {Object.entries(interaction.labels).map(([key, value]) => (
          <Badge key={key} variant="default" tt="none" fw={500}>
            {key}: {value}
          </Badge>
        ))}
      </Group>
      <Group gap={0}>
        <Text size="xs" c="dimmed" ff="monospace">
          {interaction.id}
        </Text>
        <Copy text={interaction.id} label="Copy the completion id" />
      </Group>
    </>
  )
}
