// Where one can go: the pages of the chosen use case, those of the engine, and one's own corner.
import { AppShell, Box, NavLink, ScrollArea, Stack, Text } from "@mantine/core"
import { Link, useParams } from "@tanstack/react-router"
import { api } from "../api/client"
import { useMay } from "../api/me"
import { Logo } from "./Logo"
import { API_REFERENCE, ENGINE_PAGES, type PageLink, USE_CASE_PAGES } from "./pages"
import { SearchButton } from "./SearchButton"
import { UseCaseSwitcher } from "./UseCaseSwitcher"
import { You } from "./You"

export function Navigation() {
  return (
    <>
      <AppShell.Section p="md" pb="xs">
        <Box visibleFrom="md" mb="md">
          <Logo />
        </Box>
        <Stack gap="xs">
          <UseCaseSwitcher />
          <Box visibleFrom="md">
            <SearchButton />
          </Box>
        </Stack>
      </AppShell.Section>
      <AppShell.Section grow component={ScrollArea} px="sm">
        <nav aria-label="Pages">
          <OfUseCase />
          <Heading>Engine</Heading>
          <Links pages={ENGINE_PAGES} />
          <NavLink
            component="a"
            href={API_REFERENCE.href}
            target="_blank"
            label={API_REFERENCE.label}
            leftSection={<API_REFERENCE.icon size={18} stroke={1.7} />}
            style={ROUND}
          />
        </nav>
      </AppShell.Section>
      <AppShell.Section p="sm" style={{ borderTop: "1px solid var(--line)" }}>
        <You />
      </AppShell.Section>
    </>
  )
}

const ROUND = { borderRadius: 8 }

function OfUseCase() {
  const { useCase } = useParams({ strict: false })
  const { data } = api.useQuery("get", "/api/v1/use_cases")
  const here = data?.use_cases.find((each) => each.key === useCase)
  if (!useCase) return null
  return (
    <>
      <Heading>{here?.name ?? useCase}</Heading>
      <Links pages={USE_CASE_PAGES} where={here ?? undefined} useCase={useCase} />
    </>
  )
}

type LinksProps = { pages: PageLink[]; useCase?: string; where?: { key: string; team: string } }

function Links({ pages, useCase, where }: LinksProps) {
  const may = useMay()
  return pages
    .filter((page) => may(page.needs, where))
    .map((page) => (
      <NavLink
        key={page.label}
        renderRoot={({ className, style, children }) => (
          <Link
            to={page.to}
            params={(useCase ? { useCase } : {}) as never}
            activeOptions={{ exact: page.exact ?? false, includeSearch: false }}
            className={className}
            activeProps={{ "data-active": "true", "aria-current": "page" } as object}
            style={style}
          >
            {children}
          </Link>
        )}
        label={page.label}
        leftSection={<page.icon size={18} stroke={1.7} />}
        style={ROUND}
      />
    ))
}

function Heading({ children }: { children: string }) {
  return (
    <Text size="xs" fw={600} c="dimmed" px="sm" pt="md" pb={6} className="clip">
      {children}
    </Text>
  )
}
