// What went wrong, as the engine says it: a type to switch on, a message with the next step, the field it is about.
import type { Problem } from "./schema"

export class ApiProblem extends Error {
  readonly status: number
  readonly type: string
  readonly param: string | null

  constructor(status: number, problem: Problem) {
    super(problem.message)
    this.name = "ApiProblem"
    this.status = status
    this.type = problem.type
    this.param = problem.param ?? null
  }
}

export const UNREACHABLE = "unreachable"

export function unreachable(): ApiProblem {
  const message =
    "The engine cannot be reached. Look whether it runs; this page goes on by itself once it does."
  return new ApiProblem(0, { type: UNREACHABLE, message })
}

export async function problemOf(response: Response): Promise<ApiProblem> {
  const said = await response
    .json()
    .then((body: Partial<Problem>) => body)
    .catch((): Partial<Problem> => ({}))
  const message = said.message ?? `The engine answered with ${response.status} and no reason.`
  return new ApiProblem(response.status, { type: said.type ?? "unknown", message, param: said.param })
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
