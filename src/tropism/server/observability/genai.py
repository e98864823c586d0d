"""The names of OpenTelemetry's conventions for generative AI that we write and read, in one place.

The conventions are in development, and names change: https://opentelemetry.io/docs/specs/semconv/gen-ai/
"""

from __future__ import annotations

from typing import Final, Literal

Operation = Literal["chat", "embeddings"]

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_ID: Final = "gen_ai.response.id"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CONVERSATION: Final = "gen_ai.conversation.id"
TOKEN_TYPE: Final = "gen_ai.token.type"
ERROR_TYPE: Final = "error.type"

PARAMETERS: Final = {
    "max_tokens": "gen_ai.request.max_tokens",
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "seed": "gen_ai.request.seed",
    "stop": "gen_ai.request.stop_sequences",
}

SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"

OPERATION_DURATION: Final = "gen_ai.client.operation.duration"
TOKEN_USAGE: Final = "gen_ai.client.token.usage"
FIRST_CHUNK: Final = "gen_ai.client.operation.time_to_first_chunk"

USE_CASE: Final = "tropism.use_case"
COMPLETION: Final = "tropism.completion_id"
COST: Final = "tropism.cost_usd"
REQUEST: Final = "tropism.request_id"

PROVIDERS: Final = {
    "open_ai": "openai",
    "azure": "azure.ai.openai",
    "google": "gcp.gemini",
    "anthropic": "anthropic",
    "nvidia": "nvidia",
}
"""Our names of providers as the conventions call them; others keep theirs."""


def provider_name(engine: str) -> str:
    return PROVIDERS.get(engine, engine)
