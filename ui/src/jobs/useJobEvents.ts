// Hear of every change of a job for as long as it runs, and load again what a page shows of it.
import { useEvents } from "../api/events"
import type { Job } from "../api/schema"

type Running = Pick<Job, "id" | "status"> | undefined

export function isRunning(job: Running): boolean {
  return job?.status === "PENDING" || job?.status === "RUNNING"
}

/** How often a list of jobs is loaded again: often while one of them runs. */
export const refreshing = {
  refetchInterval: ({ state }: { state: { data?: { jobs: NonNullable<Running>[] } } }) =>
    state.data?.jobs.some(isRunning) ? 3000 : 20_000,
}

export function useJobEvents(job: Running, reload: () => unknown): void {
  useEvents<Job>(job && isRunning(job) ? `/api/v1/jobs/${job.id}/events` : null, () => void reload())
}
