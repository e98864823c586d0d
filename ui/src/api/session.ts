// Who is signed in: by an api key that this tab keeps until it is closed, or by a cookie that no script can read.
import { useSyncExternalStore } from "react"

const PLACE = "tropism.key"
const listeners = new Set<() => void>()
let cookie: "unknown" | "good" | "none" = "unknown"

export function currentKey(): string | null {
  return sessionStorage.getItem(PLACE)
}

/** Use this key from now on; it counts before the cookie. */
export function signIn(key: string): void {
  sessionStorage.setItem(PLACE, key)
  tell()
}

/** The engine has just set its cookie: the key of this tab counts no more. */
export function signedInByCookie(): void {
  sessionStorage.removeItem(PLACE)
  cookie = "good"
  tell()
}

/** Nobody is signed in here any more. It tells the engine nothing. */
export function forget(): void {
  sessionStorage.removeItem(PLACE)
  cookie = "none"
  tell()
}

/** Whether somebody is signed in. Only the engine can tell whether a cookie is there; it is asked once. */
export async function known(): Promise<boolean> {
  if (currentKey() !== null || cookie === "good") return true
  if (cookie === "none") return false
  const answer = await fetch("/api/v1/users/me").catch(() => null)
  if (answer === null) return true // the pages say that the engine is away, and ask again
  cookie = answer.status === 401 ? "none" : "good"
  tell()
  return cookie === "good"
}

export function useSignedIn(): boolean {
  return useSyncExternalStore(listen, isSignedIn)
}

export function headers(): Record<string, string> {
  const key = currentKey()
  // Pages of other sites cannot send the second one: it shows that a page of ours makes the call.
  return key ? { authorization: `Bearer ${key}` } : { "x-tropism-csrf": "1" }
}

export function whenSignedOut(action: () => void): void {
  listeners.add(() => {
    if (!isSignedIn()) action()
  })
}

function isSignedIn(): boolean {
  return currentKey() !== null || cookie !== "none"
}

function tell(): void {
  for (const listener of listeners) listener()
}

function listen(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
