// OpenAI's own client for Node, against the server at BASE_URL. Prints what it got, as JSON, for the test to judge.
import OpenAI, { APIConnectionTimeoutError, NotFoundError } from "openai"
import { zodResponseFormat } from "openai/helpers/zod"
import { z } from "zod"

const [baseURL, apiKey, model] = process.argv.slice(2)
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 })
const messages = [{ role: "user", content: "What is the capital of France?" }]
const weather = {
  type: "function",
  function: {
    name: "weather",
    parameters: {
      type: "object",
      properties: { city: { enum: ["Paris", "Rome"] } },
      required: ["city"],
      additionalProperties: false,
    },
  },
}

async function chat() {
  const answer = await client.chat.completions.create({ model, messages, max_tokens: 12, n: 2, seed: 7, logprobs: true })
  return {
    texts: answer.choices.map((choice) => choice.message.content),
    tokens: answer.usage.completion_tokens,
    probable: answer.choices[0].logprobs.content.length,
  }
}

async function stream() {
  const texts = []
  let usage = null
  const chunks = await client.chat.completions.create({
    model,
    messages,
    max_tokens: 12,
    stream: true,
    stream_options: { include_usage: true },
  })
  for await (const chunk of chunks) {
    texts.push(...chunk.choices.map((choice) => choice.delta.content ?? ""))
    usage = chunk.usage ?? usage
  }
  return { pieces: texts.length, text: texts.join(""), total: usage.total_tokens }
}

async function tools() {
  const asked = {
    model,
    messages,
    tools: [weather],
    tool_choice: "required",
    parallel_tool_calls: false,
    max_tokens: 80,
    temperature: 0,
  }
  const whole = await client.chat.completions.create(asked)
  const streamed = await client.chat.completions.stream(asked).finalChatCompletion()
  const call = whole.choices[0].message.tool_calls[0]
  const said = { role: "tool", tool_call_id: call.id, content: "18 degrees and sunny" }
  const after = [...messages, whole.choices[0].message, said]
  const answer = await client.chat.completions.create({ model, messages: after, max_tokens: 12 })
  return {
    finish: [whole.choices[0].finish_reason, streamed.choices[0].finish_reason],
    calls: [call, streamed.choices[0].message.tool_calls[0]].map((made) => JSON.parse(made.function.arguments)),
    text: answer.choices[0].message.content,
  }
}

async function parsed() {
  const format = zodResponseFormat(z.object({ city: z.enum(["Paris", "Rome"]) }), "capital")
  const answer = await client.chat.completions.parse({ model, messages, response_format: format, temperature: 0 })
  return answer.choices[0].message.parsed
}

async function errors() {
  const caught = await client.chat.completions.create({ model: "nowhere", messages }).catch((error) => error)
  const late = await client.chat.completions
    .create({ model, messages }, { timeout: 1 })
    .catch((error) => error instanceof APIConnectionTimeoutError)
  return { kind: caught instanceof NotFoundError, code: caught.code, message: caught.message, late }
}

async function models() {
  const names = []
  for await (const each of client.models.list()) names.push(each.id)
  return names
}

async function embeddings() {
  const made = await client.embeddings.create({ model: "search", input: ["a cat", "a kitten"] })
  return made.data.map((each) => each.embedding.length)
}

const checks = { chat, stream, tools, parsed, errors, models, embeddings }
const found = {}
for (const [name, check] of Object.entries(checks)) found[name] = await check()
console.log(JSON.stringify(found))
