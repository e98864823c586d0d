// The child of a training, and the way to attach it.
import { Button, Group, Paper, Text } from "@mantine/core"
import { IconSeedling } from "@tabler/icons-react"
import { api, refresh } from "../api/client"
import { useMay } from "../api/me"
import type { TrainingJob } from "../api/schema"
import { ButtonLink, TextLink } from "../parts/links"
import { done, failed } from "../parts/notify"
import { useUseCase } from "../use_cases/current"

export function Child({ job }: { job: TrainingJob }) {
  const useCase = useUseCase()
  const may = useMay()
  const attach = api.useMutation("post", "/api/v1/use_cases/{use_case}/models", {
    onSuccess: async () => {
      await refresh("/api/v1/use_cases", "/api/v1/models")
      done(`${job.output_model} is attached. Test it against its parent.`)
    },
    onError: failed,
  })
  const child = job.output_model
  if (!child) return null
  const isAttached = useCase.model_services.some(({ model }) => model.key === child)
  return (
    <Paper p="md">
      <Group justify="space-between">
        <Group gap="sm">
          <IconSeedling size={22} color="var(--mantine-color-leaf-6)" aria-hidden />
          <Text>
            Its child is{" "}
            <TextLink to="/models/$model" params={{ model: child }}>
              {child}
            </TextLink>
            {isAttached ? ", attached here." : ", not attached yet."}
          </Text>
        </Group>
        {!isAttached && may("model:attach", useCase) && (
          <Button
            loading={attach.isPending}
            onClick={() =>
              attach.mutate({ params: { path: { use_case: useCase.key } }, body: { model: child } })
            }
          >
            Attach it here
          </Button>
        )}
        {isAttached && may("ab_test:create", useCase) && (
          <ButtonLink variant="light" to="/use_cases/$useCase/new_ab_test" params={{ useCase: useCase.key }}>
            Test it against its parent
          </ButtonLink>
        )}
      </Group>
    </Paper>
  )
}
