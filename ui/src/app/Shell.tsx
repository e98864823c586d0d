// The frame around every page: navigation at the left, on a phone behind a button.
import { AppShell, Burger, Group } from "@mantine/core"
import { useDisclosure } from "@mantine/hooks"
import { Outlet, useLocation } from "@tanstack/react-router"
import { lazy, Suspense, useEffect } from "react"
import { ConnectionBanner } from "./ConnectionBanner"
import { Logo } from "./Logo"
import { Navigation } from "./Navigation"
import { SearchButton } from "./SearchButton"
import { Shortcuts } from "./Shortcuts"

const Search = lazy(() => import("./Search").then(({ Search }) => ({ default: Search })))

export function Shell() {
  const [opened, { toggle, close }] = useDisclosure()
  const path = useLocation({ select: (location) => location.pathname })
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new page closes the menu
  useEffect(close, [path])
  return (
    <AppShell
      header={{ height: { base: 56, md: 0 } }}
      navbar={{ width: 248, breakpoint: "md", collapsed: { mobile: !opened } }}
    >
      <a className="skip-link" href="#content">
        Skip to the content
      </a>
      <AppShell.Header hiddenFrom="md" className="card-line" bg="var(--card)">
        <Group h="100%" px="md" justify="space-between">
          <Group gap="sm">
            <Burger
              opened={opened}
              onClick={toggle}
              size="sm"
              aria-label="Navigation"
              aria-expanded={opened}
            />
            <Logo />
          </Group>
          <SearchButton small />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className="card-line" bg="var(--card)">
        <Navigation />
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1} style={{ outline: "none" }}>
        <ConnectionBanner />
        <Outlet />
      </AppShell.Main>
      <Suspense>
        <Search />
      </Suspense>
      <Shortcuts />
    </AppShell>
  )
}
