// Says that the engine is away, for as long as it is.
import { Alert } from "@mantine/core"
import { IconPlugConnectedX } from "@tabler/icons-react"
import { useConnected } from "../api/connection"
import { unreachable } from "../api/problem"

export function ConnectionBanner() {
  if (useConnected()) return null
  return (
    <Alert role="alert" color="yellow" icon={<IconPlugConnectedX />} radius={0} py="xs">
      {unreachable().message}
    </Alert>
  )
}
