// Signing in with an api key, checked before it is kept.
import { Button, PasswordInput, Stack, Text } from "@mantine/core"
import { type FormEvent, useState } from "react"
import { http } from "../api/client"
import { messageOf } from "../api/problem"
import { forget, signIn } from "../api/session"
import { Snippet } from "../parts/Snippet"

export function KeyForm({ onIn }: { onIn: () => Promise<void> }) {
  const [key, setKey] = useState("")
  const [problem, setProblem] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    signIn(key.trim())
    try {
      await http.GET("/api/v1/users/me")
      await onIn()
    } catch (error) {
      forget()
      setProblem(messageOf(error))
    } finally {
      setBusy(false)
    }
  }

  return (
    <form onSubmit={submit}>
      <Stack>
        <PasswordInput
          label="Api key"
          description="It is kept in this tab only, until you close it."
          placeholder="tk_…"
          value={key}
          onChange={(event) => setKey(event.currentTarget.value)}
          error={problem}
          autoFocus
          required
          autoComplete="off"
        />
        <Button type="submit" loading={busy} disabled={!key.trim()}>
          Sign in
        </Button>
        <Text size="sm" c="dimmed">
          The first start of an engine prints the admin’s key, and keeps it in its data directory:
        </Text>
        <Snippet ways={{ sh: "cat .tropism/admin.key" }} label="Where the key is" />
      </Stack>
    </form>
  )
}
