// The methods of judging, in words.
import type { EvaluationCreate } from "../api/schema"

export type Method = EvaluationCreate["method"]

export const METHODS: { value: Method; label: string; about: string }[] = [
  { value: "answer_relevancy", label: "Relevancy", about: "Does the answer address what was asked?" },
  { value: "custom", label: "Rules of your own", about: "Which of your rules does the answer keep?" },
  {
    value: "faithfulness",
    label: "Faithfulness",
    about: "Do the documents of the prompt support every claim of the answer?",
  },
  {
    value: "context_relevancy",
    label: "Relevancy of documents",
    about: "Do the documents of the prompt help to answer it?",
  },
]

export function methodName(method: Method): string {
  return METHODS.find(({ value }) => value === method)?.label ?? method
}
