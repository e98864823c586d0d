// How it looks: one green, calm greys, and text that can be read in both schemes.
import {
  type CSSVariablesResolver,
  createTheme,
  defaultVariantColorsResolver,
  type MantineColorsTuple,
  type VariantColorsResolver,
} from "@mantine/core"

const leaf: MantineColorsTuple = [
  "#edf9f3",
  "#d7f0e4",
  "#aee2c9",
  "#81d2ab",
  "#5bc492",
  "#38ab78",
  "#1f8f61",
  "#14764f",
  "#0f6041",
  "#0a4730",
]

/** What is filled with a colour is dark on light and light on dark; the kit alone would write white on both. */
const readable: VariantColorsResolver = (input) => {
  const found = defaultVariantColorsResolver(input)
  if (input.variant !== "filled" || input.color?.includes(".")) return found
  return { ...found, color: "light-dark(var(--mantine-color-white), var(--mantine-color-black))" }
}

export const theme = createTheme({
  variantColorResolver: readable,
  primaryColor: "leaf",
  primaryShade: { light: 7, dark: 4 },
  autoContrast: true,
  luminanceThreshold: 0.32,
  colors: { leaf },
  fontFamily: "'Inter Variable', system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
  headings: { fontFamily: "'Inter Variable', system-ui, sans-serif", fontWeight: "650" },
  defaultRadius: "md",
  cursorType: "pointer",
  focusRing: "auto",
  respectReducedMotion: true,
  components: {
    Paper: { defaultProps: { withBorder: true, radius: "lg" } },
    Tooltip: {
      defaultProps: { withArrow: true, openDelay: 250, events: { hover: true, focus: true, touch: true } },
    },
    CloseButton: { defaultProps: { "aria-label": "Close" } },
    Modal: { defaultProps: { centered: true, radius: "lg", overlayProps: { blur: 2 } } },
    Drawer: { defaultProps: { overlayProps: { backgroundOpacity: 0.25 } } },
    // What scrolls must be reachable by keyboard, also where nothing in it can be focused.
    TableScrollContainer: { defaultProps: { scrollAreaProps: { viewportProps: { tabIndex: 0 } } } },
  },
})

/** The kit's own dimmed grey is too pale to read on white. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "#59636e",
    "--mantine-color-placeholder": "#69737d",
    "--mantine-color-error": "#c92a2a",
    "--surface": "#f6f8f7",
    "--card": "#ffffff",
    "--line": "#e2e7e4",
  },
  dark: {
    "--mantine-color-dimmed": "#a3adb6",
    "--mantine-color-placeholder": "#929ca5",
    "--mantine-color-error": "#ff8787",
    "--mantine-color-body": "#161a19",
    "--surface": "#101413",
    "--card": "#181d1b",
    "--line": "#2a312e",
  },
})

/** One colour per series, told apart in both schemes and by people who confuse red and green. */
export const SERIES = [
  "leaf.6",
  "blue.6",
  "orange.7",
  "grape.6",
  "cyan.7",
  "pink.6",
  "yellow.8",
  "gray.6",
] as const

export function seriesColor(index: number): string {
  return SERIES[index % SERIES.length] ?? "gray.6"
}
