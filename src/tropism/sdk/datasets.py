"""Datasets: prompts, completions, feedback and preferences, kept for evaluation and training."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Literal

import msgspec

from tropism.sdk.errors import TropismError
from tropism.sdk.flow import AsyncResource, Flow, Reference, Resource, SyncResource, Work, operation
from tropism.sdk.inputs import Filters, unchecked
from tropism.sdk.saving import LinesFile, on_disk, save_as
from tropism.sdk.send import send, send_until
from tropism.sdk.uploading import OnProgress, say_nothing, upload_file
from tropism.wire import datasets as wire
from tropism.wire.jobs import Job


class _Datasets(Resource):
    @operation
    def upload(
        self,
        file_path: PathLike[str] | str,
        dataset_key: str,
        name: str | None = None,
        *,
        on_progress: OnProgress = say_nothing,
        use_case: Reference | None = None,
    ) -> Flow[wire.Dataset]:
        """Upload a file of JSON lines and wait until it is checked.

        A file with a bad line is refused whole: the `UnprocessableEntityError` names the first 20. A connection that
        breaks is taken up where it broke; so is an upload of the same file that was called before, for a day.
        `on_progress` is called with "sending" or "checking", the bytes so far and the bytes in all.
        """
        return (yield from upload_file(file_path, dataset_key, name, self._use_case(use_case), on_progress))

    @operation
    def list(self, *, use_case: Reference | None = None) -> Flow[builtins.list[wire.Dataset]]:
        """List the datasets of a use case, newest first."""
        answer = yield from send(wire.LIST, wire.DatasetFilter(use_case=self._use_case(use_case)))
        return answer.datasets

    @operation
    def get(self, dataset: Reference, *, use_case: Reference | None = None) -> Flow[wire.Dataset]:
        """Get what is known of a dataset: its kind, lines, bytes and feedback."""
        return (yield from send(wire.GET, self._reference(dataset, use_case)))

    @operation
    def preview(
        self, dataset: Reference, first: int = 10, *, use_case: Reference | None = None
    ) -> Flow[builtins.list[wire.DatasetLine]]:
        """Read the first lines of a dataset, at most 100."""
        takes = wire.DatasetPreview(use_case=self._use_case(use_case), dataset=str(dataset), first=first)
        return (yield from send(wire.PREVIEW, takes)).lines

    @operation
    def download(
        self,
        dataset: Reference,
        destination: PathLike[str] | str,
        format: Literal["jsonl", "parquet"] = "jsonl",
        *,
        use_case: Reference | None = None,
    ) -> Flow[wire.Dataset]:
        """Write a dataset to a file as JSON lines; uploading it again makes the same dataset.

        With "parquet" (which needs `pip install 'tropism[parquet]'`), the documents are a column of their own. The file
        is there as a whole or not at all; one that was there before is replaced.
        """
        reference = self._reference(dataset, use_case)
        found = yield from send(wire.GET, reference)
        if format == "parquet":
            from tropism.sdk.parquet import dataset_file

            yield from save_as(destination, wire.DOWNLOAD, reference, dataset_file)
        else:
            yield from save_as(destination, wire.DOWNLOAD, reference, LinesFile)
        return found

    @operation
    def delete(self, dataset: Reference, *, use_case: Reference | None = None) -> Flow[None]:
        """Delete a dataset and its file. A job that is reading it fails."""
        yield from send(wire.DELETE, self._reference(dataset, use_case))

    @operation
    def from_interactions(
        self,
        dataset_key: str,
        filters: Filters | None = None,
        name: str | None = None,
        *,
        preferences: Reference | None = None,
        use_case: Reference | None = None,
    ) -> Flow[wire.Dataset]:
        """Keep interactions as a dataset that does not change with the log; wait until it is there.

        `filters` are those of `interactions.list`. Metric feedback comes along, as the mean over the users who gave it.
        With `preferences`, a feedback key, the lines are pairs that were compared under it: those with the same prompt,
        not tied, and both matching the filters.
        """
        takes = wire.DatasetFromInteractions(
            use_case=self._use_case(use_case),
            key=dataset_key,
            name=name,
            filters=unchecked(filters),
            preferences=unchecked(preferences),
        )
        progress = yield from send_until(wire.FROM_INTERACTIONS, takes, lambda progress: progress.dataset is not None)
        assert progress.dataset is not None
        return progress.dataset

    @operation
    def generate(
        self,
        dataset_key: str,
        documents: Sequence[str] | PathLike[str],
        model: Reference,
        num_questions: int = 10,
        *,
        answers: bool = True,
        passage_chars: int = 2_000,
        name: str | None = None,
        use_case: Reference | None = None,
    ) -> Flow[Job]:
        """Let an attached model write questions about documents; the job's result is the dataset.

        `documents` are texts, or the path of a file: of one text (`.txt`, `.md`), or of JSON lines with a `text` on
        each. Documents longer than `passage_chars` are cut, and the questions spread over the passages. With `answers`,
        the model's own answers are the completions. `jobs.wait` waits for the end.
        """
        texts = yield Work(partial(_texts, documents))
        takes = wire.DatasetGenerate(
            use_case=self._use_case(use_case),
            key=dataset_key,
            documents=texts,
            model=str(model),
            num_questions=num_questions,
            answers=answers,
            passage_chars=passage_chars,
            name=name,
        )
        return (yield from send(wire.GENERATE, takes))

    def _reference(self, dataset: Reference, use_case: Reference | None) -> wire.DatasetReference:
        return wire.DatasetReference(use_case=self._use_case(use_case), dataset=str(dataset))


def _texts(documents: Sequence[str] | PathLike[str]) -> builtins.list[str]:
    """The texts themselves, or those of a file."""
    if isinstance(documents, str):
        raise TropismError("`documents` is a list of texts, or a pathlib.Path; for one text, give a list of one.")
    if not isinstance(documents, PathLike):
        return builtins.list(documents)
    path = Path(documents)
    try:
        text: str = on_disk(path, path.read_text, "utf-8")
        return _texts_of_lines(text) if path.suffix == ".jsonl" else [text]
    except (UnicodeDecodeError, msgspec.DecodeError) as error:
        raise TropismError(f"{path} holds no texts: {error}.") from error


def _texts_of_lines(text: str) -> builtins.list[str]:
    return [msgspec.json.decode(line, type=_Document).text for line in text.splitlines() if line.strip()]


class _Document(msgspec.Struct):
    """A line of a file of documents."""

    text: str


class Datasets(_Datasets, SyncResource):
    """Prompts, completions, feedback and preferences, kept as files."""


class AsyncDatasets(_Datasets, AsyncResource):
    """Prompts, completions, feedback and preferences, kept as files."""
