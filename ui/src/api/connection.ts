// Whether the engine answers. While it does not, it is asked every two seconds, and what failed is loaded again.
import { useSyncExternalStore } from "react"

const LOOK_MS = 2000
const listeners = new Set<() => void>()
let connected = true
let onReturn = () => {}

export function whenItReturns(action: () => void): void {
  onReturn = action
}

export function answered(): void {
  if (connected) return
  connected = true
  tell()
  onReturn()
}

export function lost(): void {
  if (!connected) return
  connected = false
  tell()
  setTimeout(look, LOOK_MS)
}

export function useConnected(): boolean {
  return useSyncExternalStore(listen, () => connected)
}

async function look(): Promise<void> {
  try {
    const answer = await fetch("/health")
    if (answer.ok) return answered()
  } catch {
    // still away
  }
  setTimeout(look, LOOK_MS)
}

function tell(): void {
  for (const listener of listeners) listener()
}

function listen(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
