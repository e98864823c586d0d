// All A/B tests of a use case, each with its sentence.
import { Progress, Text } from "@mantine/core"
import { IconPlus, IconTestPipe } from "@tabler/icons-react"
import { api } from "../api/client"
import { useMay } from "../api/me"
import type { AbTest } from "../api/schema"
import { ListPage, ListRow } from "../parts/ListPage"
import { ButtonLink, TextLink } from "../parts/links"
import { plural } from "../parts/numbers"
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
    <ListPage
      title="A/B tests"
      about="Part of the traffic goes to several models, and feedback finds the best."
      create={create}
      query={query}
      entries={({ ab_tests: tests }) => tests}
      empty={{
        icon: IconTestPipe,
        title: "No A/B test yet",
        ways: { Python: codeFor(useCase.key) },
        children:
          "A test needs two attached models and a feedback key that is linked to this use case. It tells how much feedback it will take, and ends by itself.",
      }}
    >
      {(test) => <Row key={test.id} test={test} />}
    </ListPage>
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
    <ListRow
      name={
        <TextLink
          to="/use_cases/$useCase/ab_tests/$abTest"
          params={{ useCase: test.use_case, abTest: test.key }}
          c="inherit"
          inherit
        >
          {test.key}
        </TextLink>
      }
      status={test.status}
      when={
        <>
          {plural(report.feedbacks, "feedback")} · begun <Time at={test.created_at} />
        </>
      }
    >
      <Text size="sm" mt={6} style={{ overflowWrap: "anywhere" }}>
        {report.summary}
      </Text>
      <Text size="xs" c="dimmed" mt={4} style={{ overflowWrap: "anywhere" }}>
        {test.models.join(" · ")} by {test.feedback_key}
      </Text>
      {isActive(test) && report.progress !== null && (
        <Progress mt="sm" size="sm" value={report.progress * 100} aria-label={`Progress of ${test.key}`} />
      )}
    </ListRow>
  )
}
