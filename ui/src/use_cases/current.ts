// The use case that a page is about, from the route around it.
import { createContext, useContext } from "react"
import type { UseCase } from "../api/schema"

export const CurrentUseCase = createContext<UseCase | null>(null)

/** How soon to look again: soon while a model of one of them starts or stops. */
export function untilSettled(...useCases: (UseCase | undefined)[]): number {
  const services = useCases.flatMap((each) => each?.model_services ?? [])
  return services.some(({ online }) => online === "PENDING") ? 1500 : 20_000
}

export function useUseCase(): UseCase {
  const found = useContext(CurrentUseCase)
  if (found === null) throw new Error("useUseCase() works below the route of a use case")
  return found
}
