// What a message says in words: its text, the texts of its parts, or the name of what it shows besides.
import type { ChatMessage } from "../api/schema"

export function wordsOf(content: ChatMessage["content"] | undefined): string {
  if (content === null || content === undefined) return ""
  if (typeof content === "string") return content
  return content.map((part) => (part.type === "text" ? part.text : `[${part.type}]`)).join("\n")
}
