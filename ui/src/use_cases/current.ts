// The use case that a page is about, from the route around it.
import { createContext, useContext } from "react"
import type { UseCase } from "../api/schema"

export const CurrentUseCase = createContext<UseCase | null>(null)

export function useUseCase(): UseCase {
  const found = useContext(CurrentUseCase)
  if (found === null) throw new Error("useUseCase() works below the route of a use case")
  return found
}
