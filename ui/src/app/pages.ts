// What the navigation offers: each page with its name, its sign, and the permission without which it is not shown.
import {
  type Icon,
  IconBook2,
  IconChartHistogram,
  IconChecks,
  IconFlask2,
  IconLayoutGrid,
  IconMessages,
  IconThumbUp,
} from "@tabler/icons-react"
import type { LinkProps } from "@tanstack/react-router"
import type { Permission } from "../api/me"

export type PageLink = {
  to: LinkProps["to"]
  label: string
  icon: Icon
  needs: Permission
  /** Only this path itself is the page, not those below it. */
  exact?: boolean
}

/** Pages of one use case. */
export const USE_CASE_PAGES: PageLink[] = [
  {
    to: "/use_cases/$useCase",
    label: "Overview",
    icon: IconChartHistogram,
    needs: "use_case:read",
    exact: true,
  },
  {
    to: "/use_cases/$useCase/interactions",
    label: "Interactions",
    icon: IconMessages,
    needs: "interaction:read",
  },
  {
    to: "/use_cases/$useCase/feedback",
    label: "Feedback keys",
    icon: IconThumbUp,
    needs: "feedback_key:read",
  },
  { to: "/use_cases/$useCase/annotate", label: "Annotate", icon: IconChecks, needs: "feedback:create" },
  { to: "/use_cases/$useCase/playground", label: "Playground", icon: IconFlask2, needs: "chat:create" },
]

/** Pages of the whole engine. */
export const ENGINE_PAGES: PageLink[] = [
  { to: "/", label: "Use cases", icon: IconLayoutGrid, needs: "use_case:read", exact: true },
]

export const API_REFERENCE = { href: "/docs", label: "API reference", icon: IconBook2 }
