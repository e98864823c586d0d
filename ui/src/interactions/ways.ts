// How to ask a use case for an answer: code to copy.
export function waysToAsk(useCase: string): Record<string, string> {
  return {
    curl: `curl ${location.origin}/v1/chat/completions -H "Authorization: Bearer $TROPISM_API_KEY" \\
  -d '{"model": "${useCase}", "messages": [{"role": "user", "content": "Hello!"}]}'`,
    Python: `from tropism import Tropism

client = Tropism("${location.origin}", "YOUR_API_KEY")
answer = client.chat.create([{"role": "user", "content": "Hello!"}], use_case="${useCase}")
print(answer.choices[0].message.content)`,
    "OpenAI’s client": `from openai import OpenAI

client = OpenAI(base_url="${location.origin}/v1", api_key="YOUR_API_KEY")
client.chat.completions.create(model="${useCase}", messages=[{"role": "user", "content": "Hello!"}])`,
  }
}
