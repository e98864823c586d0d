// Where the link of an invitation leads: a new password, and in.
import { Button, PasswordInput, Stack } from "@mantine/core"
import { useForm } from "@mantine/form"
import { useNavigate } from "@tanstack/react-router"
import { useState } from "react"
import { http, queries } from "../api/client"
import { ApiProblem } from "../api/problem"
import { signedInByCookie } from "../api/session"
import { ButtonLink } from "../parts/links"
import { Problem } from "../parts/Problem"
import { Entrance } from "./Entrance"
import { AT_LEAST } from "./passwords"

export function SetPassword() {
  const [token] = useState(() => new URLSearchParams(location.hash.slice(1)).get("token"))
  if (!token)
    return (
      <Entrance title="This link is not whole" about="Open it as you got it, with all that follows the #.">
        <ButtonLink to="/sign-in">Sign in</ButtonLink>
      </Entrance>
    )
  return (
    <Entrance title="Choose your password" about="The link is good for one. Then you are signed in.">
      <NewPassword token={token} />
    </Entrance>
  )
}

function NewPassword({ token }: { token: string }) {
  const navigate = useNavigate()
  const form = useForm({ initialValues: { password: "" } })
  const [problem, setProblem] = useState<unknown>(null)
  const [busy, setBusy] = useState(false)
  const submit = form.onSubmit(async ({ password }) => {
    setBusy(true)
    setProblem(null)
    try {
      const { data } = await http.POST("/api/v1/passwords", { body: { token, password } })
      await http.POST("/api/v1/sign_ins", { body: { email: data?.email ?? "", password } })
      signedInByCookie()
      queries.clear()
      await navigate({ to: "/", replace: true })
    } catch (error) {
      const about = error instanceof ApiProblem && error.param === "password"
      about ? form.setFieldError("password", error.message) : setProblem(error)
    } finally {
      setBusy(false)
    }
  })
  return (
    <form onSubmit={submit}>
      <Stack>
        <PasswordInput
          label="New password"
          description={AT_LEAST}
          autoComplete="new-password"
          required
          autoFocus
          {...form.getInputProps("password")}
        />
        {problem !== null && <Problem error={problem} />}
        <Button type="submit" loading={busy}>
          Set the password and sign in
        </Button>
      </Stack>
    </form>
  )
}
