// What a model is, in a few words.
import type { TropismWireModelsModel as Model, Prices } from "../api/schema"
import { figure } from "../parts/numbers"

const PROVIDERS: Record<string, string> = {
  open_ai: "OpenAI",
  azure: "Azure",
  google: "Google",
  anthropic: "Anthropic",
  nvidia: "NVIDIA",
  custom: "an OpenAI-compatible server",
}

export function originOf({ provider_name, is_external, is_adapter, backbone }: Model): string {
  if (is_external) return `served by ${PROVIDERS[provider_name ?? "custom"] ?? provider_name}`
  if (is_adapter) return `adapter on ${backbone}`
  return backbone ? `variant of ${backbone}` : "served here"
}

/** Parameters, such as "135 M". */
export function sizeOf(size: number | null): string | null {
  if (!size) return null
  const [unit, name] = size >= 1e9 ? [1e9, "B"] : [1e6, "M"]
  return `${figure(size / (unit as number))} ${name} parameters`
}

export function priceOf(prices: Prices | null): string | null {
  if (!prices) return null
  return `$${figure(prices.input_per_million)} in, $${figure(prices.output_per_million)} out per million tokens`
}
