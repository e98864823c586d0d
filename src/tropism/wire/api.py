"""Every endpoint of the API, in the order the docs show them."""

from __future__ import annotations

from typing import Any

from tropism.wire import (
    ab_tests,
    access,
    chat,
    embeddings,
    feedback,
    health,
    interactions,
    models,
    openai,
    use_cases,
)
from tropism.wire.endpoint import Endpoint

ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (
    health.GET,
    use_cases.CREATE,
    use_cases.LIST,
    use_cases.GET,
    models.LIST,
    models.ADD_EXTERNAL,
    models.ADD_LOCAL,
    models.ADD_VARIANT,
    models.GET,
    models.UPDATE_COMPUTE_CONFIG,
    models.DEPLOY,
    models.TERMINATE,
    models.ATTACH,
    models.UPDATE,
    models.DETACH,
    chat.CREATE,
    chat.COMPLETE,
    embeddings.CREATE,
    interactions.CREATE,
    interactions.CREATE_MANY,
    interactions.QUERY,
    interactions.GET,
    feedback.REGISTER_KEY,
    feedback.LIST_KEYS,
    feedback.GET_KEY,
    feedback.LINK,
    feedback.UNLINK,
    feedback.LOG_METRIC,
    feedback.LOG_PREFERENCE,
    feedback.LOG_OUTCOME,
    ab_tests.CREATE,
    ab_tests.LIST,
    ab_tests.GET,
    ab_tests.CANCEL,
    ab_tests.HISTORY,
    ab_tests.PLAN,
    access.LIST_PERMISSIONS,
    access.ME,
    openai.CHAT,
    openai.EMBED,
    openai.LIST_MODELS,
)
