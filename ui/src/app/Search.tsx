// Go anywhere by typing: finds pages and use cases. Its key is one of the shell's, which hears it before this is loaded.
import "@mantine/spotlight/styles.css"
import { Spotlight, type SpotlightActionData } from "@mantine/spotlight"
import { IconFolder, IconSearch } from "@tabler/icons-react"
import { useNavigate, useParams } from "@tanstack/react-router"
import { api } from "../api/client"
import { useMay } from "../api/me"
import { ENGINE_PAGES, USE_CASE_PAGES } from "./pages"

export function Search() {
  const actions = useActions()
  return (
    <Spotlight
      actions={actions}
      shortcut={null}
      limit={12}
      highlightQuery
      nothingFound="Nothing is called so"
      searchProps={{ leftSection: <IconSearch size={18} />, placeholder: "Go to…", "aria-label": "Go to" }}
    />
  )
}

function useActions(): SpotlightActionData[] {
  const navigate = useNavigate()
  const may = useMay()
  const { useCase } = useParams({ strict: false })
  const { data } = api.useQuery("get", "/api/v1/use_cases")
  const here = data?.use_cases.find(({ key }) => key === useCase)
  const ofUseCase = here ? USE_CASE_PAGES.filter(({ needs }) => may(needs, here)) : []
  const ofEngine = ENGINE_PAGES.filter(({ needs }) => may(needs))
  const pages = [
    ...ofUseCase.map((page) => ({ page, description: here?.name ?? "" })),
    ...ofEngine.map((page) => ({ page, description: "Engine" })),
  ]
  return [
    ...pages.map(({ page, description }) => ({
      id: `${page.label} ${description}`,
      label: page.label,
      description,
      leftSection: <page.icon size={18} stroke={1.7} />,
      onClick: () => navigate({ to: page.to, params: { useCase: here?.key ?? "" } } as never),
    })),
    ...(data?.use_cases ?? []).map(({ key, name, description }) => ({
      id: key,
      label: name,
      description: description ?? "Use case",
      keywords: key,
      leftSection: <IconFolder size={18} stroke={1.7} />,
      onClick: () => navigate({ to: "/use_cases/$useCase", params: { useCase: key } }),
    })),
  ]
}
