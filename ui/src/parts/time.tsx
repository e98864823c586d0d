// Times in the reader's zone: how long ago, and on pointing at it the moment itself.
import { useInterval } from "@mantine/hooks"
import { useState } from "react"

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" })
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" })
const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
]

export function zone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone
}

export function momentOf(time: string | number): string {
  return moment.format(new Date(time))
}

export function ago(time: string, now: number): string {
  const passed = Date.parse(time) - now
  if (passed < -30 * 86_400_000) return new Date(time).toLocaleDateString()
  const [unit, size] = STEPS.find(([, size]) => Math.abs(passed) >= size) ?? ["second", 1000]
  return relative.format(Math.trunc(passed / size), unit)
}

export function duration(from: string, to: string | null): string {
  const seconds = Math.max(0, Math.round(((to ? Date.parse(to) : Date.now()) - Date.parse(from)) / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60
    ? `${minutes} min ${seconds % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

export function Time({ at }: { at: string }) {
  const [now, setNow] = useState(Date.now)
  useInterval(() => setNow(Date.now()), 15_000, { autoInvoke: true })
  return (
    <time dateTime={at} title={momentOf(at)}>
      {ago(at, now)}
    </time>
  )
}
