// Ask before something that cannot be taken back.
import { Text } from "@mantine/core"
import { modals } from "@mantine/modals"

export function confirm(title: string, consequence: string, action: string, onConfirm: () => void): void {
  modals.openConfirmModal({
    title,
    children: <Text size="sm">{consequence}</Text>,
    labels: { confirm: action, cancel: "Keep it" },
    confirmProps: { color: "red.9" },
    onConfirm,
  })
}
