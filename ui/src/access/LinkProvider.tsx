// Links this account with that of the identity provider, which then signs in as the same user.
import { Button } from "@mantine/core"
import { IconLink } from "@tabler/icons-react"
import { api } from "../api/client"
import { currentKey } from "../api/session"
import { Section } from "../parts/Section"

export function LinkProvider() {
  const { data } = api.useQuery("get", "/api/v1/sign_ins/ways")
  // With a key in this tab, the browser itself need not be signed in as the same user.
  if (!data?.oidc || currentKey() !== null) return null
  const { name, path } = data.oidc
  return (
    <Section title={name} about={`Link this account with yours at ${name}, if both have the same email.`}>
      <Button
        component="a"
        variant="default"
        href={`${path}?next=/account`}
        leftSection={<IconLink size={18} />}
      >
        Sign in with {name}
      </Button>
    </Section>
  )
}
