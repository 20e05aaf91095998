"""The only code that reads or writes Parquet, and all that keeps an output folder whole.

Below `OUTPUTS/.work` lie the parts (one file for a table and a shard), a receipt for each finished piece of work, and
scratch files. A part counts only while its receipt does: the receipt is taken away before a part is replaced and
written after it. Published tables are replaced all together: they are made ready in a folder, whose renaming is the
moment of the change, and moved into place from there; a run that finds such a folder finishes the move.
"""

import errno
import hashlib
import heapq
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from pipeline.errors import PipelineError
from pipeline.tables import TABLES, Table, from_arrow, to_arrow

GROUP_ROWS = 16_384
"""Rows in a row group."""

BATCH_ROWS = 1_024
"""Rows that a reader holds as Python objects at a time; a merge does so for every shard."""


class Part(NamedTuple):
    """A written file: how to tell that it is still the same, and the digest of each column's data."""

    rows: int
    sha256: str
    size: int
    mtime_ns: int
    columns: dict[str, str]


class Receipt(NamedTuple):
    """A finished piece of work: why its result is what it is (`causes`), and the parts it wrote."""

    causes: dict[str, str]
    parts: dict[str, Part]
    articles: int
    seconds: float


class Writer:
    """Writes one Parquet file row group by row group. Equal rows give equal bytes."""

    def __init__(self, path: Path, table: Table) -> None:
        self.path, self.table = path, table
        self._file = pq.ParquetWriter(path, table.schema, compression="zstd", write_page_checksum=True)
        self._waiting: list[Any] = []
        self._rows = 0

    def add(self, rows: Iterable[Any]) -> None:
        self._waiting.extend(rows)
        if len(self._waiting) >= GROUP_ROWS:
            self._flush()

    def add_table(self, data: pa.Table) -> None:
        self._rows += data.num_rows
        self._file.write_table(data.cast(self.table.schema), row_group_size=max(1, data.num_rows))

    def _flush(self) -> None:
        rows, self._waiting = self._waiting, []
        self.add_table(to_arrow(self.table, rows))

    def close(self) -> Part:
        if self._waiting:
            self._flush()
        self._file.close()
        return describe(self.path, self._rows)


def describe(path: Path, rows: int) -> Part:
    """The Part of a file that was just written."""
    info = path.stat()
    columns = _column_digests(path) if path.suffix == ".parquet" else {}
    return Part(rows, _sha256(path), info.st_size, info.st_mtime_ns, columns)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _column_digests(path: Path) -> dict[str, str]:
    """SHA-256 of each column's pages: two files with equal columns agree on it, whatever their other columns hold."""
    digests: dict[str, Any] = {}
    with path.open("rb") as file, pq.ParquetFile(path) as parquet:
        meta = parquet.metadata
        for name in parquet.schema_arrow.names:
            digests[name] = hashlib.sha256()
        for group in range(meta.num_row_groups):
            for number in range(meta.num_columns):
                column = meta.row_group(group).column(number)
                first = column.dictionary_page_offset
                file.seek(column.data_page_offset if first is None else min(first, column.data_page_offset))
                digests[column.path_in_schema.split(".")[0]].update(file.read(column.total_compressed_size))
    return {name: digest.hexdigest() for name, digest in digests.items()}


def unchanged(path: Path, part: Part) -> bool:
    """Whether a file is still the one described: same size and time, or else same bytes."""
    try:
        info = path.stat()
        if info.st_size != part.size:
            return False
        return info.st_mtime_ns == part.mtime_ns or _sha256(path) == part.sha256
    except OSError:
        return False


def documents(path: Path, table: Table, columns: Sequence[str] | None = None) -> Iterator[tuple[str, list[Any]]]:
    """The rows of each article of a part, in order of doc_id. Columns that were not asked for are None."""
    for doc_id, rows in groupby(read(path, table, columns), attrgetter("doc_id")):
        yield doc_id, list(rows)


def read(path: Path, table: Table, columns: Sequence[str] | None = None) -> Iterator[Any]:
    """The rows of a part, few of them in memory at a time.

    Raises PipelineError naming the file when it can't be read, or lacks a column.
    """
    asked = None if columns is None or columns == ("*",) else list(columns)
    with _open(path) as file:
        if missing := {c.name for c in table.columns if asked is None or c.name in asked} - set(file.schema_arrow.names):
            raise PipelineError(
                f"{path} has no column {', '.join(sorted(missing))}: another version wrote it", hint="run all stages: pipeline run CORPUS OUTPUTS"
            )
        for batch in file.iter_batches(BATCH_ROWS, columns=asked, use_threads=False):
            yield from from_arrow(table, batch, asked)


def _row_groups(path: Path) -> Iterator[pa.Table]:
    with _open(path) as file:
        for number in range(file.num_row_groups):
            yield file.read_row_group(number, use_threads=False)


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    """A Parquet file whose checksums are verified as it is read."""
    try:
        with pq.ParquetFile(path, memory_map=True, page_checksum_verification=True) as file:
            yield file
    except (OSError, pa.ArrowException) as error:
        if getattr(error, "errno", None) == errno.EMFILE:
            raise PipelineError("too many files are open", hint="allow more with ulimit -n, or use fewer shards (setting run.shards)") from error
        raise PipelineError(f"{path} can't be read: {_first_line(error)}", hint="delete that file and run again: it is made anew") from error


class Corpus(Mapping[str, Iterable[Any]]):
    """The tables of a whole corpus, to be read over and over: rows of article tables in order of doc_id across the shards."""

    def __init__(self, paths: Mapping[str, Sequence[Path]], columns: Mapping[str, Sequence[str]]) -> None:
        self._paths, self._columns = paths, columns

    def __getitem__(self, name: str) -> Iterable[Any]:
        return _Stream(self._paths[name], TABLES[name], self._columns[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


class _Stream(NamedTuple):
    paths: Sequence[Path]
    table: Table
    columns: Sequence[str]

    def __iter__(self) -> Iterator[Any]:
        streams = [read(path, self.table, self.columns) for path in self.paths]
        return heapq.merge(*streams, key=attrgetter("doc_id")) if len(streams) > 1 else iter(streams[0] if streams else ())


class Store:
    """One output folder."""

    def __init__(self, outputs: Path) -> None:
        self.outputs = outputs
        self.work = outputs / ".work"
        # By process: a worker that outlives a killed run must not write into the next one's files.
        self.scratch = self.work / "scratch" / str(os.getpid())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Only one run works on the folder at a time. The lock falls with the process that holds it, however that ends."""
        lock = FileLock(self.work / "lock")
        with writing(self.outputs):
            self.work.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                holder = _read_text(self.work / "pid")
                raise PipelineError(
                    f"another run is working on {self.outputs}" + (f" (process {holder})" if holder else ""),
                    hint="wait until it has finished, or give this run another output folder",
                ) from None
        try:
            with writing(self.outputs):
                write_text(self.work / "pid", str(os.getpid()))
                self._finish_publishing()
                shutil.rmtree(self.scratch.parent, ignore_errors=True)
                self.scratch.mkdir(parents=True)
            yield
        finally:
            shutil.rmtree(self.scratch.parent, ignore_errors=True)
            lock.release()

    def part(self, key: str) -> Path:
        """Path of a part by its key, `table/shard`."""
        name = key.split("/")[0]
        return self.work / "parts" / (f"{key}.parquet" if name in TABLES else key)

    def receipts(self, step: str) -> dict[str, Receipt]:
        """The receipts of a step by shard. One that can't be read counts as missing."""
        found = {}
        for path in sorted((self.work / "receipts" / step).glob("*.json")):
            try:
                data = json.loads(path.read_text(encoding="utf-8"))
                parts = {key: Part(**part) for key, part in data["parts"].items()}
                found[path.stem] = Receipt(data["causes"], parts, data["articles"], data["seconds"])
            except (OSError, ValueError, LookupError, TypeError, AttributeError):
                continue
        return found

    def commit(self, step: str, shard: str, receipt: Receipt, made: Mapping[str, Path]) -> None:
        """Move the parts of a finished piece of work into place, then write its receipt."""
        path = self.work / "receipts" / step / f"{shard}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        for key, scratch in made.items():
            target = self.part(key)
            target.parent.mkdir(parents=True, exist_ok=True)
            scratch.replace(target)
        parts = {key: part._asdict() for key, part in receipt.parts.items()}
        write_text(path, json.dumps({**receipt._asdict(), "parts": parts}))

    def forget(self, step: str, shard: str, receipt: Receipt) -> None:
        """Remove a piece of work whose articles are gone."""
        (self.work / "receipts" / step / f"{shard}.json").unlink(missing_ok=True)
        self.remove_parts(receipt, keep=())

    def remove_parts(self, receipt: Receipt, keep: Iterable[str]) -> None:
        for key in set(receipt.parts) - set(keep):
            self.part(key).unlink(missing_ok=True)

    def sweep(self, keep: Iterable[str]) -> None:
        """Remove parts that no receipt speaks of: what a killed run left behind."""
        wanted = {self.part(key) for key in keep}
        for path in (self.work / "parts").glob("*/*"):
            if path not in wanted:
                path.unlink()

    def published(self) -> dict[str, tuple[str, Part]]:
        """For every published file the digest of what it was made from, and its Part."""
        try:
            data = json.loads((self.work / "published.json").read_text(encoding="utf-8"))
            return {name: (made_from, Part(**part)) for name, (made_from, part) in data.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def publish(self, wanted: Mapping[str, tuple[str, Sequence[Path]]]) -> list[str]:
        """Replace the published files whose parts changed, all at once; returns their names.

        `wanted` gives for each file the digest of what it is made from, and the parts it is made of.
        """
        before = self.published()
        stale = [
            n for n, (made_from, _) in wanted.items() if n not in before or before[n][0] != made_from or not unchanged(self.outputs / n, before[n][1])
        ]
        if not stale and set(before) == set(wanted):
            return []
        ready = self.scratch / "publish"
        ready.mkdir()
        after = {name: entry for name, entry in before.items() if name in wanted}
        for name in stale:
            made_from, parts = wanted[name]
            after[name] = (made_from, _assemble(ready / name, parts))
        write_text(ready / "published.json", json.dumps({n: (m, p._asdict()) for n, (m, p) in after.items()}))
        for path in ready.iterdir():
            _sync(path)
        ready.replace(self.work / "publish")
        self._finish_publishing()
        return stale

    def _finish_publishing(self) -> None:
        ready = self.work / "publish"
        if not ready.is_dir():
            return
        for path in sorted(ready.iterdir()):
            if path.name != "published.json":
                _replace(path, self.outputs / path.name)
        manifest = ready / "published.json"
        if manifest.exists():
            manifest.replace(self.work / "published.json")
        ready.rmdir()


def _replace(path: Path, target: Path) -> None:
    # A table may stand there as a folder of parts, put by another tool.
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    path.replace(target)


def _assemble(target: Path, parts: Sequence[Path]) -> Part:
    if target.suffix != ".parquet":
        shutil.copyfile(parts[0], target)
        return describe(target, 1)
    table = TABLES[target.stem]
    writer = Writer(target, table)
    if len(parts) == 1:
        for group in _row_groups(parts[0]):
            writer.add_table(group)
    else:
        waiting: list[pa.Table] = []
        rows = 0
        for _, slice_ in heapq.merge(*(_slices(path) for path in parts), key=lambda s: s[0]):
            waiting.append(slice_)
            rows += slice_.num_rows
            if rows >= GROUP_ROWS:
                writer.add_table(pa.concat_tables(waiting))
                waiting, rows = [], 0
        if waiting:
            writer.add_table(pa.concat_tables(waiting))
    return writer.close()


def _slices(path: Path) -> Iterator[tuple[str, pa.Table]]:
    """The rows of each article of a part as Arrow tables, without making Python objects of the values."""
    for group in _row_groups(path):
        runs = pc.run_end_encode(group.column("doc_id").combine_chunks())
        start = 0
        for doc_id, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
            yield doc_id, group.slice(start, end - start)
            start = end


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what a disk refuses into an error that says so."""
    try:
        yield
    except (PermissionError, FileExistsError, NotADirectoryError) as error:
        raise PipelineError(
            f"can't write to {folder}: {error.strerror or error}", hint="give another output folder, or mend its permissions"
        ) from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise PipelineError(
                f"can't write to {folder}: {_first_line(error)}", hint="mend that, then run again: what is finished is kept"
            ) from error
        raise PipelineError(f"the disk that holds {folder} is full", hint="make room, then run again: what is finished is kept") from error


def write_text(path: Path, text: str) -> None:
    """Replace a file in one step."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(path)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _first_line(error: BaseException) -> str:
    return str(error).split("\n")[0] or type(error).__name__


def now() -> float:
    """Seconds on a clock that never goes backwards."""
    return time.monotonic()
