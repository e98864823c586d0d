// OpenAI's own client for Node with its own retries, before models that are busy, broken and slow. Prints what it got.
import OpenAI, { APIConnectionTimeoutError } from "openai"

const [baseURL, apiKey, busy, broken, slow] = process.argv.slice(2)
const client = new OpenAI({ baseURL, apiKey })
const messages = [{ role: "user", content: "one two" }]
const ask = (model, options) => client.chat.completions.create({ model, messages }, options)

const answer = await ask(busy)
const refused = await ask(broken).catch((error) => error)
const late = await ask(slow, { timeout: 500 }).catch((error) => error)
console.log(
  JSON.stringify({
    busy: answer.choices[0].message.content,
    broken: [refused.status, refused.type],
    slow: late instanceof APIConnectionTimeoutError,
  }),
)
