// The start of the page: the kit, the queries, the router.
import "@fontsource-variable/inter/wght.css"
import "@mantine/core/styles.css"
import "@mantine/notifications/styles.css"
import "./app/app.css"
import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core"
import { ModalsProvider } from "@mantine/modals"
import { Notifications } from "@mantine/notifications"
import { QueryClientProvider } from "@tanstack/react-query"
import { RouterProvider } from "@tanstack/react-router"
import { StrictMode } from "react"
import { createRoot } from "react-dom/client"
import { queries } from "./api/client"
import { router } from "./app/router"
import { theme, variables } from "./app/theme"

const scheme = localStorageColorSchemeManager()
const place = document.getElementById("root") as HTMLElement

createRoot(place).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={variables}
      defaultColorScheme="auto"
      colorSchemeManager={scheme}
    >
      <QueryClientProvider client={queries}>
        <ModalsProvider>
          <Notifications position="bottom-right" />
          <RouterProvider router={router} />
        </ModalsProvider>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)
