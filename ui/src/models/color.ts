// The colour of a model in a use case: the same on all its pages; grey once it is detached.
import type { UseCase } from "../api/schema"
import { seriesColor } from "../app/theme"

export function colorOf(useCase: UseCase, key: string | null): string {
  const index = useCase.model_services.findIndex(({ model }) => model.key === key)
  return index < 0 ? "gray.6" : seriesColor(index)
}
