// The kit's links and buttons, leading to our own routes: the router checks where.
import {
  ActionIcon,
  type ActionIconProps,
  Anchor,
  type AnchorProps,
  Button,
  type ButtonProps,
} from "@mantine/core"
import { createLink } from "@tanstack/react-router"
import type { ComponentProps } from "react"

type As<Props> = Props & Omit<ComponentProps<"a">, keyof Props>

export const TextLink = createLink((props: As<AnchorProps>) => <Anchor {...props} />)
export const ButtonLink = createLink((props: As<ButtonProps>) => <Button component="a" {...props} />)
export const IconLink = createLink((props: As<ActionIconProps>) => <ActionIcon component="a" {...props} />)
