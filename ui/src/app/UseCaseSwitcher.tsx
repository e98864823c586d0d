// Which use case one looks at; changing it keeps the kind of page.
import { Select } from "@mantine/core"
import { useLocation, useNavigate, useParams } from "@tanstack/react-router"
import { api } from "../api/client"

export function UseCaseSwitcher() {
  const { data } = api.useQuery("get", "/api/v1/use_cases")
  const { useCase } = useParams({ strict: false })
  const page = useLocation({ select: ({ pathname }) => pathname.split("/")[3] })
  const navigate = useNavigate()
  const choose = (key: string | null) => {
    if (key) navigate({ href: `/use_cases/${encodeURIComponent(key)}${page ? `/${page}` : ""}` })
  }
  return (
    <Select
      aria-label="Use case"
      placeholder="Choose a use case"
      data={(data?.use_cases ?? []).map(({ key, name }) => ({ value: key, label: name }))}
      value={useCase ?? null}
      onChange={choose}
      searchable
      allowDeselect={false}
      nothingFoundMessage="No such use case"
      comboboxProps={{ shadow: "md" }}
    />
  )
}
