// One model in the playground: its conversation so far, and the answer that is streaming.
import { useCallback, useRef, useState } from "react"
import { post } from "../api/events"
import { messageOf } from "../api/problem"
import type { TropismWireChatChatChunk as ChatChunk, ChatMessage } from "../api/schema"

export type Answer = {
  text: string
  completionId: string | null
  firstMs: number | null
  totalMs: number | null
  tokens: number | null
  problem: string | null
  running: boolean
}
export type Asked = { messages: ChatMessage[]; answer: Answer }
export type Ask = { model: string; messages: ChatMessage[]; user?: string; settings: Settings }
export type Settings = { temperature?: number; max_tokens?: number; seed?: number }

const BEGUN: Answer = {
  text: "",
  completionId: null,
  firstMs: null,
  totalMs: null,
  tokens: null,
  problem: null,
  running: true,
}

/** Asks models side by side; `answers` are by model. */
export function useAnswers() {
  const [answers, setAnswers] = useState<Record<string, Asked>>({})
  const running = useRef<Record<string, AbortController>>({})
  const set = useCallback((model: string, asked: (before: Asked | undefined) => Asked) => {
    setAnswers((all) => ({ ...all, [model]: asked(all[model]) }))
  }, [])
  const ask = useCallback(
    async (name: string, { model, messages, user, settings }: Ask) => {
      const stop = new AbortController()
      running.current[name] = stop
      set(name, () => ({ messages, answer: BEGUN }))
      const change = (changes: Partial<Answer>) =>
        set(name, (before) => ({ messages, answer: { ...(before?.answer ?? BEGUN), ...changes } }))
      const body = {
        model,
        messages,
        user,
        stream: true,
        stream_options: { include_usage: true },
        labels: LABELS,
      }
      try {
        await read(post<ChatChunk>("/api/v1/chat/completions", { ...body, ...settings }, stop.signal), change)
      } catch (error) {
        if (!stop.signal.aborted) change({ problem: messageOf(error) })
      }
      change({ running: false })
    },
    [set],
  )
  const stop = useCallback(() => {
    for (const each of Object.values(running.current)) each.abort()
  }, [])
  const clear = useCallback(() => {
    stop()
    setAnswers({})
  }, [stop])
  return { answers, ask, stop, clear }
}

const LABELS = { from: "playground" }

async function read(
  chunks: AsyncGenerator<ChatChunk>,
  change: (changes: Partial<Answer>) => void,
): Promise<void> {
  const begun = performance.now()
  let text = ""
  let firstMs: number | null = null
  for await (const chunk of chunks) {
    const choice = chunk.choices[0]
    text += choice?.delta.content ?? ""
    if (text && firstMs === null) firstMs = performance.now() - begun
    change({
      text,
      firstMs,
      totalMs: performance.now() - begun,
      ...(choice ? { completionId: choice.completion_id } : {}),
      ...(chunk.usage ? { tokens: chunk.usage.completion_tokens } : {}),
    })
  }
}
