// Numbers as people read them: short, with their unit, in the reader's language.
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 })
const whole = new Intl.NumberFormat()
const three = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 })
const NONE = "–"

export function count(value: number | null | undefined): string {
  if (value == null) return NONE
  return Math.abs(value) < 10_000 ? whole.format(value) : compact.format(value)
}

export function exact(value: number): string {
  return whole.format(value)
}

export function figure(value: number | null | undefined): string {
  return value == null ? NONE : three.format(value)
}

export function percent(share: number | null | undefined): string {
  return share == null ? NONE : `${three.format(share * 100)} %`
}

export function money(dollars: number | null | undefined): string {
  if (dollars == null) return NONE
  if (dollars === 0) return "$0"
  return dollars < 0.01 ? `$${three.format(dollars)}` : `$${dollars.toFixed(2)}`
}

export function milliseconds(value: number | null | undefined): string {
  if (value == null) return NONE
  return value < 1000 ? `${three.format(value)} ms` : `${three.format(value / 1000)} s`
}

export function bytes(value: number | null | undefined): string {
  if (value == null) return NONE
  const unit = Math.min(4, Math.floor(Math.log10(Math.max(value, 1)) / 3))
  return `${three.format(value / 1000 ** unit)} ${["B", "kB", "MB", "GB", "TB"][unit]}`
}

export function plural(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`
}
