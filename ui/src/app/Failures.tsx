// What is shown instead of a page: it is not there, or it broke.
import { Button, Group } from "@mantine/core"
import { IconCompassOff } from "@tabler/icons-react"
import { type ErrorComponentProps, useRouter } from "@tanstack/react-router"
import { Empty } from "../parts/Empty"
import { ButtonLink } from "../parts/links"
import { Page } from "../parts/Page"
import { Problem } from "../parts/Problem"

export function Lost() {
  return (
    <Page title="There is no such page">
      <Empty
        icon={IconCompassOff}
        title="Nothing is here"
        action={<ButtonLink to="/">Show my use cases</ButtonLink>}
      >
        The address may be mistyped, or what was here is gone.
      </Empty>
    </Page>
  )
}

export function Broken({ error, reset }: ErrorComponentProps) {
  const router = useRouter()
  const again = () => {
    reset()
    router.invalidate()
  }
  return (
    <Page title="This page broke">
      <Problem error={error} again={again} />
      <Group>
        <Button variant="default" onClick={() => location.reload()}>
          Load the page anew
        </Button>
      </Group>
    </Page>
  )
}
