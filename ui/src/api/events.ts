// Server-sent events over fetch: unlike EventSource it sends the key, posts a body, and tells why it was refused.
import { useEffect, useRef, useState } from "react"
import { answered, lost } from "./connection"
import { ApiProblem, messageOf, problemOf, unreachable } from "./problem"
import { forget, headers } from "./session"

const AGAIN_MS = 1500
const DONE = "[DONE]"
const JSON_BODY = { "content-type": "application/json" }

/** Yields each event's data until the stream says that it is done. `onOpen`: it was granted. */
export async function* events<T>(
  path: string,
  init: RequestInit = {},
  onOpen?: () => void,
): AsyncGenerator<T> {
  const response = await fetch(path, { ...init, headers: { ...headers(), ...init.headers } }).catch(
    (error) => {
      if ((error as Error).name === "AbortError") throw error
      lost()
      throw unreachable()
    },
  )
  answered()
  if (response.status === 401) forget()
  if (!response.ok || !response.body) throw await problemOf(response)
  onOpen?.()
  for await (const data of parsed(response.body)) {
    if (data === DONE) return
    yield told<T>(JSON.parse(data))
  }
  throw new ApiProblem(0, { type: "interrupted", message: "The engine stopped before this was at its end." })
}

/** Post JSON and read the answer as events. */
export function post<T>(path: string, body: unknown, signal?: AbortSignal): AsyncGenerator<T> {
  const init = { method: "POST", body: JSON.stringify(body), headers: JSON_BODY }
  return events<T>(path, { ...init, signal })
}

function told<T>(event: unknown): T {
  // Once a stream runs, a problem comes as an event: its own shape, or that of OpenAI's routes.
  const problem = event as { type?: string; message?: string; error?: { type: string; message: string } }
  const said = problem.error ?? (problem.message && problem.type ? problem : null)
  if (said?.message) throw new ApiProblem(0, { type: said.type ?? "unknown", message: said.message })
  return event as T
}

async function* parsed(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let pending = ""
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      pending += value
      const blocks = pending.split("\n\n")
      pending = blocks.pop() ?? ""
      for (const block of blocks) {
        const data = block.split("\n").filter((line) => line.startsWith("data:"))
        if (data.length) yield data.map((line) => line.slice(5).trimStart()).join("\n")
      }
    }
  } finally {
    reader.cancel().catch(() => {})
  }
}

export type Watching = { state: "off" | "connecting" | "live" | "done"; problem: string | null }

type Options = { body?: string; onReturn?: () => void }

/** Watch a stream of events for as long as the page shows it. A broken one is taken up again: `onReturn` loads what was
 * missed meanwhile. */
export function useEvents<T>(
  path: string | null,
  onEvent: (event: T) => void,
  { body, onReturn }: Options = {},
): Watching {
  const [watching, setWatching] = useState<Watching>({ state: "off", problem: null })
  const handlers = useRef({ onEvent, onReturn })
  handlers.current = { onEvent, onReturn }
  useEffect(() => {
    if (path === null) return setWatching({ state: "off", problem: null })
    const stop = new AbortController()
    const init = body === undefined ? {} : { method: "POST", body, headers: JSON_BODY }
    const heard = (event: T) => handlers.current.onEvent(event)
    const again = () => handlers.current.onReturn?.()
    watch<T>(path, { ...init, signal: stop.signal }, heard, again, setWatching)
    return () => stop.abort()
  }, [path, body])
  return watching
}

async function watch<T>(
  path: string,
  init: RequestInit & { signal: AbortSignal },
  onEvent: (event: T) => void,
  onReturn: () => void,
  tell: (watching: Watching) => void,
): Promise<void> {
  const { signal } = init
  let broken = false
  const opened = () => {
    tell({ state: "live", problem: null })
    if (broken) onReturn()
    broken = false
  }
  while (!signal.aborted) {
    if (!broken) tell({ state: "connecting", problem: null })
    try {
      for await (const event of events<T>(path, init, opened)) onEvent(event)
      return tell({ state: "done", problem: null })
    } catch (error) {
      if (signal.aborted) return
      broken = true
      tell({ state: "connecting", problem: messageOf(error) })
      if (error instanceof ApiProblem && error.status >= 400 && error.status < 500) return
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
  }
}
