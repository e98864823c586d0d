// What is still to be judged by one annotator under one key, newest first, a page at a time.
import { useCallback, useEffect, useState } from "react"
import { http } from "../api/client"
import type { Interaction } from "../api/schema"

const SIZE = 50
type Queue = { waiting: Interaction[]; cursor: string | null; end: boolean; problem: unknown }
const EMPTY: Queue = { waiting: [], cursor: null, end: false, problem: null }

export function useQueue(
  useCase: string,
  metric: string | undefined,
  model: string | undefined,
  annotator?: string,
) {
  const [queue, setQueue] = useState<Queue>(EMPTY)
  const [loading, setLoading] = useState(false)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another question begins another queue
  useEffect(() => setQueue(EMPTY), [useCase, metric, model])
  const { waiting, cursor, end, problem } = queue

  useEffect(() => {
    if (!metric || !annotator || waiting.length > 3 || end || problem) return
    const stop = new AbortController()
    setLoading(true)
    const body = {
      use_case: useCase,
      filters: model ? { models: [model] } : undefined,
      page: { first: SIZE, after: cursor },
    }
    http
      .POST("/api/v1/interactions/query", { body, signal: stop.signal })
      .then(({ data }) => {
        if (!data) return
        const open = data.nodes.filter((node) => !saidBy(node, metric, annotator))
        setQueue((before) => ({
          waiting: [...before.waiting, ...open],
          cursor: data.page_info.end_cursor,
          end: !data.page_info.has_next_page,
          problem: null,
        }))
      })
      .catch((error) => {
        if (!stop.signal.aborted) setQueue((before) => ({ ...before, problem: error }))
      })
      .finally(() => setLoading(false))
    return () => stop.abort()
  }, [useCase, metric, model, annotator, waiting.length, cursor, end, problem])

  return {
    current: waiting[0],
    loading,
    problem,
    next: useCallback(() => setQueue((before) => ({ ...before, waiting: before.waiting.slice(1) })), []),
    putBack: useCallback(
      (item: Interaction) => setQueue((before) => ({ ...before, waiting: [item, ...before.waiting] })),
      [],
    ),
    again: useCallback(() => setQueue((before) => ({ ...before, problem: null })), []),
  }
}

function saidBy(node: Interaction, metric: string, annotator: string): boolean {
  return node.direct_feedbacks.some(({ feedback_key, user }) => feedback_key === metric && user === annotator)
}
