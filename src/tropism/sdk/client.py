"""The two clients. They hold the connection, the default use case, and one resource per domain."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from tropism.sdk.ab_tests import ABTests, AsyncABTests
from tropism.sdk.access import (
    ApiKeys,
    AsyncApiKeys,
    AsyncPermissions,
    AsyncRoles,
    AsyncTeams,
    AsyncUsers,
    Permissions,
    Roles,
    Teams,
    Users,
)
from tropism.sdk.audit import AsyncAudit, Audit
from tropism.sdk.chat import AsyncChat, Chat
from tropism.sdk.completions import AsyncCompletions, Completions
from tropism.sdk.compute_pools import AsyncComputePools, ComputePools
from tropism.sdk.costs import AsyncCosts, Costs
from tropism.sdk.datasets import AsyncDatasets, Datasets
from tropism.sdk.embeddings import AsyncEmbeddings, Embeddings
from tropism.sdk.errors import TropismError
from tropism.sdk.evaluation import AsyncEvaluation, Evaluation
from tropism.sdk.feedback import AsyncFeedback, Feedback
from tropism.sdk.flow import Defaults
from tropism.sdk.interactions import AsyncInteractions, Interactions
from tropism.sdk.jobs import AsyncJobs, Jobs
from tropism.sdk.judges import AsyncJudges, Judges
from tropism.sdk.limits import AsyncLimits, Limits
from tropism.sdk.models import AsyncModels, Models
from tropism.sdk.reward_servers import AsyncRewardServers, RewardServers
from tropism.sdk.sign_ins import AsyncPasswords, AsyncSignIns, Passwords, SignIns
from tropism.sdk.training import AsyncTraining, Training
from tropism.sdk.trends import AsyncTrends, Trends
from tropism.sdk.use_cases import AsyncUseCases, UseCases
from tropism.version import __version__


class Tropism:
    """A client that waits for its answers.

    `base_url` falls back to `TROPISM_BASE_URL`, `api_key` to `TROPISM_API_KEY`. `timeout` is how long the server may
    say nothing, in seconds.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        default_headers: Mapping[str, str] | None = None,
        timeout: float | None = 90.0,
    ) -> None:
        from tropism.sdk.connection import Connection

        url, headers = _base_url(base_url), _headers(api_key, default_headers)
        self._connection = Connection(url, headers, timeout)
        self._defaults = Defaults()
        self.use_cases = UseCases(self._connection, self._defaults)
        self.models = Models(self._connection, self._defaults)
        self.chat = Chat(self._connection, self._defaults)
        self.completions = Completions(self._connection, self._defaults)
        self.embeddings = Embeddings(self._connection, self._defaults)
        self.interactions = Interactions(self._connection, self._defaults)
        self.costs = Costs(self._connection, self._defaults)
        self.trends = Trends(self._connection, self._defaults)
        self.feedback = Feedback(self._connection, self._defaults)
        self.ab_tests = ABTests(self._connection, self._defaults)
        self.judges = Judges(self._connection, self._defaults)
        self.limits = Limits(self._connection, self._defaults)
        self.datasets = Datasets(self._connection, self._defaults)
        self.evaluation = Evaluation(self._connection, self._defaults)
        self.jobs = Jobs(self._connection, self._defaults)
        self.training = Training(self._connection, self._defaults)
        self.compute_pools = ComputePools(self._connection, self._defaults)
        self.reward_servers = RewardServers(self._connection, self._defaults)
        self.permissions = Permissions(self._connection, self._defaults)
        self.roles = Roles(self._connection, self._defaults)
        self.teams = Teams(self._connection, self._defaults)
        self.users = Users(self._connection, self._defaults)
        self.api_keys = ApiKeys(self._connection, self._defaults)
        self.sign_ins = SignIns(self._connection, self._defaults)
        self.passwords = Passwords(self._connection, self._defaults)
        self.audit = Audit(self._connection, self._defaults)

    @property
    def default_use_case(self) -> str | None:
        """The use case of every call that names none."""
        return self._defaults.use_case

    def set_default_use_case(self, use_case: str) -> None:
        """Set the use case of every call that names none, by its key."""
        self._defaults.use_case = _use_case(use_case)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()


class AsyncTropism:
    """A client whose calls are awaited.

    `base_url` falls back to `TROPISM_BASE_URL`, `api_key` to `TROPISM_API_KEY`. `timeout` is how long the server may
    say nothing, in seconds.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        default_headers: Mapping[str, str] | None = None,
        timeout: float | None = 90.0,
    ) -> None:
        from tropism.sdk.connection import AsyncConnection

        url, headers = _base_url(base_url), _headers(api_key, default_headers)
        self._connection = AsyncConnection(url, headers, timeout)
        self._defaults = Defaults()
        self.use_cases = AsyncUseCases(self._connection, self._defaults)
        self.models = AsyncModels(self._connection, self._defaults)
        self.chat = AsyncChat(self._connection, self._defaults)
        self.completions = AsyncCompletions(self._connection, self._defaults)
        self.embeddings = AsyncEmbeddings(self._connection, self._defaults)
        self.interactions = AsyncInteractions(self._connection, self._defaults)
        self.costs = AsyncCosts(self._connection, self._defaults)
        self.trends = AsyncTrends(self._connection, self._defaults)
        self.feedback = AsyncFeedback(self._connection, self._defaults)
        self.ab_tests = AsyncABTests(self._connection, self._defaults)
        self.judges = AsyncJudges(self._connection, self._defaults)
        self.limits = AsyncLimits(self._connection, self._defaults)
        self.datasets = AsyncDatasets(self._connection, self._defaults)
        self.evaluation = AsyncEvaluation(self._connection, self._defaults)
        self.jobs = AsyncJobs(self._connection, self._defaults)
        self.training = AsyncTraining(self._connection, self._defaults)
        self.compute_pools = AsyncComputePools(self._connection, self._defaults)
        self.reward_servers = AsyncRewardServers(self._connection, self._defaults)
        self.permissions = AsyncPermissions(self._connection, self._defaults)
        self.roles = AsyncRoles(self._connection, self._defaults)
        self.teams = AsyncTeams(self._connection, self._defaults)
        self.users = AsyncUsers(self._connection, self._defaults)
        self.api_keys = AsyncApiKeys(self._connection, self._defaults)
        self.sign_ins = AsyncSignIns(self._connection, self._defaults)
        self.passwords = AsyncPasswords(self._connection, self._defaults)
        self.audit = AsyncAudit(self._connection, self._defaults)

    @property
    def default_use_case(self) -> str | None:
        """The use case of every call that names none."""
        return self._defaults.use_case

    def set_default_use_case(self, use_case: str) -> None:
        """Set the use case of every call that names none, by its key."""
        self._defaults.use_case = _use_case(use_case)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.close()


def _base_url(given: str | None) -> str:
    url = (given or os.environ.get("TROPISM_BASE_URL") or "").strip().rstrip("/")
    if not url:
        raise TropismError("Where is the engine? Give `base_url=...`, or set TROPISM_BASE_URL.")
    if not url.startswith(("http://", "https://")):
        raise TropismError(f"The base URL {url!r} must begin with http:// or https://.")
    return url


def _headers(api_key: str | None, more: Mapping[str, str] | None) -> dict[str, str]:
    key = (api_key or os.environ.get("TROPISM_API_KEY") or "").strip()
    if not key:
        raise TropismError("No api key. Give `api_key=...`, or set TROPISM_API_KEY.")
    if not (key.isascii() and key.isprintable()):
        raise TropismError("The api key holds characters that no api key has; was it copied whole?")
    return {"Authorization": f"Bearer {key}", "User-Agent": f"tropism-python/{__version__}", **(more or {})}


def _use_case(key: str) -> str:
    if not isinstance(key, str) or not key.strip():
        raise TropismError(f"The default use case is named by its key, a string that is not empty; this is {key!r}.")
    return key
