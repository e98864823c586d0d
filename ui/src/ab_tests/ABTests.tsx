// All A/B tests of a use case, each with its sentence.
import { Group, Paper, Progress, Stack, Text, Title } from "@mantine/core"
import { IconPlus, IconTestPipe } from "@tabler/icons-react"
import { api } from "../api/client"
import { useMay } from "../api/me"
import type { AbTest } from "../api/schema"
import { Empty } from "../parts/Empty"
import { Loaded } from "../parts/Loaded"
import { ButtonLink, TextLink } from "../parts/links"
import { plural } from "../parts/numbers"
import { Page } from "../parts/Page"
import { Status } from "../parts/Status"
import { Time } from "../parts/time"
import { useUseCase } from "../use_cases/current"
import { isActive } from "./figures"

export function ABTests() {
  const useCase = useUseCase()
  const may = useMay()
  const params = { query: { use_case: useCase.key } }
  const query = api.useQuery("get", "/api/v1/ab_tests", { params }, { refetchInterval: 10_000 })
  const create = may("ab_test:create", useCase) && (
    <ButtonLink
      to="/use_cases/$useCase/new_ab_test"
      params={{ useCase: useCase.key }}
      leftSection={<IconPlus size={18} />}
    >
      New A/B test
    </ButtonLink>
  )
  return (
    <Page
      title="A/B tests"
      about="Part of the traffic goes to several models, and feedback finds the best."
      actions={create}
    >
      <Loaded query={query}>
        {({ ab_tests: tests }) =>
          tests.length === 0 ? (
            <Empty
              icon={IconTestPipe}
              title="No A/B test yet"
              action={create}
              ways={{ Python: codeFor(useCase.key) }}
            >
              A test needs two attached models and a feedback key that is linked to this use case. It tells
              how much feedback it will take, and ends by itself.
            </Empty>
          ) : (
            <Stack gap="sm">
              {tests.map((test) => (
                <Row key={test.id} test={test} />
              ))}
            </Stack>
          )
        }
      </Loaded>
    </Page>
  )
}

function codeFor(useCase: string): string {
  return `client.ab_tests.create(
    "brief-or-not",
    feedback_key="solved",
    models=["MODEL_A", "MODEL_B"],
    use_case="${useCase}",
)`
}

function Row({ test }: { test: AbTest }) {
  const { report } = test
  return (
    <Paper p="md">
      <Group justify="space-between" gap="xs">
        <Group gap="sm">
          <TextLink
            to="/use_cases/$useCase/ab_tests/$abTest"
            params={{ useCase: test.use_case, abTest: test.key }}
            c="inherit"
          >
            <Title order={2} fz={16}>
              {test.key}
            </Title>
          </TextLink>
          <Status of={test.status} />
        </Group>
        <Text size="sm" c="dimmed">
          {plural(report.feedbacks, "feedback")} · begun <Time at={test.created_at} />
        </Text>
      </Group>
      <Text size="sm" mt={6} style={{ overflowWrap: "anywhere" }}>
        {report.summary}
      </Text>
      <Text size="xs" c="dimmed" mt={4} style={{ overflowWrap: "anywhere" }}>
        {test.models.join(" · ")} by {test.feedback_key}
      </Text>
      {isActive(test) && report.progress !== null && (
        <Progress mt="sm" size="sm" value={report.progress * 100} aria-label={`Progress of ${test.key}`} />
      )}
    </Paper>
  )
}
