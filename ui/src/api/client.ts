// The API, typed by openapi.json: `api` for hooks of TanStack Query, `http` for a single call. Failures are ApiProblems.
import { QueryClient } from "@tanstack/react-query"
import createFetchClient, { type Middleware } from "openapi-fetch"
import createHooks from "openapi-react-query"
import { answered, lost, whenItReturns } from "./connection"
import { ApiProblem, problemOf, UNREACHABLE, unreachable } from "./problem"
import type { paths } from "./schema"
import { forget, headers } from "./session"

const edge: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(headers())) request.headers.set(name, value)
  },
  async onResponse({ response }) {
    answered()
    if (response.ok) return
    const problem = await problemOf(response)
    if (problem.status === 401) forget()
    throw problem
  },
  onError({ error }) {
    if (error instanceof ApiProblem || (error as Error).name === "AbortError") return error as Error
    lost()
    return unreachable()
  },
}

export const http = createFetchClient<paths>({ querySerializer: { array: { style: "form", explode: true } } })
http.use(edge)

export const api = createHooks(http)

export const queries = new QueryClient({
  defaultOptions: {
    // An engine on this machine answers without a network: what the browser thinks of that does not matter.
    queries: {
      networkMode: "always",
      staleTime: 10_000,
      retry: (count, error) => count < 2 && mayPass(error),
    },
    mutations: { networkMode: "always", retry: false },
  },
})

whenItReturns(() => queries.invalidateQueries())

function mayPass(error: unknown): boolean {
  return error instanceof ApiProblem && (error.type === UNREACHABLE || error.status === 503)
}

/** Load again what pages show of these paths, such as "/api/v1/models"; everything if none is given. */
export function refresh(...prefixes: string[]): Promise<void> {
  return queries.invalidateQueries({
    predicate: ({ queryKey }) =>
      prefixes.length === 0 || prefixes.some((prefix) => String(queryKey[1]).startsWith(prefix)),
  })
}
