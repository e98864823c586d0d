// What the navigation offers: each page with its name, its sign, and the permission without which it is not shown.
import {
  type Icon,
  IconBook2,
  IconChartHistogram,
  IconChecks,
  IconCpu,
  IconDatabase,
  IconFlask2,
  IconGavel,
  IconKey,
  IconLayoutGrid,
  IconLock,
  IconMessages,
  IconSchool,
  IconServer,
  IconServer2,
  IconShieldCheck,
  IconStack2,
  IconTestPipe,
  IconThumbUp,
  IconUser,
  IconUsers,
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
  { to: "/use_cases/$useCase/ab_tests", label: "A/B tests", icon: IconTestPipe, needs: "ab_test:read" },
  { to: "/use_cases/$useCase/evaluations", label: "Evaluations", icon: IconGavel, needs: "evaluation:read" },
  { to: "/use_cases/$useCase/datasets", label: "Datasets", icon: IconDatabase, needs: "dataset:read" },
  { to: "/use_cases/$useCase/training", label: "Training", icon: IconSchool, needs: "training:read" },
]

/** Pages of the whole engine. */
export const ENGINE_PAGES: PageLink[] = [
  { to: "/", label: "Use cases", icon: IconLayoutGrid, needs: "use_case:read", exact: true },
  { to: "/models", label: "Models", icon: IconCpu, needs: "model:read" },
  { to: "/reward_servers", label: "Reward servers", icon: IconServer, needs: "reward_server:read" },
  { to: "/jobs", label: "Jobs", icon: IconStack2, needs: "job:read" },
  { to: "/compute_pools", label: "Compute pools", icon: IconServer2, needs: "compute_pool:read" },
  { to: "/admin/users", label: "Users", icon: IconUser, needs: "user:read" },
  { to: "/admin/teams", label: "Teams", icon: IconUsers, needs: "team:read" },
  { to: "/admin/roles", label: "Roles", icon: IconLock, needs: "role:read" },
  { to: "/admin/api_keys", label: "Api keys", icon: IconKey, needs: "api_key:read" },
  { to: "/audit", label: "Audit", icon: IconShieldCheck, needs: "audit:read" },
]

export const API_REFERENCE = { href: "/docs", label: "API reference", icon: IconBook2 }
