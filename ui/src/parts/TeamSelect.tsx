// Asks for a team where there is a choice; the engine knows the only one.
import { Select, type SelectProps } from "@mantine/core"

export function TeamSelect({ teams, ...props }: { teams: string[] } & Omit<SelectProps, "data">) {
  if (teams.length < 2) return null
  return <Select label="Team" data={teams} allowDeselect={false} {...props} />
}
