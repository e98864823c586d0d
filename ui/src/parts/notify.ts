// Short messages in the corner: something was done, or could not be.
import { notifications } from "@mantine/notifications"
import { messageOf } from "../api/problem"

export function done(message: string): void {
  notifications.show({ message, color: "leaf", autoClose: 4000 })
}

export function failed(error: unknown): void {
  notifications.show({
    title: "That did not work",
    message: messageOf(error),
    color: "red",
    autoClose: 10_000,
  })
}
