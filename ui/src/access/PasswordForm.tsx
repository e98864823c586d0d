// Signing in with email and password. The engine answers with a cookie.
import { Button, PasswordInput, Stack, Text, TextInput } from "@mantine/core"
import { useForm } from "@mantine/form"
import { api } from "../api/client"
import { signedInByCookie } from "../api/session"
import { Problem } from "../parts/Problem"

export function PasswordForm({ onIn }: { onIn: () => Promise<void> }) {
  const form = useForm({ initialValues: { email: "", password: "" } })
  const signing = api.useMutation("post", "/api/v1/sign_ins", {
    onSuccess: async () => {
      signedInByCookie()
      await onIn()
    },
    onError: () => form.setFieldValue("password", ""),
  })
  return (
    <form onSubmit={form.onSubmit((body) => signing.mutate({ body }))}>
      <Stack>
        <TextInput
          label="Email"
          type="email"
          autoComplete="username"
          required
          autoFocus
          {...form.getInputProps("email")}
        />
        <PasswordInput
          label="Password"
          autoComplete="current-password"
          required
          {...form.getInputProps("password")}
        />
        {signing.error && <Problem error={signing.error} />}
        <Button type="submit" loading={signing.isPending}>
          Sign in
        </Button>
        <Text size="sm" c="dimmed">
          No password yet, or forgotten? Who manages your team can make a link that sets one.
        </Text>
      </Stack>
    </form>
  )
}
