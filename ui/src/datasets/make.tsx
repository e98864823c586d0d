// The ways to make a dataset: a file with its progress, or interactions by a filter.
import {
  Button,
  FileInput,
  Group,
  MultiSelect,
  NumberInput,
  Progress,
  Select,
  Stack,
  Text,
  TextInput,
} from "@mantine/core"
import { useForm } from "@mantine/form"
import { modals } from "@mantine/modals"
import { useState } from "react"
import { http, refresh } from "../api/client"
import type { Dataset, DatasetFromInteractions, UseCase } from "../api/schema"
import { keyFrom } from "../parts/keys"
import { done } from "../parts/notify"
import { exact } from "../parts/numbers"
import { Problem } from "../parts/Problem"
import { upload } from "./upload"

const FORM = "new-dataset"
const LOOK_MS = 700

export function openUpload(useCase: string): void {
  modals.open({ modalId: FORM, title: "Upload a dataset", children: <Upload useCase={useCase} /> })
}

export function openKeep(useCase: UseCase): void {
  modals.open({
    modalId: FORM,
    title: "Make a dataset from interactions",
    children: <Keep useCase={useCase} />,
  })
}

type Working = { what: string; share: number } | null

/** Run what makes a dataset: how far it is, what went wrong, and close the form when it is there. */
function useMaking() {
  const [working, setWorking] = useState<Working>(null)
  const [problem, setProblem] = useState<unknown>(null)
  const make = async (work: (tell: (what: string, share: number) => void) => Promise<Dataset>) => {
    setProblem(null)
    setWorking({ what: "Beginning", share: 0 })
    try {
      const dataset = await work((what, share) => setWorking({ what, share }))
      await refresh("/api/v1/use_cases/{use_case}/datasets")
      done(`${dataset.name} is there: ${exact(dataset.lines)} lines.`)
      modals.close(FORM)
    } catch (error) {
      setProblem(error)
    } finally {
      setWorking(null)
    }
  }
  return { working, problem, make }
}

function How({ working, problem }: { working: Working; problem: unknown }) {
  return (
    <>
      {working && (
        <div>
          <Text size="sm" role="status">
            {working.what}
          </Text>
          <Progress value={working.share * 100} animated mt={4} aria-label={working.what} />
        </div>
      )}
      {problem ? <Problem error={problem} /> : null}
    </>
  )
}

function Upload({ useCase }: { useCase: string }) {
  const [file, setFile] = useState<File | null>(null)
  const [key, setKey] = useState("")
  const { working, problem, make } = useMaking()
  const named = key || keyFrom((file?.name ?? "").replace(/\.\w+$/, ""))
  const submit = () => file && make((tell) => upload(useCase, named, file, tell))
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <Stack>
        <FileInput
          label="File"
          description="One JSON object a line."
          placeholder="questions.jsonl"
          accept=".jsonl,.ndjson,.json,.txt"
          value={file}
          onChange={setFile}
        />
        <TextInput
          label="Key"
          description="What code calls it. It stays."
          placeholder={named || "questions"}
          value={key}
          onChange={(event) => setKey(event.currentTarget.value)}
        />
        <How working={working} problem={problem} />
        <Group justify="flex-end">
          <Button type="submit" disabled={!file || !named} loading={working !== null}>
            Upload
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function Keep({ useCase }: { useCase: UseCase }) {
  const form = useForm({
    initialValues: {
      key: "",
      models: [] as string[],
      feedback_key: null as string | null,
      from: "" as number | string,
      to: "" as number | string,
      preferences: null as string | null,
    },
  })
  const { working, problem, make } = useMaking()
  const keys = useCase.feedback_keys.map(({ key }) => key)
  const submit = form.onSubmit(({ key, models, feedback_key, from, to, preferences }) => {
    const bound = (value: number | string) => (value === "" ? null : Number(value))
    const feedbacks = feedback_key ? [{ metric: feedback_key, gte: bound(from), lte: bound(to) }] : null
    const filters = { models: models.length ? models : null, feedbacks }
    make(() => keep(useCase.key, { key, preferences, filters }))
  })
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="Key"
          placeholder="good-answers"
          required
          data-autofocus
          {...form.getInputProps("key")}
        />
        <MultiSelect
          searchable
          label="Answers of"
          placeholder={form.values.models.length ? undefined : "all models"}
          data={useCase.model_services.map(({ model }) => model.key)}
          {...form.getInputProps("models")}
        />
        <Select
          label="With feedback of"
          placeholder="any"
          data={keys}
          clearable
          {...form.getInputProps("feedback_key")}
        />
        {form.values.feedback_key && (
          <Group grow>
            <NumberInput label="At least" placeholder="any" {...form.getInputProps("from")} />
            <NumberInput label="At most" placeholder="any" {...form.getInputProps("to")} />
          </Group>
        )}
        <Select
          label="Pairs that were compared under"
          description="Makes a dataset of preferences."
          placeholder="no pairs"
          data={keys}
          clearable
          {...form.getInputProps("preferences")}
        />
        <How working={working} problem={problem} />
        <Group justify="flex-end">
          <Button type="submit" loading={working !== null}>
            Make it
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

type Wanted = Omit<DatasetFromInteractions, "use_case">

async function keep(useCase: string, wanted: Wanted): Promise<Dataset> {
  for (;;) {
    const answer = await http.POST("/api/v1/use_cases/{use_case}/datasets/from_interactions", {
      params: { path: { use_case: useCase } },
      body: wanted,
    })
    const { dataset } = answer.data as NonNullable<typeof answer.data>
    if (dataset) return dataset
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
