// States in words and colour, the same everywhere: of models, jobs and tests.
import { Badge } from "@mantine/core"

const COLORS: Record<string, string> = {
  ONLINE: "green",
  PENDING: "yellow",
  OFFLINE: "gray",
  ERROR: "red",
  RUNNING: "blue",
  COMPLETED: "green",
  FAILED: "red",
  CANCELED: "gray",
  warmup: "yellow",
  in_progress: "blue",
  done: "green",
  cancelled: "gray",
}
const BUSY = new Set(["PENDING", "RUNNING", "warmup", "in_progress"])

export function Status({ of }: { of: string }) {
  const color = COLORS[of] ?? "gray"
  return (
    <Badge
      variant="default"
      radius="xl"
      tt="none"
      fw={550}
      leftSection={
        <span
          className={BUSY.has(of) ? "breathing" : undefined}
          style={{
            display: "block",
            width: 8,
            height: 8,
            borderRadius: 8,
            background: `var(--mantine-color-${color}-6)`,
          }}
        />
      }
    >
      {of.toLowerCase().replace("_", " ")}
    </Badge>
  )
}
