// How the UI is built: hashed files in dist/assets, each with a packed copy beside it, which the engine serves.
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import react from "@vitejs/plugin-react"
import { defineConfig, type Plugin } from "vite"

const ENGINE = process.env.TROPISM_BASE_URL ?? "http://127.0.0.1:8080"

function packed(): Plugin {
  const text = /\.(js|css|html|svg)$/
  return {
    name: "packed",
    apply: "build",
    closeBundle() {
      for (const entry of readdirSync("dist", { recursive: true, withFileTypes: true })) {
        const file = join(entry.parentPath, entry.name)
        if (entry.isFile() && text.test(file)) writeFileSync(`${file}.gz`, gzipSync(readFileSync(file)))
      }
    },
  }
}

export default defineConfig({
  plugins: [react(), packed()],
  build: { target: "es2022", manifest: true, assetsInlineLimit: 0, chunkSizeWarningLimit: 700 },
  server: {
    proxy: { "/api": ENGINE, "/v1": ENGINE, "/health": ENGINE, "/docs": ENGINE, "/openapi.json": ENGINE },
  },
})
