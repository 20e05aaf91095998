"""The corpus folder: which articles it holds, where each belongs, and what changed. Reads nothing outside the folder."""

import hashlib
import json
import os
import stat
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any, NamedTuple

from pipeline.errors import PipelineError, Skip
from pipeline.stages.ingest import TEXTS, Source

MAX_BYTES = 64 * 2**20
"""A larger text file, or line of a JSONL file, is skipped unread: it is no article, and reading it costs memory."""

RECORDS = (".jsonl",)
"""Formats that hold one article a line."""

_RACE_NS = 2_000_000_000


class File(NamedTuple):
    """A file of the corpus. `pieces` names, per shard, the digest of the records that a file of many articles puts there."""

    path: str
    size: int
    mtime_ns: int
    digest: str
    pieces: Mapping[int, str]


def shard_of(doc_id: str, shards: int) -> int:
    """The shard of an article: fixed by its id alone, so that a new article moves no other."""
    return int.from_bytes(hashlib.sha256(doc_id.encode("utf-8", "surrogatepass")).digest()[:8], "big") % shards


def scan(corpus: Path, shards: int, exclude: Path, known: Mapping[str, File], since_ns: int) -> Iterator[File]:
    """Every file below the folder, in order of path; names that begin with a dot are left out.

    A file whose size and time are those in `known` is not read again, unless it was written so shortly before `since_ns`,
    when `known` was made, that a later change could have left the time as it was (git calls such an entry racy). Links and
    what was skipped are always looked at again: what they lead to, or the right to read them, may change without a trace.
    Raises PipelineError when the folder is missing or holds no file.
    """
    check_folder(corpus)
    found = False
    for path in _walk(corpus, exclude.resolve()):
        found = True
        name = path.relative_to(corpus).as_posix()
        try:
            info = path.lstat()
        except FileNotFoundError:
            continue  # gone since the folder was listed
        before = known.get(name)
        same = before and (before.size, before.mtime_ns) == (info.st_size, info.st_mtime_ns) and info.st_mtime_ns < since_ns - _RACE_NS
        if before and same and stat.S_ISREG(info.st_mode) and not before.digest.startswith("skip: "):
            yield before
        else:
            yield _look(corpus, path, name, info, shards)
    if not found:
        raise PipelineError(f"the corpus folder {corpus} holds no files", hint="put articles there as .txt or .jsonl files, then run this again")


def check_folder(corpus: Path) -> None:
    """Raises PipelineError where there is no such folder."""
    if not corpus.is_dir():
        what = "a file, not a folder" if corpus.exists() else "missing"
        hint = "name the folder that holds the articles: pipeline run CORPUS OUTPUTS"
        raise PipelineError(f"the corpus folder {corpus} is {what}", hint=hint)


def _walk(corpus: Path, exclude: Path) -> Iterator[Path]:
    def failed(error: OSError) -> None:
        message = f"can't read {error.filename}: {error.strerror}"
        raise PipelineError(message, hint="mend its permissions, or move it out of the corpus folder") from error

    for folder, folders, files in os.walk(corpus, onerror=failed):
        here = Path(folder)
        links = [f for f in folders if (here / f).is_symlink()]  # never followed, so listed as what they are
        folders[:] = sorted(f for f in folders if f not in links and not f.startswith(".") and (here / f).resolve() != exclude)
        for name in sorted(files + links):
            if not name.startswith("."):
                yield here / name


def _look(corpus: Path, path: Path, name: str, info: os.stat_result, shards: int) -> File:
    try:
        _readable(corpus, path, name, info)
    except Skip as reason:
        return File(name, info.st_size, info.st_mtime_ns, f"skip: {reason}", {})
    total = hashlib.sha256()
    pieces: dict[int, Any] = defaultdict(hashlib.sha256)
    try:
        with path.open("rb") as file:
            if path.suffix.lower() in RECORDS:
                for source in _records(name, file):
                    pieces[shard_of(source.doc_id, shards)].update(_entry(source))
            else:
                while block := file.read(2**20):
                    total.update(block)
    except OSError as error:
        return File(name, info.st_size, info.st_mtime_ns, f"skip: can't be read: {error.strerror}", {})
    if path.suffix.lower() in RECORDS and not pieces:
        return File(name, info.st_size, info.st_mtime_ns, "skip: empty", {})
    digests = {shard: piece.hexdigest() for shard, piece in sorted(pieces.items())}
    return File(name, info.st_size, info.st_mtime_ns, total.hexdigest(), digests)


def _entry(source: Source) -> bytes:
    return json.dumps([source.doc_id, source.path, hashlib.sha256(source.data).hexdigest()]).encode()


def _readable(corpus: Path, path: Path, name: str, info: os.stat_result) -> None:
    if stat.S_ISLNK(info.st_mode):
        try:
            target = path.resolve()
        except (OSError, RuntimeError) as error:
            raise Skip("a link that leads in a circle") from error
        if not target.is_relative_to(corpus.resolve()):
            raise Skip("a link to something outside the corpus folder")
        if not target.is_file():
            raise Skip("a link that leads to no file")
    elif not stat.S_ISREG(info.st_mode):
        raise Skip("neither a file nor a folder")
    if path.suffix.lower() not in (*TEXTS, *RECORDS):
        raise Skip(f"unsupported file type {path.suffix or '(none)'}: .txt, .html, .htm and .jsonl are read")
    if path.suffix.lower() not in RECORDS and path.stat().st_size > MAX_BYTES:
        raise Skip(f"{path.stat().st_size:,} bytes, more than an article has")


def doc_id_of(name: str) -> str:
    """The id of a file's article: its path without the suffix, bytes that are no UTF-8 written as \\udc.."""
    stem = name[: -len(Path(name).suffix)] if Path(name).suffix else name
    return printable(stem)


def printable(name: str) -> str:
    """A file name that a table can hold."""
    return name.encode("utf-8", "backslashreplace").decode()


def members(files: list[File], shards: int) -> dict[int, list[File]]:
    """The files of each shard, in order of path; a file of many articles belongs to each shard that it has records for."""
    found: dict[int, list[File]] = defaultdict(list)
    for file in files:
        if Path(file.path).suffix.lower() in RECORDS and not file.digest.startswith("skip:"):
            for shard in file.pieces:
                found[shard].append(file)
        else:
            found[shard_of(doc_id_of(file.path), shards)].append(file)
    return dict(sorted(found.items()))


def digest(files: list[File], shard: int) -> str:
    """Changes when an article of the shard does."""
    return hashlib.sha256(json.dumps([[f.path, f.pieces.get(shard, f.digest)] for f in files]).encode("utf-8", "surrogatepass")).hexdigest()


def sources(corpus: Path, files: list[File], pieces: Path | None) -> Iterator[Source | tuple[str, str]]:
    """The articles of a shard in order of doc_id, or (doc_id, reason) for what holds none; one in memory at a time.

    `pieces` is the file that `split` wrote for the shard.
    """
    found: list[tuple[str, str, File | int]] = []  # an int is an offset into `pieces`
    for file in files:
        if file.digest.startswith("skip: "):
            found.append((printable(file.path), "", file))
        elif Path(file.path).suffix.lower() not in RECORDS:
            found.append((doc_id_of(file.path), printable(file.path), file))
    with pieces.open("rb") if pieces is not None and pieces.exists() else BytesIO() as records:
        at = 0
        for line in records:
            doc_id, path, _ = json.loads(line)
            found.append((doc_id, path, at))
            at += len(line)
        for doc_id, path, where in sorted(found, key=lambda s: s[:2]):
            if isinstance(where, int):
                records.seek(where)
                yield Source(doc_id, path, RECORDS[0], json.loads(records.readline())[2].encode("utf-8", "surrogateescape"))
            elif where.digest.startswith("skip: "):
                yield doc_id, where.digest.removeprefix("skip: ")
            else:
                file_path = corpus / where.path
                with _reading(file_path):
                    data = file_path.read_bytes()
                yield Source(doc_id, path, file_path.suffix.lower(), data)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    # A row of `skipped` would stay there for as long as the file looks the same.
    try:
        yield
    except OSError as error:
        if str(error.filename) != str(path):
            raise
        message = f"{printable(str(path))} could be read a moment ago, but now: {error.strerror}"
        raise PipelineError(message, hint="run again when nothing changes the corpus folder") from error


def split(corpus: Path, files: list[File], shards: set[int], count: int, folder: Path) -> dict[int, Path]:
    """Write the records of files of many articles into one file a shard, in one pass over each."""
    paths = {shard: folder / f"{shard:05}.jsonl" for shard in sorted(shards)}
    handles: dict[int, IO[str]] = {}
    try:
        for file in files:
            if Path(file.path).suffix.lower() not in RECORDS or not shards & set(file.pieces):
                continue
            path = corpus / file.path
            with _reading(path), path.open("rb") as lines:
                for source in _records(file.path, lines):
                    shard = shard_of(source.doc_id, count)
                    if shard in shards:
                        if shard not in handles:
                            handles[shard] = paths[shard].open("w", encoding="utf-8")
                        handles[shard].write(json.dumps([source.doc_id, source.path, source.data.decode("utf-8", "surrogateescape")]) + "\n")
    finally:
        for handle in handles.values():
            handle.close()
    return {shard: path for shard, path in paths.items() if shard in handles}


def _records(name: str, lines: IO[bytes]) -> Iterator[Source]:
    number = 0
    while line := lines.readline(MAX_BYTES):
        number += 1
        path = f"{printable(name)}#{number}"
        if len(line) == MAX_BYTES and not line.endswith(b"\n"):
            while (rest := lines.readline(MAX_BYTES)) and not rest.endswith(b"\n"):
                pass
            line = b"null"  # ingest says that it is no article
        if line.strip():
            yield Source(_record_id(line, path), path, RECORDS[0], line.strip())


def _record_id(line: bytes, path: str) -> str:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return path
    for own in (record.get("id"), record.get("doc_id")) if isinstance(record, dict) else ():
        if isinstance(own, str | int) and not isinstance(own, bool) and str(own).strip():
            return printable(str(own))
    return path
