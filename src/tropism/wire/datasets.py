"""Datasets: files of prompts, completions, feedback or preferences, in one shape whatever they came as."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

from tropism.wire.chat import ChatMessage
from tropism.wire.endpoint import Endpoint
from tropism.wire.interactions import InteractionFilter
from tropism.wire.jobs import Job
from tropism.wire.page import Nothing
from tropism.wire.values import Key, Name, Reference, Time

Kind = Literal["PROMPT", "PROMPT_COMPLETION", "PROMPT_COMPLETION_FEEDBACK", "PREFERENCE"]
DatasetSource = Literal["upload", "interactions", "generated"]
PART_BYTES = 8 * 1024 * 1024
"""The longest part of an upload, in bytes."""
JSON_LINES = "application/x-ndjson"


class DatasetLine(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """One line of a dataset, whichever shape it had in its file. `documents` are what the prompt may be answered from.

    `preferred_completion`, `other_completion` and `feedback_key` are set in a dataset of preferences and nowhere else.
    """

    messages: list[ChatMessage]
    documents: list[str] = []
    completion: str | None = None
    feedbacks: dict[str, float] = {}
    preferred_completion: str | None = None
    other_completion: str | None = None
    feedback_key: str | None = None
    metadata: dict[str, Any] | None = None
    labels: dict[str, str] | None = None


class FeedbackCount(Struct, kw_only=True, frozen=True):
    """On how many lines of a dataset there is feedback of this key."""

    feedback_key: str
    count: int


class Dataset(Struct, kw_only=True, frozen=True):
    """What is known of a dataset. `bytes` is what a download has; `config` is what it was made from, if not a file."""

    id: UUID
    key: str
    name: str
    use_case: str
    kind: Kind
    lines: int
    bytes: int
    feedbacks: list[FeedbackCount]
    source: DatasetSource
    config: dict[str, Any] | None
    created_at: Time


class Datasets(Struct, kw_only=True, frozen=True):
    """The datasets of a use case, newest first."""

    datasets: list[Dataset]


class DatasetFilter(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which datasets: those of a use case."""

    use_case: Reference


class DatasetReference(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A dataset of a use case, by its key or id."""

    use_case: Reference
    dataset: Reference


class DatasetPreview(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The `first` lines of a dataset."""

    use_case: Reference
    dataset: Reference
    first: Annotated[int, Meta(ge=1, le=100)] = 10


class DatasetLines(Struct, kw_only=True, frozen=True):
    """Lines of a dataset, in their order."""

    lines: list[DatasetLine]


class UploadCreate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A file of JSON lines that is about to come: its size in bytes and its SHA-256 in hexadecimal.

    The same file under the same key goes on where it stopped.
    """

    use_case: Reference
    key: Key
    size: Annotated[int, Meta(ge=0, le=2**53)]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
    name: Name | None = None


class Upload(Struct, kw_only=True, frozen=True):
    """An upload and how far it is: the next part begins at `offset`. It is forgotten after a day."""

    id: UUID
    key: str
    size: int
    offset: int
    part_bytes: int
    """The longest part that is taken, in bytes."""


class UploadReference(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """An upload by its id."""

    upload: UUID


class UploadPart(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Bytes of an upload, beginning at `offset`; the body is the bytes as they are."""

    upload: UUID
    offset: Annotated[int, Meta(ge=0, le=2**53)]


class DatasetFromInteractions(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Interactions to keep as a dataset. With `preferences`, a feedback key: pairs that were compared under it."""

    use_case: Reference
    key: Key
    name: Name | None = None
    filters: InteractionFilter | None = None
    preferences: Reference | None = None


class DatasetGenerate(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Documents to make questions about, with a model that is attached to the use case.

    Long documents are cut into passages of at most `passage_chars` characters, over which the questions are spread.
    Each line has the passage as a document, the question, and with `answers` the model's own answer as completion.
    """

    use_case: Reference
    key: Key
    documents: Annotated[list[Annotated[str, Meta(max_length=5_000_000)]], Meta(min_length=1, max_length=10_000)]
    model: Reference
    num_questions: Annotated[int, Meta(ge=1, le=10_000)] = 10
    answers: bool = True
    passage_chars: Annotated[int, Meta(ge=100, le=20_000)] = 2_000
    name: Name | None = None


class DatasetProgress(Struct, kw_only=True, frozen=True):
    """A dataset that is being made: `dataset` is None until it is there; then ask again.

    `processed` and `total` count bytes of an upload that is checked, or lines that are written.
    """

    dataset: Dataset | None
    processed: int
    total: int | None


LIST = Endpoint(
    method="GET",
    path="/api/v1/use_cases/{use_case}/datasets",
    takes=DatasetFilter,
    returns=Datasets,
    permission="dataset:read",
    summary="List the datasets of a use case",
)
FROM_INTERACTIONS = Endpoint(
    method="POST",
    path="/api/v1/use_cases/{use_case}/datasets/from_interactions",
    takes=DatasetFromInteractions,
    returns=DatasetProgress,
    permission="dataset:create",
    summary="Keep interactions as a dataset; the same request again tells whether it is there",
)
GENERATE = Endpoint(
    method="POST",
    path="/api/v1/use_cases/{use_case}/datasets/generate",
    takes=DatasetGenerate,
    returns=Job,
    permission="dataset:create",
    summary="Let a model write questions about documents, as a job whose result is a dataset",
    status=201,
)
GET = Endpoint(
    method="GET",
    path="/api/v1/use_cases/{use_case}/datasets/{dataset}",
    takes=DatasetReference,
    returns=Dataset,
    permission="dataset:read",
    summary="Get a dataset",
)
PREVIEW = Endpoint(
    method="GET",
    path="/api/v1/use_cases/{use_case}/datasets/{dataset}/lines",
    takes=DatasetPreview,
    returns=DatasetLines,
    permission="dataset:read",
    summary="Read the first lines of a dataset",
)
DOWNLOAD = Endpoint(
    method="GET",
    path="/api/v1/use_cases/{use_case}/datasets/{dataset}/content",
    takes=DatasetReference,
    returns=Nothing,
    permission="dataset:read",
    summary="Download a dataset as JSON lines",
    sends=JSON_LINES,
)
DELETE = Endpoint(
    method="DELETE",
    path="/api/v1/use_cases/{use_case}/datasets/{dataset}",
    takes=DatasetReference,
    returns=Nothing,
    permission="dataset:delete",
    summary="Delete a dataset and its file",
)
BEGIN_UPLOAD = Endpoint(
    method="POST",
    path="/api/v1/use_cases/{use_case}/dataset_uploads",
    takes=UploadCreate,
    returns=Upload,
    permission="dataset:create",
    summary="Begin to upload a dataset, or go on with an upload of the same file",
    status=201,
    replayable=False,
)
GET_UPLOAD = Endpoint(
    method="GET",
    path="/api/v1/dataset_uploads/{upload}",
    takes=UploadReference,
    returns=Upload,
    permission="dataset:create",
    summary="Ask where the next part of an upload begins",
)
UPLOAD_PART = Endpoint(
    method="PUT",
    path="/api/v1/dataset_uploads/{upload}",
    takes=UploadPart,
    returns=Upload,
    permission="dataset:create",
    summary="Send the next part of an upload: at most 8 MiB, as raw bytes",
    receives="application/octet-stream",
    replayable=False,
)
COMPLETE_UPLOAD = Endpoint(
    method="POST",
    path="/api/v1/dataset_uploads/{upload}/complete",
    takes=UploadReference,
    returns=DatasetProgress,
    permission="dataset:create",
    summary="Check an upload line by line and make it a dataset; the same request again tells whether it is there",
    replayable=False,
)
