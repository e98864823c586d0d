// The form that changes one's password.
import { Button, Group, PasswordInput, Stack } from "@mantine/core"
import { useForm } from "@mantine/form"
import { api, refresh } from "../api/client"
import { ApiProblem } from "../api/problem"
import { done } from "../parts/notify"
import { Problem } from "../parts/Problem"
import { Section } from "../parts/Section"
import { AT_LEAST } from "./passwords"

export function ChangePassword() {
  const form = useForm({ initialValues: { password: "", new_password: "" } })
  const change = api.useMutation("post", "/api/v1/users/me/password", {
    onSuccess: async () => {
      form.reset()
      await refresh("/api/v1/sign_ins")
      done("The password is changed.")
    },
  })
  const problem = change.error as unknown
  const field = problem instanceof ApiProblem ? problem.param : null
  const of = (name: string) => (field === name ? (problem as ApiProblem).message : null)
  return (
    <Section title="Password" about="Changing it signs you out in every other browser.">
      <form onSubmit={form.onSubmit((body) => change.mutate({ body }))}>
        <Stack maw={440}>
          <PasswordInput
            label="Present password"
            autoComplete="current-password"
            required
            {...form.getInputProps("password")}
            error={of("password")}
          />
          <PasswordInput
            label="New password"
            description={AT_LEAST}
            autoComplete="new-password"
            required
            {...form.getInputProps("new_password")}
            error={of("new_password")}
          />
          {problem !== null && field === null && <Problem error={problem} />}
          <Group>
            <Button type="submit" loading={change.isPending}>
              Change the password
            </Button>
          </Group>
        </Stack>
      </form>
    </Section>
  )
}
