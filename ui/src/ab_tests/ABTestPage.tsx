// One A/B test: what is known, how it came to be, and what can be done.
import { Alert, Button, Group, List, Menu, Progress, SimpleGrid, Stack, Text } from "@mantine/core"
import { IconAlertTriangle, IconChevronDown, IconTrophy } from "@tabler/icons-react"
import { useParams } from "@tanstack/react-router"
import { api, refresh } from "../api/client"
import { useMay } from "../api/me"
import type { AbTest } from "../api/schema"
import { confirm } from "../parts/confirm"
import { Loaded } from "../parts/Loaded"
import { done, failed } from "../parts/notify"
import { count, figure, money, percent } from "../parts/numbers"
import { Page } from "../parts/Page"
import { Section } from "../parts/Section"
import { Stat } from "../parts/Stat"
import { Status } from "../parts/Status"
import { Time } from "../parts/time"
import { useUseCase } from "../use_cases/current"
import { isActive, measured, restsOn } from "./figures"
import { Guardrails } from "./Guardrails"
import { History } from "./History"
import { Differences, Split, Variants } from "./Variants"

const LOOK_MS = 5000

export function ABTestPage() {
  const { abTest } = useParams({ from: "/signed_in/use_cases/$useCase/ab_tests/$abTest" })
  const query = api.useQuery(
    "get",
    "/api/v1/ab_tests/{ab_test}",
    { params: { path: { ab_test: abTest } } },
    { refetchInterval: ({ state }) => (state.data && isActive(state.data) ? LOOK_MS : false) },
  )
  const test = query.data
  return (
    <Page
      title={abTest}
      about={test && <About test={test} />}
      actions={
        test && (
          <>
            <Promote test={test} />
            <Cancel test={test} />
          </>
        )
      }
    >
      <Loaded query={query}>{(found) => <Report test={found} />}</Loaded>
    </Page>
  )
}

function About({ test }: { test: AbTest }) {
  const useCase = useUseCase()
  return (
    <>
      {measured(useCase, test)}. Begun <Time at={test.created_at} />
      {test.report.end_date ? (
        <>
          , ended <Time at={test.report.end_date} />.
        </>
      ) : (
        <>
          , ends at the latest <Time at={test.expires_at} />.
        </>
      )}
    </>
  )
}

function Report({ test }: { test: AbTest }) {
  const { report } = test
  return (
    <>
      <Section title="What is known" actions={<Status of={test.status} />}>
        <Stack gap="sm">
          <Text style={{ overflowWrap: "anywhere" }}>{report.summary}</Text>
          {isActive(test) && report.progress !== null && (
            <Progress value={report.progress * 100} aria-label="Feedback so far, of the most that is taken" />
          )}
          <Alarms test={test} />
        </Stack>
      </Section>
      <SimpleGrid cols={{ base: 2, md: 4 }}>
        <Stat
          label="Feedback"
          value={count(report.feedbacks)}
          note={`at most ${count(test.max_feedbacks)} each`}
        />
        <Stat label="p-value" value={figure(report.p_value)} note="0.05 or less is a winner" />
        <Stat
          label="Traffic in the test"
          value={percent(test.traffic_split)}
          note="the rest goes to the default"
        />
        <Stat
          label="When there is a winner"
          value={test.auto_deploy ? "Deploy it" : "Tell me"}
          note={test.min_effect ? `worth knowing: ${figure(test.min_effect)}` : "whatever the difference"}
        />
      </SimpleGrid>
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="lg">
        <Variants test={test} />
        <Differences test={test} />
      </SimpleGrid>
      <History test={test} />
      <Split test={test} />
      <Guardrails test={test} />
      {test.shadow > 0 && <Shadow test={test} />}
      {report.assumptions.length > 0 && (
        <Section title="What the figures rest on">
          <List size="sm">
            {report.assumptions.map((each) => (
              <List.Item key={each}>{restsOn(each)}</List.Item>
            ))}
          </List>
        </Section>
      )}
    </>
  )
}

function Alarms({ test: { report } }: { test: AbTest }) {
  return (
    <>
      {report.sample_ratio.alarm && (
        <Alert color="red" icon={<IconAlertTriangle />} title="The variants did not get their shares">
          Something sorts the users, so the figures compare unlike groups. Find the cause outside of the test,
          such as a retry that loses the user, and start again.
        </Alert>
      )}
      {report.feedback_ratio?.alarm && (
        <Alert color="yellow" icon={<IconAlertTriangle />} title="Some users answer less often">
          The users of some variant give less feedback than they should, or later. Those who are silent may be
          unlike the others.
        </Alert>
      )}
    </>
  )
}

function Shadow({ test: { report, shadow } }: { test: AbTest }) {
  const { completions, prompt_tokens, completion_tokens, cost_usd } = report.shadow
  return (
    <Section
      title="Answers in the background"
      about={`${percent(shadow)} of answers get a second one to compare.`}
    >
      <Text size="sm">
        {count(completions)} answers, {count(prompt_tokens)} tokens read, {count(completion_tokens)} written,{" "}
        {money(cost_usd)}
      </Text>
    </Section>
  )
}

function Cancel({ test }: { test: AbTest }) {
  const may = useMay()
  const useCase = useUseCase()
  const cancel = api.useMutation("post", "/api/v1/ab_tests/{ab_test}/cancel", {
    onSuccess: () => refresh("/api/v1/ab_tests"),
    onError: failed,
  })
  if (!isActive(test) || !may("ab_test:cancel", useCase)) return null
  const ask = () =>
    confirm(
      `Cancel ${test.key}?`,
      "All traffic goes to the default again. The figures of this moment are kept; the test cannot go on.",
      "Cancel the test",
      () => cancel.mutate({ params: { path: { ab_test: test.key } } }),
    )
  return (
    <Button variant="default" onClick={ask} loading={cancel.isPending}>
      Cancel test
    </Button>
  )
}

function Promote({ test }: { test: AbTest }) {
  const may = useMay()
  const useCase = useUseCase()
  const change = api.useMutation("patch", "/api/v1/use_cases/{use_case}/models/{model}", {
    onSuccess: async (service) => {
      await refresh("/api/v1/use_cases")
      done(`${service.model.key} is the default now.`)
    },
    onError: failed,
  })
  const promote = (model: string) =>
    change.mutate({ params: { path: { use_case: useCase.key, model } }, body: { is_default: true } })
  const services = useCase.model_services.filter(({ model }) => test.models.includes(model.key))
  const others = services.filter(({ is_default }) => !is_default).map(({ model }) => model.key)
  if (!may("model:attach", useCase) || others.length === 0) return null
  const winner = others.find((key) => key === test.report.winner)
  return (
    <Group gap="xs">
      {winner && (
        <Button
          leftSection={<IconTrophy size={18} />}
          onClick={() => promote(winner)}
          loading={change.isPending}
        >
          Make {winner} the default
        </Button>
      )}
      {(!winner || others.length > 1) && (
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" rightSection={<IconChevronDown size={16} />} loading={change.isPending}>
              Make default
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {others.map((key) => (
              <Menu.Item key={key} onClick={() => promote(key)}>
                {key}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
    </Group>
  )
}
