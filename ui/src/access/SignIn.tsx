// The sign-in page: with an identity provider if the engine has one, with a password, or with an api key.
import { Alert, Button, Divider, SegmentedControl } from "@mantine/core"
import { useLocalStorage } from "@mantine/hooks"
import { IconAlertTriangle, IconLogin2 } from "@tabler/icons-react"
import { useNavigate, useSearch } from "@tanstack/react-router"
import { api, queries } from "../api/client"
import { Entrance } from "./Entrance"
import { KeyForm } from "./KeyForm"
import { PasswordForm } from "./PasswordForm"
import { reasonOf } from "./reasons"

const WAYS = [
  { value: "password", label: "With a password" },
  { value: "key", label: "With an api key" },
]

export function SignIn() {
  const { next = "/", error } = useSearch({ from: "/sign-in" })
  const navigate = useNavigate()
  const [way, choose] = useLocalStorage({
    key: "tropism.way",
    defaultValue: "password",
    getInitialValueInEffect: false,
  })
  const { data: ways } = api.useQuery("get", "/api/v1/sign_ins/ways")
  const go = async () => {
    queries.clear()
    await navigate({ href: next })
  }
  return (
    <Entrance title="Sign in">
      {error && (
        <Alert
          role="alert"
          color="red"
          variant="light"
          icon={<IconAlertTriangle />}
          title="You are not signed in"
        >
          {reasonOf(error, ways?.oidc?.name ?? "the identity provider")}
        </Alert>
      )}
      {ways?.oidc && (
        <>
          <Button
            component="a"
            href={`${ways.oidc.path}?next=${encodeURIComponent(next)}`}
            leftSection={<IconLogin2 size={18} />}
          >
            Sign in with {ways.oidc.name}
          </Button>
          <Divider label="or" />
        </>
      )}
      <SegmentedControl aria-label="How" data={WAYS} value={way} onChange={choose} />
      {way === "key" ? <KeyForm onIn={go} /> : <PasswordForm onIn={go} />}
    </Entrance>
  )
}
