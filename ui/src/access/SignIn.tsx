// The sign-in page: with an api key, checked before it is kept.
import { Button, Center, Paper, PasswordInput, Stack, Text, Title } from "@mantine/core"
import { useDocumentTitle } from "@mantine/hooks"
import { useNavigate, useSearch } from "@tanstack/react-router"
import { type FormEvent, useState } from "react"
import { http, queries } from "../api/client"
import { messageOf } from "../api/problem"
import { signIn, signOut } from "../api/session"
import { Logo } from "../app/Logo"
import { Snippet } from "../parts/Snippet"

export function SignIn() {
  useDocumentTitle("Sign in · Tropism")
  const { next } = useSearch({ from: "/sign-in" })
  const navigate = useNavigate()
  const [key, setKey] = useState("")
  const [problem, setProblem] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)

  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    signIn(key.trim())
    try {
      await http.GET("/api/v1/users/me")
      queries.clear()
      await navigate({ href: next ?? "/" })
    } catch (error) {
      signOut()
      setProblem(messageOf(error))
    } finally {
      setBusy(false)
    }
  }

  return (
    <Center mih="100dvh" p="md" component="main">
      <Paper p={{ base: "lg", sm: 36 }} w="100%" maw={440} shadow="md">
        <form onSubmit={submit}>
          <Stack>
            <Logo size={34} />
            <div>
              <Title order={1} fz={22}>
                Sign in
              </Title>
              <Text c="dimmed" size="sm" mt={4}>
                With an api key of this engine. It is kept in this tab only, until you close it.
              </Text>
            </div>
            <PasswordInput
              label="Api key"
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
      </Paper>
    </Center>
  )
}
