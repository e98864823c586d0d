// The filters of the log as they stand in the URL, and as the API takes them.
import type { InteractionFilter, InteractionQuery } from "../api/schema"

export type Search = {
  models?: string[]
  since?: Since
  from?: number
  to?: number
  session?: string
  user?: string
  metric?: string
  op?: Op
  value?: number
  label?: string
  labelValue?: string
  test?: string
  prompt?: string
  source?: Source[]
  group?: "model" | "prompt"
  order?: OrderField
  up?: boolean
  id?: string
  live?: boolean
}
export type Op = "gte" | "lte" | "eq"
export type Since = "1h" | "24h" | "7d" | "30d"
export type Source = NonNullable<InteractionFilter["source"]>[number]
export type OrderField = NonNullable<InteractionQuery["order"]>[number]["field"]

export const SINCE: Record<Since, [string, number]> = {
  "1h": ["Last hour", 3_600_000],
  "24h": ["Last 24 hours", 86_400_000],
  "7d": ["Last 7 days", 7 * 86_400_000],
  "30d": ["Last 30 days", 30 * 86_400_000],
}
export const OPS: Record<Op, string> = { gte: "≥", lte: "≤", eq: "=" }
export const SOURCES: Source[] = ["LIVE", "OFFLINE", "AUTOMATION", "DATASET", "EVALUATION"]
export const ORDERS: Record<OrderField, string> = {
  created_at: "time",
  latency_ms: "latency",
  prompt_tokens: "tokens read",
  completion_tokens: "tokens written",
  cost_usd: "cost",
}

/** What a URL says, less what cannot be meant. */
export function readSearch(given: Record<string, unknown>): Search {
  const text = (name: string) =>
    typeof given[name] === "string" && given[name] ? (given[name] as string) : undefined
  const number = (name: string) => (typeof given[name] === "number" ? (given[name] as number) : undefined)
  const texts = (name: string) => {
    const list = Array.isArray(given[name]) ? given[name].filter((each) => typeof each === "string") : []
    return list.length ? (list as string[]) : undefined
  }
  const oneOf = <T extends string>(name: string, among: object) =>
    text(name) !== undefined && (text(name) as string) in among ? (text(name) as T) : undefined
  return {
    models: texts("models"),
    since: oneOf<Since>("since", SINCE),
    from: number("from"),
    to: number("to"),
    session: text("session"),
    user: text("user"),
    metric: text("metric"),
    op: oneOf<Op>("op", OPS),
    value: number("value"),
    label: text("label"),
    labelValue: text("labelValue"),
    test: text("test"),
    prompt: text("prompt"),
    source: texts("source")?.filter((each): each is Source => SOURCES.includes(each as Source)),
    group: oneOf<"model" | "prompt">("group", { model: 1, prompt: 1 }),
    order: oneOf<OrderField>("order", ORDERS),
    up: given.up === true ? true : undefined,
    id: text("id"),
    live: given.live === true ? true : undefined,
  }
}

/** The same for the API; `now` makes "last hour" a moment. */
export function filtersOf(search: Search, now: number): InteractionFilter {
  const from = search.from ?? (search.since ? now - SINCE[search.since][1] : null)
  const compared = search.value === undefined ? {} : { [search.op ?? "gte"]: search.value }
  return {
    models: search.models,
    timerange: from !== null || search.to !== undefined ? { from, to: search.to ?? null } : undefined,
    session_id: search.session,
    user_id: search.user,
    feedbacks: search.metric ? [{ metric: search.metric, ...compared }] : undefined,
    labels: search.label
      ? [{ key: search.label, value: search.labelValue ? [search.labelValue] : undefined }]
      : undefined,
    tags: search.test ? [search.test] : undefined,
    prompt_hash: search.prompt,
    source: search.source?.length ? search.source : undefined,
  }
}

export function isFiltered({ group: _g, order: _o, up: _u, id: _i, live: _l, ...filters }: Search): boolean {
  return Object.values(filters).some((each) => each !== undefined)
}

/** Filters that filter nothing. */
export const CLEARED = {
  models: undefined,
  since: undefined,
  from: undefined,
  to: undefined,
  session: undefined,
  user: undefined,
  metric: undefined,
  op: undefined,
  value: undefined,
  label: undefined,
  labelValue: undefined,
  test: undefined,
  prompt: undefined,
  source: undefined,
}
