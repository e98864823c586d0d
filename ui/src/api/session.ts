// Who is signed in: the api key of this tab, kept until the tab is closed.
import { useSyncExternalStore } from "react"

const PLACE = "tropism.key"
const listeners = new Set<() => void>()

export function currentKey(): string | null {
  return sessionStorage.getItem(PLACE)
}

export function signIn(key: string): void {
  sessionStorage.setItem(PLACE, key)
  tell()
}

export function signOut(): void {
  sessionStorage.removeItem(PLACE)
  tell()
}

export function useSignedIn(): boolean {
  return useSyncExternalStore(listen, () => currentKey() !== null)
}

export function headers(): Record<string, string> {
  const key = currentKey()
  return key ? { authorization: `Bearer ${key}` } : {}
}

function tell(): void {
  for (const listener of listeners) listener()
}

function listen(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function whenSignedOut(action: () => void): void {
  listeners.add(() => {
    if (currentKey() === null) action()
  })
}
