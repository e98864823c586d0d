"""What a server can be told at its start: one frozen struct, from arguments and `TROPISM_*` variables."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from tropism.egress.policy import Egress, allowing, is_loopback
from tropism.server.identity.oidc_roles import GroupRole, group_roles
from tropism.wire.models import Provider

HIDDEN = ("admin_api_key", "secret_key", "database", "oidc_client_secret")


class Settings(Struct, kw_only=True, frozen=True):
    """Settings of one server process."""

    data: Path = Path(".tropism")
    """Where the database, the keys and the model files live (`--data`)."""
    database: str | None = None
    """The database's URL (`--database`, or `TROPISM_DATABASE`, which keeps a password from who lists processes): of
    PostgreSQL, or of a SQLite file; one in `data` if None."""
    host: str = "127.0.0.1"
    port: int = 8080
    admin_api_key: str | None = None
    """Becomes the admin's key at the first start (`TROPISM_ADMIN_API_KEY`); a random one is made if None."""
    secret_key: str | None = None
    """Hashes api keys and encrypts provider keys (`TROPISM_SECRET_KEY`); a file in `data` if None."""
    bundled_models: bool = True
    """Register the bundled models (`TROPISM_BUNDLED_MODELS=0` does not)."""
    echo_models: tuple[str, ...] = ()
    """Keys of echo models to register, for tests (`--echo-models`)."""
    max_body_bytes: int = 32 * 1024 * 1024
    """The longest request body (`TROPISM_MAX_BODY_BYTES`)."""
    max_connections: int = 1000
    """How many connections may be open; more are refused with 503 (`TROPISM_MAX_CONNECTIONS`)."""
    max_connections_per_address: int = 500
    """How many of them one address may have (`TROPISM_MAX_CONNECTIONS_PER_ADDRESS`)."""
    client_seconds: int = 30
    """How long a client may take to send a request's head, and to take what was written (`TROPISM_CLIENT_SECONDS`)."""
    max_pending_writes: int = 10_000
    """More waiting writes than this are refused with 503 (`TROPISM_MAX_PENDING_WRITES`)."""
    storage: str | None = None
    """Where datasets are kept, and files of models for machines with a data directory each (`--storage`): a directory,
    or a URL such as s3://bucket/prefix. If None, datasets are in `data`, and models stay where they are made."""
    max_dataset_bytes: int = 10 * 1024**3
    """The largest dataset that can be uploaded (`TROPISM_MAX_DATASET_BYTES`)."""
    public_url: str | None = None
    """Where browsers find the engine, such as https://tropism.example.org (`TROPISM_PUBLIC_URL`); if None, wherever
    they have asked."""
    sign_in_hours: int = 168
    """After so many hours everybody signs in again (`TROPISM_SIGN_IN_HOURS`)."""
    sign_in_idle_hours: int = 12
    """A sign-in that is not used for so many hours has ended (`TROPISM_SIGN_IN_IDLE_HOURS`)."""
    oidc_issuer: str | None = None
    """The identity provider with which people sign in (`TROPISM_OIDC_ISSUER`)."""
    oidc_client_id: str | None = None
    """What the provider calls this engine (`TROPISM_OIDC_CLIENT_ID`)."""
    oidc_client_secret: str | None = None
    """What the engine shows to the provider (`TROPISM_OIDC_CLIENT_SECRET`); none for a public client."""
    oidc_name: str = "single sign-on"
    """What the button of the sign-in page says (`TROPISM_OIDC_NAME`)."""
    oidc_scopes: str = "openid email profile"
    """What is asked for of the provider (`TROPISM_OIDC_SCOPES`)."""
    oidc_trust_email: bool = False
    """Take emails of which the provider does not say whether they are verified (`TROPISM_OIDC_TRUST_EMAIL=1`)."""
    oidc_groups_claim: str = "groups"
    """Where the provider says in which groups somebody is (`TROPISM_OIDC_GROUPS_CLAIM`)."""
    oidc_roles: tuple[GroupRole, ...] = ()
    """Which groups have which roles (`TROPISM_OIDC_ROLES`), such as `ml-admins=default:admin; *=default:viewer`."""
    drain_seconds: int = 30
    """How long running requests may take after SIGTERM (`TROPISM_DRAIN_SECONDS`)."""
    egress_allow: tuple[str, ...] | None = None
    """Where providers and reward servers may be besides public addresses (`TROPISM_EGRESS_ALLOW`, separated by commas):
    `loopback`, `private`, networks, host names, `all`. If None, loopback for an engine whose
    `host` is loopback itself."""
    base_urls: dict[str, str] = {}
    """Where a provider is for models without an `endpoint` of their own: `TROPISM_OPEN_AI_BASE_URL`,
    `TROPISM_ANTHROPIC_BASE_URL`, and so on for each provider. That host is trusted wherever it is."""
    prices: Path | None = None
    """A file with prices that go before those of the package (`TROPISM_PRICES`)."""
    audit_days: int = 3650
    """How long the audit log is kept, in days (`TROPISM_AUDIT_DAYS`)."""
    metrics_port: int | None = None
    """Show figures to Prometheus on a port of their own, without a key (`TROPISM_METRICS_PORT`)."""
    log_format: Literal["text", "json"] = "text"
    """Lines for people, or one JSON object a line (`TROPISM_LOG_FORMAT`)."""
    log_requests: bool = False
    """Log every request with its id, status and time (`TROPISM_LOG_REQUESTS=1`)."""
    otlp_endpoint: str | None = None
    """Send traces and metrics to this OpenTelemetry collector (`TROPISM_OTLP_ENDPOINT`); needs the extra `otel`."""
    otlp_content: bool = False
    """Tell traces what was said, too (`TROPISM_OTLP_CONTENT=1`)."""
    job_stall_seconds: int = 600
    """A job that comes no further for so long has failed (`TROPISM_JOB_STALL_SECONDS`)."""
    worker_gone_seconds: int = 60
    """A worker that says nothing for so long is gone, and others do its jobs (`TROPISM_WORKER_GONE_SECONDS`)."""
    evaluation_calls_local: int = 4
    """How many calls of one local model an evaluation makes at once (`TROPISM_EVALUATION_CALLS_LOCAL`)."""
    evaluation_calls_remote: int = 16
    """How many calls of one provider's model an evaluation makes at once (`TROPISM_EVALUATION_CALLS_REMOTE`)."""
    vllm: str = "vllm"
    """The program of vLLM, which has a Python environment of its own (`TROPISM_VLLM`)."""
    vllm_args: tuple[str, ...] = ()
    """More arguments to every `vllm serve`, such as those for Ray (`TROPISM_VLLM_ARGS`, as a shell reads them)."""
    hub: str = "https://huggingface.co"
    """Where models are downloaded from (`HF_ENDPOINT`)."""
    worker_listen: str = "127.0.0.1:0"
    """Where a worker that answers for models listens (`--listen`, `TROPISM_WORKER_LISTEN`), as HOST:PORT."""
    worker_address: str | None = None
    """Where engines find it, such as http://gpu-1.example.org:8090 (`TROPISM_WORKER_ADDRESS`); if None, by the
    machine's name, or wherever it listens."""
    jobs_at_once: int = 2
    """How many jobs of one capability a worker does at once (`TROPISM_JOBS_AT_ONCE`)."""

    @property
    def egress_entries(self) -> tuple[str, ...]:
        """What is allowed besides public addresses, said in words: for processes that are told so."""
        if self.egress_allow is not None:
            return self.egress_allow
        return ("loopback",) if is_loopback(self.host) else ()

    def __repr__(self) -> str:
        """Without the keys: who logs or prints settings does not mean to tell them."""
        hidden = {name: "(secret)" for name in HIDDEN if getattr(self, name) is not None}
        shown = {name: getattr(self, name) for name in self.__struct_fields__} | hidden
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    @property
    def egress(self) -> Egress:
        """Where users may have us connect to."""
        return allowing(self.egress_entries)

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{(self.data / 'tropism.db').absolute()}"

    @property
    def is_one_file(self) -> bool:
        """Whether the database is a file: then one engine works on it."""
        return self.database_url.startswith("sqlite")

    @property
    def jobs_url(self) -> str:
        """Where the job engine keeps its queues: a file beside a SQLite database, a schema of its own in PostgreSQL."""
        return f"sqlite:///{(self.data / 'jobs.db').absolute()}" if self.is_one_file else self.database_url


def for_a_worker(settings: Settings) -> Settings:
    """A worker does not know where engines listen, so whether its loopback is that of their users."""
    return settings if settings.egress_allow is not None else replace(settings, egress_allow=())


def from_environment(environment: Mapping[str, str] = os.environ, **given: object) -> Settings:
    """Settings from `TROPISM_*` variables; what is `given` and not None wins."""
    read: dict[str, object] = {
        "admin_api_key": environment.get("TROPISM_ADMIN_API_KEY", "").strip() or None,
        "secret_key": environment.get("TROPISM_SECRET_KEY", "").strip() or None,
        "database": environment.get("TROPISM_DATABASE", "").strip() or None,
        "storage": environment.get("TROPISM_STORAGE", "").strip() or None,
        "public_url": _origin("TROPISM_PUBLIC_URL", environment.get("TROPISM_PUBLIC_URL", "").strip()),
        "worker_address": _origin("TROPISM_WORKER_ADDRESS", environment.get("TROPISM_WORKER_ADDRESS", "").strip()),
        "otlp_endpoint": environment.get("TROPISM_OTLP_ENDPOINT", "").strip() or None,
        "otlp_content": environment.get("TROPISM_OTLP_CONTENT", "0") not in _NO,
        "log_requests": environment.get("TROPISM_LOG_REQUESTS", "0") not in _NO,
        "log_format": _one_of(("text", "json"), "TROPISM_LOG_FORMAT", environment),
        "oidc_trust_email": environment.get("TROPISM_OIDC_TRUST_EMAIL", "0") not in _NO,
        "vllm_args": _words("TROPISM_VLLM_ARGS", environment.get("TROPISM_VLLM_ARGS", "")),
        "bundled_models": environment.get("TROPISM_BUNDLED_MODELS", "1") not in _NO,
    }
    read["base_urls"] = _base_urls(environment)
    if hub := environment.get("HF_ENDPOINT", "").strip().rstrip("/"):
        read["hub"] = hub
    if listen := environment.get("TROPISM_WORKER_LISTEN", "").strip():
        read["worker_listen"] = listen
    if vllm := environment.get("TROPISM_VLLM", "").strip():
        read["vllm"] = vllm
    if prices := environment.get("TROPISM_PRICES", "").strip():
        read["prices"] = Path(prices)
    for name in ("issuer", "client_id", "client_secret", "name", "scopes", "groups_claim"):
        if said := environment.get(f"TROPISM_OIDC_{name.upper()}", "").strip():
            read[f"oidc_{name}"] = said
    read["oidc_roles"] = group_roles(environment.get("TROPISM_OIDC_ROLES", ""))
    if allowed := environment.get("TROPISM_EGRESS_ALLOW", "").strip():
        allowing(entries := tuple(allowed.split(",")))  # what cannot be meant is said at the start
        read["egress_allow"] = entries
    for name in (
        "max_body_bytes",
        "max_connections",
        "max_connections_per_address",
        "client_seconds",
        "max_pending_writes",
        "max_dataset_bytes",
        "drain_seconds",
        "audit_days",
        "sign_in_hours",
        "sign_in_idle_hours",
        "metrics_port",
        "job_stall_seconds",
        "jobs_at_once",
        "worker_gone_seconds",
        "evaluation_calls_local",
        "evaluation_calls_remote",
    ):
        if text := environment.get(f"TROPISM_{name.upper()}"):
            read[name] = _number(f"TROPISM_{name.upper()}", text)
    given = {name: value for name, value in given.items() if value is not None}
    return Settings(**{**read, **given})  # type: ignore[arg-type]


_NO = ("0", "false", "no", "")


def _one_of(words: Sequence[str], variable: str, environment: Mapping[str, str]) -> str:
    word = environment.get(variable) or words[0]
    if word not in words:
        raise ValueError(f"{variable} must be one of {', '.join(words)}, not {word!r}")
    return word


def _words(variable: str, text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise ValueError(f"{variable} cannot be read as a shell reads words: {error}") from None


def _origin(variable: str, text: str) -> str | None:
    parts = urlsplit(text)
    if not text:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError(f"{variable} must be a URL without a path, such as https://tropism.example.org, not {text!r}")
    return f"{parts.scheme}://{parts.netloc}".lower()


def _base_urls(environment: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for provider in get_args(Provider):
        variable = f"TROPISM_{provider.upper()}_BASE_URL"
        if text := environment.get(variable, "").strip().rstrip("/"):
            parts = urlsplit(text)
            if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
                raise ValueError(f"{variable} must be a URL such as https://gateway.example.org/v1, without a password")
            found[provider] = text
    return found


def _number(variable: str, text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"{variable} must be a whole number, not {text!r}")
    return int(text)
