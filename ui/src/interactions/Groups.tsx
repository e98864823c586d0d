// The log by model or by prompt: how many, how good, how fast, how dear.
import { Badge, Group, Paper, Table, Text, UnstyledButton } from "@mantine/core"
import { useQuery } from "@tanstack/react-query"
import { http } from "../api/client"
import type { InteractionFilter, InteractionGroup, InteractionPage, UseCase } from "../api/schema"
import { Loaded } from "../parts/Loaded"
import { count, exact, figure, milliseconds, money } from "../parts/numbers"
import { Time } from "../parts/time"
import { wordsOf } from "../parts/words"
import type { Search } from "./search"

type Props = {
  useCase: UseCase
  filters: InteractionFilter
  by: "model" | "prompt"
  change: (change: Partial<Search>) => void
}

export function Groups({ useCase, filters, by, change }: Props) {
  const query = useQuery({
    queryKey: ["groups", "/api/v1/interactions", useCase.key, filters, by],
    queryFn: async ({ signal }) => {
      const body = { use_case: useCase.key, filters, group_by: by, page: { first: 100 } }
      return (await http.POST("/api/v1/interactions/query", { body, signal })).data as InteractionPage
    },
  })
  return (
    <Loaded query={query}>
      {({ groups, total_count }) => (
        <Paper style={{ overflow: "auto", flex: 1 }}>
          <Table.ScrollContainer minWidth={640}>
            <Table verticalSpacing="sm" horizontalSpacing="md" stickyHeader highlightOnHover>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{by === "model" ? "Model" : "Prompt"}</Table.Th>
                  <Table.Th ta="right">Interactions</Table.Th>
                  <Table.Th>Mean feedback</Table.Th>
                  <Table.Th ta="right">Mean latency</Table.Th>
                  <Table.Th ta="right">Cost</Table.Th>
                  <Table.Th>Last</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {groups.map((group) => (
                  <GroupRow
                    key={`${group.model} ${group.prompt_hash}`}
                    group={group}
                    by={by}
                    change={change}
                  />
                ))}
              </Table.Tbody>
              {total_count > groups.length && (
                <Table.Caption>
                  The {groups.length} largest of {exact(total_count)} groups.
                </Table.Caption>
              )}
            </Table>
          </Table.ScrollContainer>
        </Paper>
      )}
    </Loaded>
  )
}

function GroupRow({ group, by, change }: { group: InteractionGroup; by: string; change: Props["change"] }) {
  const name =
    by === "model"
      ? (group.model ?? "not named")
      : wordsOf(group.messages?.[group.messages.length - 1]?.content)
  const show = () =>
    change(
      by === "model"
        ? { group: undefined, models: group.model ? [group.model] : undefined }
        : { group: undefined, prompt: group.prompt_hash ?? undefined },
    )
  return (
    <Table.Tr>
      <Table.Td maw={460}>
        <UnstyledButton onClick={show} w="100%" aria-label={`Show interactions of ${name}`}>
          <Text size="sm" fw={550} lineClamp={2} td="underline" style={{ textUnderlineOffset: 3 }}>
            {name}
          </Text>
        </UnstyledButton>
      </Table.Td>
      <Table.Td ta="right" className="tabular">
        {exact(group.count)}
      </Table.Td>
      <Table.Td>
        <Group gap={4}>
          {group.feedbacks.map((each) => (
            <Badge key={each.feedback_key} variant="default" tt="none" fw={500}>
              {each.feedback_key} {figure(each.mean)} · n {count(each.count)}
            </Badge>
          ))}
        </Group>
      </Table.Td>
      <Table.Td ta="right" className="tabular">
        {milliseconds(group.mean_latency_ms)}
      </Table.Td>
      <Table.Td ta="right" className="tabular">
        {money(group.cost_usd)}
      </Table.Td>
      <Table.Td>
        <Text size="sm" c="dimmed">
          <Time at={group.last_created_at} />
        </Text>
      </Table.Td>
    </Table.Tr>
  )
}
