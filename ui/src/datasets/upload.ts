// Send a file in parts; a file that was begun before goes on where it stopped.
import { http } from "../api/client"
import { ApiProblem } from "../api/problem"
import type { Dataset } from "../api/schema"
import { headers } from "../api/session"

const LOOK_MS = 700
/** Tells how far it is: what is done now, and the share of it. */
export type Tell = (what: string, share: number) => void

export async function upload(useCase: string, key: string, file: File, tell: Tell): Promise<Dataset> {
  tell("Reading the file", 0)
  const sha256 = await digest(file)
  const begun = await http.POST("/api/v1/use_cases/{use_case}/dataset_uploads", {
    params: { path: { use_case: useCase } },
    body: { key, size: file.size, sha256 },
  })
  const { id, offset, part_bytes } = begun.data as NonNullable<typeof begun.data>
  await sendParts(id, file, offset, part_bytes, tell)
  return complete(id, tell)
}

async function digest(file: File): Promise<string> {
  if (!crypto.subtle) {
    const message =
      "The browser computes digests only for pages from https or this machine. Open the engine by https, or use the SDK: client.datasets.upload(PATH, KEY)."
    throw new ApiProblem(0, { type: "insecure_page", message })
  }
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
}

async function sendParts(id: string, file: File, from: number, size: number, tell: Tell): Promise<void> {
  for (let offset = from; offset < file.size; ) {
    const part = file.slice(offset, offset + size)
    const sent = await http.PUT("/api/v1/dataset_uploads/{upload}", {
      params: { path: { upload: id }, query: { offset } },
      body: part as unknown as string,
      bodySerializer: (body) => body as unknown as BodyInit,
      headers: { ...headers(), "content-type": "application/octet-stream" },
    })
    offset = sent.data?.offset ?? offset + part.size
    tell("Sending", offset / file.size)
  }
}

async function complete(id: string, tell: Tell): Promise<Dataset> {
  for (;;) {
    const answer = await http.POST("/api/v1/dataset_uploads/{upload}/complete", {
      params: { path: { upload: id } },
    })
    const { dataset, processed, total } = answer.data as NonNullable<typeof answer.data>
    if (dataset) return dataset
    tell("Checking each line", total ? processed / total : 0)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
