// All use cases that the caller sees.
import { Button, Card, Group, SimpleGrid, Text, Title } from "@mantine/core"
import { IconPlus, IconSeedling } from "@tabler/icons-react"
import type { ReactNode } from "react"
import { api } from "../api/client"
import { useMay } from "../api/me"
import type { UseCase } from "../api/schema"
import { Empty } from "../parts/Empty"
import { Loaded } from "../parts/Loaded"
import { TextLink } from "../parts/links"
import { plural } from "../parts/numbers"
import { Page } from "../parts/Page"
import { Sparkline } from "../parts/Sparkline"
import { openCreate } from "./create"
import { perDay, useSpending } from "./spending"
import { formatOf, together, useTrend } from "./trend"

export function UseCases() {
  const may = useMay()
  const query = api.useQuery("get", "/api/v1/use_cases")
  const spending = useSpending(14, ["use_case", "day"], undefined, may("cost:read"))
  const traffic = ({ key }: UseCase) => {
    if (!spending.data) return null
    const { costs, days } = spending.data
    return perDay(
      costs.filter((cost) => cost.use_case === key),
      days,
      ({ requests }) => requests,
    )
  }
  const create = may("use_case:create") && (
    <Button leftSection={<IconPlus size={18} />} onClick={openCreate}>
      New use case
    </Button>
  )
  return (
    <Page
      title="Use cases"
      about="Each is one task that an application asks language models to do."
      actions={create}
    >
      <Loaded query={query}>
        {({ use_cases: found }) =>
          found.length === 0 ? (
            <Empty icon={IconSeedling} title="No use case yet" ways={{ Python: CREATE }} action={create}>
              A use case is one task, such as answering support mails. Models are attached to it, and it keeps
              what they said.
            </Empty>
          ) : (
            <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }}>
              {found.map((useCase) => (
                <UseCaseCard key={useCase.id} useCase={useCase} traffic={traffic(useCase)} />
              ))}
            </SimpleGrid>
          )
        }
      </Loaded>
    </Page>
  )
}

const CREATE = `from tropism import Tropism

client = Tropism("${location.origin}", "YOUR_API_KEY")
client.use_cases.create("support", "Support desk")`

function UseCaseCard({ useCase, traffic }: { useCase: UseCase; traffic: number[] | null }) {
  const requests = traffic?.reduce((sum, each) => sum + each, 0) ?? 0
  return (
    <Card>
      <TextLink to="/use_cases/$useCase" params={{ useCase: useCase.key }} c="inherit">
        <Title order={2} fz={17}>
          {useCase.name}
        </Title>
      </TextLink>
      <Text size="sm" c="dimmed" lineClamp={2}>
        {useCase.description ?? useCase.key}
      </Text>
      <Group mt="md" gap="lg">
        <Text size="sm">{plural(useCase.model_services.length, "model")}</Text>
        <Text size="sm">{plural(useCase.feedback_keys.length, "feedback key")}</Text>
      </Group>
      {traffic && (
        <Line what={`${plural(requests, "request")} in 14 days`}>
          {requests > 0 && <Sparkline values={traffic} label={`Requests per day: ${traffic.join(", ")}`} />}
        </Line>
      )}
      <Feedback useCase={useCase} />
    </Card>
  )
}

function Line({ what, children }: { what: string; children: ReactNode }) {
  return (
    <Group mt="sm" justify="space-between" align="flex-end" wrap="nowrap" mih={32}>
      <Text size="xs" c="dimmed">
        {what}
      </Text>
      {children}
    </Group>
  )
}

/** How the feedback of the first key went. */
function Feedback({ useCase }: { useCase: UseCase }) {
  const may = useMay()
  const key = useCase.feedback_keys[0]
  const { data } = useTrend(
    useCase.key,
    key?.key ?? "",
    14,
    key !== undefined && may("interaction:read", useCase),
  )
  if (!data || !key || data.models.length === 0) return null
  const means = together(data)
  const said = means.map(formatOf(data))
  return (
    <Line what={`${key.name}: ${said[said.length - 1]} lately`}>
      <Sparkline values={means} label={`${key.name} by day: ${said.join(", ")}`} color="blue" />
    </Line>
  )
}
