// The kinds of datasets, in words.
import type { Dataset } from "../api/schema"

const KINDS: Record<Dataset["kind"], string> = {
  PROMPT: "prompts",
  PROMPT_COMPLETION: "prompts with answers",
  PROMPT_COMPLETION_FEEDBACK: "answers with feedback",
  PREFERENCE: "preferences",
}
const SOURCES: Record<Dataset["source"], string> = {
  upload: "a file",
  interactions: "interactions",
  generated: "documents",
}

export function kindOf({ kind }: Dataset): string {
  return KINDS[kind]
}

export function sourceOf({ source }: Dataset): string {
  return SOURCES[source]
}
