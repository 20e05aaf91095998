"""Runs the stages over the shards of a corpus: what is stale and why, resuming, processes, progress.

A piece of work is one step on one shard (or one step on the whole corpus). It is fresh while its receipt names the same
causes: the step's code and word lists, its settings, the types of the tables it writes, the model, and the columns it
reads. Workers write scratch files; only this process moves them into place, so a worker that outlives a killed run can
do no harm.
"""

import hashlib
import importlib
import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from pipeline import corpus as corpora
from pipeline import nlp
from pipeline.config import Settings
from pipeline.errors import PipelineError, Skip
from pipeline.fingerprint import code_digest
from pipeline.stages import STAGES, STEPS, Step
from pipeline.stages.ingest import Source
from pipeline.store import Corpus, Part, Receipt, Store, Writer, describe, documents, now, unchanged, write_text, writing
from pipeline.tables import TABLES, Rows, Skipped, check

WHOLE = "all"
"""The shard of a step over the whole corpus."""

SMALL = 40
"""With fewer articles to do, starting processes costs more than they save."""

OPEN_FILES = 8192
"""What a step over the corpus may need: a part of every shard for every table that it reads."""

ATTEMPTS = 3
"""A shard whose worker dies is given to a new one; after this many deaths it is the shard's fault."""


class Progress(Protocol):
    """Who wants to know how far a run is."""

    def start(self, step: str, articles: int) -> None: ...

    def advance(self, articles: int) -> None: ...

    def finish(self, step: str, articles: int, seconds: float, skipped: int) -> None: ...


class State(NamedTuple):
    """What `status` says of a step: how many of its pieces are fresh and stale, and why."""

    step: str
    stage: str
    fresh: int
    stale: int
    reasons: tuple[str, ...]


@dataclass
class Summary:
    """What a run did and left behind."""

    outputs: str
    rows: dict[str, int] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    """How many were left out, by `stage: reason`."""
    done: dict[str, int] = field(default_factory=dict)
    """Pieces of work done, by step; a step with none was fresh."""
    published: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Task(NamedTuple):
    """One piece of work for a worker: paths in, paths out."""

    step: Step
    shard: str
    settings: Settings
    causes: dict[str, str]
    articles: int
    inputs: dict[str, tuple[Path, ...]]
    outputs: Path
    scratch: Path
    shards: int
    corpus: Path | None = None
    files: tuple[corpora.File, ...] = ()
    pieces: Path | None = None


class Result(NamedTuple):
    task: Task
    parts: dict[str, Part]
    paths: dict[str, Path]
    skipped: int
    faults: tuple[str, ...]
    """Why the step broke down on articles that it should have managed."""
    seconds: float


# ---------------------------------------------------------------------------------------------------- what is stale


class Plan(NamedTuple):
    """The pieces of one step: those to do, with their causes and the reason, and how many are fresh."""

    todo: dict[str, tuple[dict[str, str], str]]
    fresh: int


class Run:
    """One look at a corpus and an output folder: which pieces there are, which are fresh, and the doing of the rest."""

    def __init__(self, store: Store, settings: Settings, corpus: Path | None) -> None:
        self.store, self.settings, self.corpus = store, settings, corpus
        self.workers = Workers(settings.run.workers or os.cpu_count() or 1)
        self.receipts = {step.name: store.receipts(step.name) for step in STEPS}
        self.parts: dict[str, Part] = {k: p for step in STEPS for r in self.receipts[step.name].values() for k, p in r.parts.items()}
        self.files: dict[int, list[corpora.File]] = {}
        self.files_seen: str | None = None
        """What to keep of the scan for the next run."""
        if corpus is not None:
            found, self.files_seen = _scan(store, corpus, settings.run.shards)
            self.files = corpora.members(found, settings.run.shards)

    def shards(self, step: Step) -> list[str]:
        if step.scope == "corpus":
            return [WHOLE]
        if self.corpus is not None:
            return [shard_name(shard) for shard in self.files]
        return sorted(self.receipts["ingest"])

    def plan(self, step: Step, force: bool = False) -> Plan:
        receipts = self.receipts[step.name]
        todo = {}
        shards = self.shards(step)
        common = self._common_causes(step)
        for shard in shards:
            causes = {**common, **self._inputs(step, shard)}
            reason = "forced" if force else self._why(receipts.get(shard), causes)
            if reason:
                todo[shard] = (causes, reason)
        return Plan(todo, len(shards) - len(todo))

    def _why(self, receipt: Receipt | None, causes: dict[str, str]) -> str | None:
        if receipt is None:
            return "not run yet"
        changed = [name for name in {**receipt.causes, **causes} if receipt.causes.get(name) != causes.get(name)]
        if changed:
            return f"{', '.join(changed)} changed"
        if not all(unchanged(self.store.part(key), part) for key, part in receipt.parts.items()):
            return "a part is missing or damaged"
        return None

    def _common_causes(self, step: Step) -> dict[str, str]:
        causes = {"code": code_digest(f"pipeline.stages.{step.stage}")}
        causes["tables"] = _digest([TABLES[t].digest for t in step.writes if t in TABLES])
        section = getattr(self.settings, step.stage, None)
        if section is not None:
            values = asdict(section)
            if step.model:
                values["model"] = nlp.digest(values["model"])
            causes |= {f"setting {step.stage}.{name}": str(value) for name, value in values.items()}
        return causes

    def _inputs(self, step: Step, shard: str) -> dict[str, str]:
        if step.scope == "source":
            return {"articles": corpora.digest(self.files[int(shard)], int(shard))} if self.corpus is not None else {}
        causes = {}
        for table, columns in step.reads.items():
            seen = [[key, *self._columns(key, columns)] for key in self.part_keys(table, shard)]
            causes[table] = _digest(seen)
        return causes

    def _columns(self, key: str, columns: Sequence[str]) -> list[str]:
        digests = self.parts[key].columns
        return [digests[c] for c in (columns if columns != ("*",) else sorted(digests))]

    def part_keys(self, table: str, shard: str) -> list[str]:
        """The parts of a table that a piece of work on a shard reads."""
        if shard == WHOLE or not TABLES[table].of_articles:
            return sorted(key for key in self.parts if key.startswith(f"{table}/"))
        return [f"{table}/{shard}"] if f"{table}/{shard}" in self.parts else []

    # ------------------------------------------------------------------------------------------------- doing the rest

    def missing(self, step: Step) -> str | None:
        """The stage that has to run before this step, when its input was never made."""
        for table in step.reads:
            stage = TABLES[table].stage
            writer = next(s for s in STEPS if table in s.writes)
            if stage != step.stage and not self.receipts[writer.name]:
                return stage
        return None

    def do(self, step: Step, force: bool, progress: Progress) -> int:
        """Do the stale pieces of a step; returns how many there were."""
        self._drop_gone(step)
        plan = self.plan(step, force)
        if not plan.todo:
            return 0
        tasks = self._tasks(step, plan)
        total = sum(t.articles for t in tasks)
        started = now()
        progress.start(step.name, total)
        skipped, faults = 0, list[str]()
        for result in self._results(step, tasks, total):
            self._commit(result)
            skipped += result.skipped
            faults += result.faults
            progress.advance(result.task.articles)
        if faults and len(faults) == sum(r.articles for r in self.receipts[step.name].values()):
            self._drop(step, list(self.receipts[step.name]))
            raise PipelineError(
                f"{step.name} broke down on every article, first with {faults[0]}",
                hint="this is a fault of the program or its installation; please report it. The published tables are as they were",
            )
        progress.finish(step.name, total, now() - started, skipped)
        return len(tasks)

    def _results(self, step: Step, tasks: list[Task], articles: int) -> Iterator[Result]:
        wanted = self.settings.run.workers or (1 if articles < SMALL else self.workers.count)
        if step.scope == "corpus" or min(wanted, len(tasks)) == 1:
            yield from map(work, tasks)
        else:
            yield from self.workers.results(tasks)

    def _tasks(self, step: Step, plan: Plan) -> list[Task]:
        with writing(self.store.outputs):
            return self._prepared(step, plan)

    def _prepared(self, step: Step, plan: Plan) -> list[Task]:
        shards = self.settings.run.shards
        pieces: dict[int, Path] = {}
        if step.scope == "source" and self.corpus is not None:
            numbers = {int(shard) for shard in plan.todo}
            files = list({f.path: f for n in numbers for f in self.files[n]}.values())
            folder = self.store.scratch / "pieces"
            folder.mkdir(exist_ok=True)
            pieces = corpora.split(self.corpus, files, numbers, shards, folder)
        tasks = []
        for shard, (causes, _) in plan.todo.items():
            scratch = self.store.scratch / f"{step.name}-{shard}"
            scratch.mkdir(exist_ok=True)
            inputs = {t: tuple(self.store.part(k) for k in self.part_keys(t, shard)) for t in step.reads}
            task = Task(step, shard, self.settings, causes, 0, inputs, self.store.outputs, scratch, shards)
            if step.scope == "source":
                number = int(shard)
                task = task._replace(corpus=self.corpus, files=tuple(self.files[number]), pieces=pieces.get(number), articles=len(self.files[number]))
            else:
                task = task._replace(articles=sum(self.parts[k].rows for k in self.part_keys("articles", shard)))
            tasks.append(task)
        return tasks

    def _commit(self, result: Result) -> None:
        step, shard = result.task.step.name, result.task.shard
        receipt = Receipt(result.task.causes, result.parts, result.task.articles, result.seconds)
        before = self.receipts[step].get(shard)
        with writing(self.store.outputs):
            self.store.commit(step, shard, receipt, result.paths)
        if before:
            self.store.remove_parts(before, receipt.parts)
            for key in set(before.parts) - set(receipt.parts):
                del self.parts[key]
        self.receipts[step][shard] = receipt
        self.parts |= receipt.parts

    def _drop_gone(self, step: Step) -> None:
        """Take away the pieces of shards that hold no article any more."""
        keep = set(self.shards(step))
        self._drop(step, [s for s in self.receipts[step.name] if s not in keep])

    def _drop(self, step: Step, shards: list[str]) -> None:
        for shard in shards:
            receipt = self.receipts[step.name].pop(shard)
            self.store.forget(step.name, shard, receipt)
            for key in receipt.parts:
                self.parts.pop(key, None)

    def publish(self) -> list[str]:
        """Put the tables of every step that has run into the output folder."""
        wanted = {}
        for step in STEPS:
            for name in step.writes:
                keys = sorted(k for k in self.parts if k.startswith(f"{name}/"))
                if self.receipts[step.name] and (name not in TABLES or TABLES[name].public):
                    wanted[f"{name}.parquet" if name in TABLES else name] = self._made_from(keys)
        skipped = [k for step in STEPS for r in self.receipts[step.name].values() for k in r.parts if k.startswith("skipped/")]
        wanted["skipped.parquet"] = self._made_from(sorted(skipped))
        return self.store.publish(wanted)

    def _made_from(self, keys: list[str]) -> tuple[str, list[Path]]:
        return _digest([self.parts[k].sha256 for k in keys]), [self.store.part(k) for k in keys]

    def summary(self) -> Summary:
        """Rows of every published table, and what was left out and why."""
        rows = {Path(name).stem: part.rows for name, (_, part) in self.store.published().items() if name.endswith(".parquet")}
        found = Summary(str(self.store.outputs), {t: rows[t] for t in TABLES if t in rows})
        for key in sorted(k for k in self.parts if k.startswith("skipped/")):
            for _, gone in documents(self.store.part(key), TABLES["skipped"]):
                for row in gone:
                    label = f"{row.stage}: {row.reason}"
                    found.skipped[label] = found.skipped.get(label, 0) + 1
        return found


def shard_name(shard: int) -> str:
    return f"{shard:05}"


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def _scan(store: Store, corpus: Path, shards: int) -> tuple[list[corpora.File], str]:
    """The files of the corpus, and the text that lets the next run pass over unchanged ones."""
    known: dict[str, corpora.File] = {}
    since = 0
    same = {"corpus": str(corpus.resolve()), "shards": shards, "code": code_digest("pipeline.corpus")}
    try:
        data = json.loads((store.work / "files.json").read_text(encoding="utf-8"))
        if {name: data[name] for name in same} == same:
            since = data["since"]
            for name, size, mtime, digest, pieces in data["files"]:
                known[name] = corpora.File(name, size, mtime, digest, {int(k): v for k, v in pieces.items()})
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        pass  # without it every file is read again, no more
    began = time.time_ns()
    files = list(corpora.scan(corpus, shards, store.outputs, known, since))
    return files, json.dumps({**same, "since": began, "files": files})


# ------------------------------------------------------------------------------------------------------------ the work


def work(task: Task) -> Result:
    """Do one piece of work: read its parts, call the step, check and write the rows. Touches nothing but its scratch folder.

    An article that the step can't process becomes a row of `skipped`; only what concerns more than one article
    (a missing model, an unreadable part, a full disk) raises.
    """
    started = now()
    function = getattr(importlib.import_module(f"pipeline.stages.{task.step.stage}"), task.step.name)
    if task.step.model:
        nlp.load(task.settings.tokenize.model)
    with writing(task.outputs):
        if task.step.scope == "corpus":
            paths = _work_on_corpus(task, function)
            parts = {key: describe(path, rows) for key, (path, rows) in paths.items()}
            return Result(task, parts, {key: path for key, (path, _) in paths.items()}, 0, (), now() - started)
        return _work_on_articles(task, function, started)


def _work_on_articles(task: Task, function: Callable[..., Rows], started: float) -> Result:
    keys = {table: f"{table}/{task.shard}" for table in task.step.writes}
    writers = {table: Writer(task.scratch / f"{table}.parquet", TABLES[table]) for table in task.step.writes}
    skipped: list[Skipped] = []
    faults: list[str] = []
    for doc_id, argument, given in _sources(task, skipped) if task.step.scope == "source" else _articles(task):
        try:
            made = function(argument, task.settings)
            check(made, given, {})
        except Skip as reason:
            skipped.append(Skipped(doc_id, task.step.stage, str(reason)))
        except Exception as error:  # noqa: BLE001 -- one article must not cost the others; its row names the fault
            first = str(error).splitlines()[0] if str(error) else ""
            faults.append(f"{type(error).__name__}: {first}".encode("utf-8", "backslashreplace").decode())
            skipped.append(Skipped(doc_id, task.step.stage, f"fault: {faults[-1]}"))
        else:
            for table, writer in writers.items():
                writer.add(made[table])
    if skipped:
        keys["skipped"] = f"skipped/{task.step.name}-{task.shard}"
        writers["skipped"] = Writer(task.scratch / "skipped.parquet", TABLES["skipped"])
        writers["skipped"].add(sorted(set(skipped)))
    parts = {keys[table]: writer.close() for table, writer in writers.items()}
    return Result(task, parts, {keys[t]: w.path for t, w in writers.items()}, len(skipped), tuple(faults), now() - started)


def _sources(task: Task, skipped: list[Skipped]) -> Iterator[tuple[str, Any, Rows]]:
    """The sources of a shard. What can't be read, and whatever claims an id that is taken, goes to `skipped`."""
    if task.corpus is None:
        return
    taken: dict[str, str] = {}
    for source in corpora.sources(task.corpus, list(task.files), task.pieces):
        if not isinstance(source, Source):
            skipped.append(Skipped(source[0], task.step.stage, source[1]))
        elif source.doc_id in taken:
            skipped.append(Skipped(source.path, task.step.stage, f"its id {source.doc_id} is that of {taken[source.doc_id]}"))
        else:
            taken[source.doc_id] = source.path
            yield source.doc_id, source, {}


def _articles(task: Task) -> Iterator[tuple[str, Any, Rows]]:
    """The rows of each article of a shard, by table, walking all its parts side by side."""
    streams = {t: _documents(paths, t, task.step.reads[t]) for t, paths in task.inputs.items()}
    ahead = {table: next(stream, None) for table, stream in streams.items() if table != "articles"}
    for doc_id, articles in streams["articles"]:
        rows: Rows = {"articles": articles}
        for table, group in ahead.items():
            rows[table] = []
            if group is not None and group[0] == doc_id:
                rows[table] = group[1]
                ahead[table] = next(streams[table], None)
        yield doc_id, rows, rows


def _documents(paths: Sequence[Path], table: str, columns: Sequence[str]) -> Iterator[tuple[str, list[Any]]]:
    for path in paths:
        yield from documents(path, TABLES[table], columns)


def _work_on_corpus(task: Task, function: Callable[..., Mapping[str, Iterable[Any]]]) -> dict[str, tuple[Path, int]]:
    """Call a step over the whole corpus. Rows about articles are written to the shards that these belong to."""
    tables = Corpus(task.inputs, task.step.reads)
    made = function(tables, task.settings)
    written: dict[str, tuple[Path, int]] = {}
    known = {f"{t}.{TABLES[t].key[0]}": {row[0] for row in tables[t]} for t in task.step.reads if not TABLES[t].of_articles}
    for name in task.step.writes:
        if name not in TABLES:
            path = task.scratch / name
            path.write_text("".join(made[name]), encoding="utf-8")
            written[f"{name}/{name}"] = (path, 1)
        elif not TABLES[name].of_articles:
            rows = list(made[name])
            check({name: rows}, {}, known)
            known[f"{name}.{TABLES[name].key[0]}"] = {row[0] for row in rows}
            writer = Writer(task.scratch / f"{name}.parquet", TABLES[name])
            writer.add(rows)
            written[f"{name}/{WHOLE}"] = (writer.path, writer.close().rows)
        else:
            for shard, writer in _route(task, name, made[name], known).items():
                written[f"{name}/{shard}"] = (writer.path, writer.close().rows)
    return written


def _route(task: Task, name: str, rows: Iterable[Any], known: Mapping[str, set[Any]]) -> dict[str, Writer]:
    writers: dict[str, Writer] = {}
    for doc_id, group in groupby(rows, attrgetter("doc_id")):
        of_article = list(group)
        check({name: of_article}, {}, known)
        shard = shard_name(corpora.shard_of(doc_id, task.shards))
        if shard not in writers:
            writers[shard] = Writer(task.scratch / f"{name}-{shard}.parquet", TABLES[name])
        writers[shard].add(of_article)
    return writers


class Workers:
    """A process pool that outlives its workers: one that dies is replaced, and what it had begun is begun again."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool: ProcessPoolExecutor | None = None

    def results(self, tasks: Sequence[Task]) -> Iterator[Result]:
        """Results of the tasks as they come."""
        waiting = {task.shard: task for task in tasks}
        deaths = 0
        while waiting:
            try:
                running = {self._submit(task): shard for shard, task in waiting.items()}
                while running:
                    for future in wait(running, return_when=FIRST_COMPLETED).done:
                        result = future.result()
                        del waiting[running.pop(future)]
                        deaths = 0
                        yield result
            except BrokenProcessPool as error:
                self.close()
                deaths += 1
                if deaths == ATTEMPTS:
                    raise PipelineError(
                        f"{tasks[0].step.name}: {ATTEMPTS} workers in a row were killed, probably for want of memory",
                        hint="run again with --workers 1: what is finished is kept",
                    ) from error

    def _submit(self, task: Task) -> Future[Result]:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._others = multiprocessing.active_children()
            self._pool = ProcessPoolExecutor(self.count, context, _start_worker, (os.getpid(),))
        return self._pool.submit(work, task)

    def close(self) -> None:
        """End the workers, whatever they are doing."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                if process not in self._others:
                    process.terminate()
            self._pool = None


def _start_worker(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends the workers
    # Processes are what runs side by side here: threads of a numerical library would only fight over the same cores.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

    def follow() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


# ------------------------------------------------------------------------------------------------------------ commands


def run(
    corpus: Path | None,
    outputs: Path,
    settings: Settings,
    progress: Progress,
    *,
    stages: Sequence[str] = tuple(STAGES),
    force: bool = False,
) -> Summary:
    """Bring the tables of some stages up to date. `corpus` is only needed where `ingest` is among them.

    Raises PipelineError when a stage before the first one has never run, and for whatever concerns more than one article.
    """
    started = now()
    store = Store(outputs)
    first = next(s for s in STEPS if s.stage in stages)
    if corpus is None and not store.work.is_dir():
        raise _first_run("ingest", first, outputs)
    if corpus is not None:
        corpora.check_folder(corpus)
    _allow_open_files()
    with store.locked():
        here = Run(store, settings, corpus)
        done = {}
        with writing(outputs):
            if here.files_seen is not None:
                write_text(store.work / "files.json", here.files_seen)
            store.sweep(here.parts)
        try:
            for step in (s for s in STEPS if s.stage in stages):
                before = here.missing(step)
                if before:
                    raise _first_run(before, step, outputs)
                done[step.name] = here.do(step, force, progress)
        finally:
            here.workers.close()
        with writing(outputs):
            published = here.publish()
        summary = here.summary()
        summary.done, summary.published, summary.seconds = done, published, now() - started
        return summary


def _allow_open_files() -> None:
    """Many systems allow 256 at first, and more on request."""
    try:
        import resource
    except ImportError:  # not a Unix
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < OPEN_FILES:
        resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard), hard))


def _first_run(before: str, step: Step, outputs: Path) -> PipelineError:
    arguments = f"CORPUS {outputs}" if before == "ingest" else str(outputs)
    return PipelineError(f"{step.stage} needs what {before} makes, and that is not in {outputs}", hint=f"run first: pipeline {before} {arguments}")


def status(corpus: Path | None, outputs: Path, settings: Settings) -> list[State]:
    """What a run would find fresh and stale now, step by step, without doing anything.

    Behind a stale step nothing is certain: its rows may turn out as they were. Such steps say what they wait for.
    """
    store = Store(outputs)
    here = Run(store, settings, corpus)
    states: list[State] = []
    stale_tables: dict[str, str] = {}
    for step in STEPS:
        plan = here.plan(step)
        reasons = {reason for _, reason in plan.todo.values()}
        if here.receipts[step.name]:
            reasons |= {f"waits for {stale_tables[t]}" for t in step.reads if t in stale_tables}
        else:
            reasons = {"not run yet"}
        if reasons:
            stale_tables |= dict.fromkeys(step.writes, step.name)
        states.append(State(step.name, step.stage, plan.fresh, len(plan.todo), tuple(sorted(reasons))))
    return states


def corpus_of(outputs: Path) -> Path | None:
    """The corpus folder of the last run into an output folder."""
    try:
        return Path(json.loads((Store(outputs).work / "files.json").read_text(encoding="utf-8"))["corpus"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
