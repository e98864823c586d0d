// The datasets of a use case, and the ways to make one.
import { Button, Card, Group, SimpleGrid, Text, Title } from "@mantine/core"
import { IconDatabase, IconFilter, IconUpload } from "@tabler/icons-react"
import { api } from "../api/client"
import { useMay } from "../api/me"
import type { Dataset } from "../api/schema"
import { Empty } from "../parts/Empty"
import { Loaded } from "../parts/Loaded"
import { TextLink } from "../parts/links"
import { bytes, plural } from "../parts/numbers"
import { Page } from "../parts/Page"
import { Time } from "../parts/time"
import { useUseCase } from "../use_cases/current"
import { kindOf, sourceOf } from "./kinds"
import { openKeep, openUpload } from "./make"

export function Datasets() {
  const useCase = useUseCase()
  const may = useMay()
  const params = { path: { use_case: useCase.key } }
  const query = api.useQuery("get", "/api/v1/use_cases/{use_case}/datasets", { params })
  const make = may("dataset:create", useCase) && (
    <Group gap="xs" justify="center">
      <Button variant="default" leftSection={<IconFilter size={16} />} onClick={() => openKeep(useCase)}>
        Make from interactions
      </Button>
      <Button leftSection={<IconUpload size={16} />} onClick={() => openUpload(useCase.key)}>
        Upload a file
      </Button>
    </Group>
  )
  return (
    <Page
      title="Datasets"
      about="Prompts, answers or preferences that are kept as they were, to evaluate and train with."
      actions={make}
    >
      <Loaded query={query}>
        {({ datasets }) =>
          datasets.length === 0 ? (
            <Empty icon={IconDatabase} title="No dataset yet" action={make} ways={codeFor(useCase.key)}>
              Upload a file with one JSON object a line, or keep what was logged here.
            </Empty>
          ) : (
            <SimpleGrid cols={{ base: 1, sm: 2, xl: 3 }}>
              {datasets.map((dataset) => (
                <DatasetCard key={dataset.id} dataset={dataset} />
              ))}
            </SimpleGrid>
          )
        }
      </Loaded>
    </Page>
  )
}

function codeFor(useCase: string): Record<string, string> {
  return {
    Python: `client.datasets.upload("questions.jsonl", "questions", use_case="${useCase}")`,
    "A line": `{"messages": [{"role": "user", "content": "Where is my parcel?"}], "completion": "On its way."}`,
  }
}

function DatasetCard({ dataset }: { dataset: Dataset }) {
  return (
    <Card>
      <TextLink
        to="/use_cases/$useCase/datasets/$dataset"
        params={{ useCase: dataset.use_case, dataset: dataset.key }}
        c="inherit"
      >
        <Title order={2} fz={16} style={{ overflowWrap: "anywhere" }}>
          {dataset.name}
        </Title>
      </TextLink>
      <Text size="sm" mt={4}>
        {plural(dataset.lines, "line")} of {kindOf(dataset)}
      </Text>
      <Text size="xs" c="dimmed" mt="xs">
        {bytes(dataset.bytes)} from {sourceOf(dataset)}, <Time at={dataset.created_at} />
      </Text>
    </Card>
  )
}
