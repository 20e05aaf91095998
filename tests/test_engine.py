"""The engine: freshness, resuming, shards, workers, and what is left when a run is killed."""

import dataclasses
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline import engine, fingerprint
from pipeline.config import Run, Settings, Tokenize
from pipeline.errors import PipelineError
from pipeline.stages import STAGES, STEPS
from pipeline.tables import TABLES


class Recorder:
    """Progress that remembers which steps worked on how many articles."""

    def __init__(self) -> None:
        self.articles: dict[str, int] = {}

    def start(self, step: str, articles: int) -> None:
        self.articles[step] = articles

    def advance(self, articles: int) -> None: ...

    def finish(self, step: str, articles: int, seconds: float, skipped: int) -> None: ...


@pytest.fixture
def settings(tiny_model: Path) -> Settings:
    return Settings(tokenize=Tokenize(model=str(tiny_model)), run=Run(workers=1, shards=8))


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Twelve articles in files and two in one file."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for n in range(12):
        (folder / f"n{n:02}.txt").write_text(
            f"Quay Watch counts boats\n\nQuay Watch found {n + 3} boats in Porto. The Quay Watch's report is new.\n", "utf-8"
        )
    (folder / "more.jsonl").write_text('{"id": "r1", "text": "Four boats sank."}\n{"id": "r2", "text": "Five boats sank."}\n', "utf-8")
    return folder


def tables(outputs: Path) -> dict[str, str]:
    """SHA-256 of every published file."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(outputs.iterdir()) if p.is_file()}


def run(corpus: Path, outputs: Path, settings: Settings, **options: object) -> tuple[engine.Summary, Recorder]:
    progress = Recorder()
    return engine.run(corpus, outputs, settings, progress, **options), progress  # type: ignore[arg-type]


def test_a_run_publishes_every_public_table_and_the_report(corpus: Path, tmp_path: Path, settings: Settings) -> None:
    run(corpus, tmp_path / "out", settings)
    assert set(tables(tmp_path / "out")) == {f"{t.name}.parquet" for t in TABLES.values() if t.public} | {"report.html"}


def test_an_unchanged_run_does_nothing(corpus: Path, tmp_path: Path, settings: Settings) -> None:
    run(corpus, tmp_path / "out", settings)
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.parquet")}
    summary, progress = run(corpus, tmp_path / "out", settings)
    assert not any(summary.done.values())
    assert not progress.articles
    assert summary.published == []
    assert before == {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*.parquet")}


def test_force_does_everything_again(corpus: Path, tmp_path: Path, settings: Settings) -> None:
    run(corpus, tmp_path / "out", settings)
    summary, _ = run(corpus, tmp_path / "out", settings, force=True)
    assert all(summary.done.values())


def test_a_new_article_redoes_its_shard_alone(corpus: Path, tmp_path: Path, settings: Settings) -> None:
    run(corpus, tmp_path / "out", settings)
    (corpus / "new.txt").write_text("Nothing of note happened in Porto.\n", "utf-8")
    summary, _ = run(corpus, tmp_path / "out", settings)
    assert [summary.done[s] for s in ("ingest", "tokenize", "entities", "claims", "resolve")] == [1, 1, 1, 1, 1]


def test_a_new_record_redoes_its_shard_alone(corpus: Path, tmp_path: Path, settings: Settings) -> None:
    run(corpus, tmp_path / "out", settings)
    with (corpus / "more.jsonl").open("a") as file:
        file.write('{"id": "r3", "text": "Six boats sank."}\n')
    summary, _ = run(corpus, tmp_path / "out", settings)
    assert summary.done["ingest"] == summary.done["tokenize"] == 1


def test_a_removed_article_leaves_no_row(corpus: Path, tmp_path: Path, settings: Settings) -> None:
    run(corpus, tmp_path / "out", settings)
    for path in corpus.glob("n0*.txt"):
        path.unlink()
    run(corpus, tmp_path / "out", settings)
    fresh = tmp_path / "fresh"
    run(corpus, fresh, settings)
    assert tables(tmp_path / "out") == tables(fresh)


def test_a_touched_file_with_the_same_content_is_not_done_again(corpus: Path, tmp_path: Path, settings: Settings) -> None:
    run(corpus, tmp_path / "out", settings)
    os.utime(corpus / "n01.txt")
    summary, _ = run(corpus, tmp_path / "out", settings)
    assert not any(summary.done.values())


def test_a_change_that_keeps_size_and_time_at_once_is_seen(corpus: Path, tmp_path: Path, settings: Settings) -> None:
    # A file written in the same moment as the scan could change again without a new time.
    run(corpus, tmp_path / "out", settings)
    path = corpus / "n01.txt"
    info = path.stat()
    path.write_text(path.read_text("utf-8").replace("boats in", "ships in"), "utf-8")
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
    summary, _ = run(corpus, tmp_path / "out", settings)
    assert summary.done["ingest"] == 1


def test_changed_rules_rerun_what_depends_on_them_and_never_the_model(
    corpus: Path, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(corpus, tmp_path / "out", settings)
    real = fingerprint.code_digest
    monkeypatch.setattr(engine, "code_digest", lambda module: real(module) + ("x" if module.endswith("claims") else ""))
    summary, progress = run(corpus, tmp_path / "out", settings)
    assert summary.done["claims"] > 0
    assert [summary.done[s] for s in ("ingest", "tokenize", "entities", "link")] == [0, 0, 0, 0]
    # The rules gave the same rows as before, so what comes after them stays fresh too.
    assert [summary.done[s] for s in ("group", "resolve", "report")] == [0, 0, 0]
    assert "tokenize" not in progress.articles


def test_a_changed_setting_of_a_stage_reruns_that_stage(corpus: Path, tmp_path: Path, settings: Settings) -> None:
    run(corpus, tmp_path / "out", settings)
    changed = dataclasses.replace(settings, report=dataclasses.replace(settings.report, top=5))
    states = {s.step: s for s in engine.status(corpus, tmp_path / "out", changed)}
    assert states["report"].reasons == ("setting report.top changed",)
    assert states["tokenize"].stale == 0


def test_status_says_what_waits_for_what(corpus: Path, tmp_path: Path, settings: Settings) -> None:
    run(corpus, tmp_path / "out", settings)
    (corpus / "new.txt").write_text("Nothing of note happened in Porto.\n", "utf-8")
    states = {s.step: s for s in engine.status(corpus, tmp_path / "out", settings)}
    assert states["ingest"].stale == 1
    assert "waits for ingest" in states["tokenize"].reasons


def test_order_and_bytes_do_not_depend_on_shards(corpus: Path, tmp_path: Path, settings: Settings) -> None:
    run(corpus, tmp_path / "a", settings)
    run(corpus, tmp_path / "b", dataclasses.replace(settings, run=Run(workers=1, shards=3)))
    assert tables(tmp_path / "a") == tables(tmp_path / "b")


def test_order_and_bytes_do_not_depend_on_workers(corpus: Path, tmp_path: Path, settings: Settings) -> None:
    run(corpus, tmp_path / "a", settings)
    run(corpus, tmp_path / "b", dataclasses.replace(settings, run=Run(workers=2, shards=8)))
    assert tables(tmp_path / "a") == tables(tmp_path / "b")


def test_other_shards_than_before_start_over_and_leave_nothing_behind(corpus: Path, tmp_path: Path, settings: Settings) -> None:
    run(corpus, tmp_path / "out", settings)
    before = tables(tmp_path / "out")
    run(corpus, tmp_path / "out", dataclasses.replace(settings, run=Run(workers=1, shards=3)))
    assert tables(tmp_path / "out") == before
    assert len(list((tmp_path / "out/.work/receipts/tokenize").iterdir())) <= 3


def test_an_article_that_a_stage_fails_on_is_skipped_and_costs_no_other(
    corpus: Path, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.stages import tokenize

    real = tokenize.parse

    def fails_once(article, language):  # type: ignore[no-untyped-def]
        if article.doc_id == "n05":
            raise ZeroDivisionError("on purpose")
        return real(article, language)

    monkeypatch.setattr(tokenize, "parse", fails_once)
    summary, _ = run(corpus, tmp_path / "out", settings)
    assert summary.skipped == {"tokenize: fault: ZeroDivisionError: on purpose": 1}
    assert pq.read_table(tmp_path / "out/skipped.parquet").to_pylist() == [
        {"doc_id": "n05", "stage": "tokenize", "reason": "fault: ZeroDivisionError: on purpose"}
    ]
    assert len(set(pq.read_table(tmp_path / "out/tokens.parquet")["doc_id"].to_pylist())) == 13


def test_a_row_that_breaks_its_table_is_not_written(corpus: Path, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.stages import tokenize

    real = tokenize.parse

    def shifted(article, language):  # type: ignore[no-untyped-def]
        sentences, tokens = real(article, language)
        return sentences, [t._replace(text="wrong") for t in tokens] if article.doc_id == "n05" else tokens

    monkeypatch.setattr(tokenize, "parse", shifted)
    summary, _ = run(corpus, tmp_path / "out", settings)
    (reason,) = summary.skipped
    assert "table tokens" in reason
    assert "text is 'wrong'" in reason


def test_a_stage_without_its_input_names_the_command_to_run_first(tmp_path: Path, corpus: Path, settings: Settings) -> None:
    with pytest.raises(PipelineError, match="tokenize needs what ingest makes") as error:
        engine.run(None, tmp_path / "out", settings, Recorder(), stages=("tokenize",))
    assert error.value.hint == f"run first: pipeline ingest CORPUS {tmp_path / 'out'}"
    assert not (tmp_path / "out").exists()
    engine.run(corpus, tmp_path / "out", settings, Recorder(), stages=("ingest",))
    with pytest.raises(PipelineError, match="claims needs what tokenize makes"):
        engine.run(None, tmp_path / "out", settings, Recorder(), stages=("claims",))


def test_stages_one_by_one_give_what_a_run_gives(corpus: Path, tmp_path: Path, settings: Settings) -> None:
    run(corpus, tmp_path / "a", settings)
    for stage in STAGES:
        engine.run(corpus if stage == "ingest" else None, tmp_path / "b", settings, Recorder(), stages=(stage,))
    assert tables(tmp_path / "a") == tables(tmp_path / "b")


@pytest.mark.parametrize("name", ["parts/tokens/00003.parquet", "receipts/tokenize/00003.json", "published.json", "files.json"])
@pytest.mark.parametrize("damage", ["cut", "garbled", "gone"])
def test_damage_in_the_work_folder_is_mended(corpus: Path, tmp_path: Path, settings: Settings, name: str, damage: str) -> None:
    run(corpus, tmp_path / "out", settings)
    before = tables(tmp_path / "out")
    path = tmp_path / "out/.work" / name
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(data[: len(data) // 2] if damage == "cut" else bytes(len(data)))
    run(corpus, tmp_path / "out", settings)
    assert tables(tmp_path / "out") == before


@pytest.mark.parametrize("damage", ["cut", "garbled", "gone", "a folder"])
def test_a_damaged_published_table_is_put_right(corpus: Path, tmp_path: Path, settings: Settings, damage: str) -> None:
    run(corpus, tmp_path / "out", settings)
    before = tables(tmp_path / "out")
    path = tmp_path / "out/claims.parquet"
    data = path.read_bytes()
    path.unlink()
    if damage == "a folder":
        path.mkdir()
        (path / "part.parquet").write_bytes(data)
    elif damage != "gone":
        path.write_bytes(data[: len(data) // 2] if damage == "cut" else bytes(len(data)))
    run(corpus, tmp_path / "out", settings)
    assert tables(tmp_path / "out") == before


def test_a_worker_that_dies_is_replaced(corpus: Path, tmp_path: Path, settings: Settings) -> None:
    run(corpus, tmp_path / "a", settings)
    marker = tmp_path / "died"
    script = f"""
import os, sys, pathlib
from pipeline import engine, config
from pipeline.stages import tokenize
if __name__ != "__main__":
    # A worker: the first one to get here dies as if it had been killed for want of memory.
    real = tokenize.tokenize
    def dies_once(rows, settings):
        try:
            os.close(os.open({str(marker)!r}, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return real(rows, settings)
        os.kill(os.getpid(), 9)
    tokenize.tokenize = dies_once
else:
    from tests.test_engine import Recorder
    settings = config.Settings(tokenize=config.Tokenize(model={settings.tokenize.model!r}), run=config.Run(workers=2, shards=8))
    engine.run(pathlib.Path({str(corpus)!r}), pathlib.Path({str(tmp_path / "b")!r}), settings, Recorder())
"""
    path = tmp_path / "script.py"
    path.write_text(script)
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, str(path)], check=True, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, timeout=120)
    assert marker.exists()
    assert tables(tmp_path / "a") == tables(tmp_path / "b")


def _command(corpus: Path, outputs: Path, model: str, workers: int = 2) -> list[str]:
    return [sys.executable, "-m", "pipeline", "run", str(corpus), str(outputs), "--quiet", "--workers", str(workers), "--model", model]


def _moments(count: int, longest: float) -> Iterator[float]:
    dice = random.Random(20)
    return (dice.uniform(0, longest) for _ in range(count))


def test_a_run_killed_at_any_moment_ends_as_an_undisturbed_one(corpus: Path, tmp_path: Path, settings: Settings) -> None:
    model = settings.tokenize.model
    took = {}
    for workers in (1, 2):
        began = time.monotonic()
        subprocess.run(_command(corpus, tmp_path / "whole", model, workers), check=True, timeout=120)
        took[workers] = time.monotonic() - began
        expected = tables(tmp_path / "whole")
        shutil.rmtree(tmp_path / "whole")
    killed = 0
    for trial, share in enumerate(_moments(20, 1.0)):
        workers = 1 + trial % 2
        moment = share * took[workers]
        outputs = tmp_path / "killed"
        shutil.rmtree(outputs, ignore_errors=True)
        process = subprocess.Popen(_command(corpus, outputs, model, workers))
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.wait()
        for name, digest in tables(outputs).items() if outputs.exists() else ():
            assert expected[name] == digest, f"{name} after a kill at {moment:.2f} s"
        subprocess.run(_command(corpus, outputs, model, workers), check=True, timeout=120)
        assert tables(outputs) == expected
    assert killed >= 10


def test_a_kill_between_two_versions_leaves_old_or_new_tables(corpus: Path, tmp_path: Path, settings: Settings) -> None:
    outputs = tmp_path / "out"
    run(corpus, outputs, settings)
    old = tables(outputs)
    (corpus / "new.txt").write_text("Quay Watch found ninety boats in Faro.\n", "utf-8")
    shutil.copytree(outputs, tmp_path / "copy")
    run(corpus, outputs, settings)
    new = tables(outputs)
    for moment in _moments(6, 2.5):
        shutil.rmtree(outputs)
        shutil.copytree(tmp_path / "copy", outputs)
        process = subprocess.Popen([*_command(corpus, outputs, settings.tokenize.model), "--config", str(_eight_shards(tmp_path))])
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.kill()
        process.wait()
        assert all(digest in (old.get(name), new[name]) for name, digest in tables(outputs).items())
        run(corpus, outputs, settings)
        assert tables(outputs) == new


def _eight_shards(folder: Path) -> Path:
    path = folder / "eight.toml"
    path.write_text("[run]\nshards = 8\n")
    return path


def test_an_interrupted_run_leaves_no_worker_behind(corpus: Path, tmp_path: Path, settings: Settings) -> None:
    process = subprocess.Popen(_command(corpus, tmp_path / "out", settings.tokenize.model), start_new_session=True, stderr=subprocess.PIPE, text=True)
    time.sleep(1.5)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    if process.returncode != 0:  # it may have finished before
        assert process.returncode == 130
        assert errors == "error: interrupted\nhint: run the same command again: it goes on where it stopped\n"
    deadline = time.monotonic() + 5
    while _alive(process.pid):
        assert time.monotonic() < deadline, "a worker is still running"
        time.sleep(0.1)


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


# ------------------------------------------------------------------------------------------------- what a stage's code is


def test_every_step_is_a_function_of_its_stage() -> None:
    import importlib

    for step in STEPS:
        assert callable(getattr(importlib.import_module(f"pipeline.stages.{step.stage}"), step.name))


def test_every_table_has_one_writer() -> None:
    written = [t for step in STEPS for t in step.writes]
    assert len(written) == len(set(written))
    assert set(TABLES) - set(written) == {"skipped"}


def test_steps_read_columns_that_exist() -> None:
    for step in STEPS:
        for table, columns in step.reads.items():
            assert columns == ("*",) or set(columns) <= {c.name for c in TABLES[table].columns}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package whose files may be changed."""
    copy = tmp_path / "package" / "pipeline"
    shutil.copytree(Path(fingerprint.__file__).parent, copy)
    monkeypatch.setattr(fingerprint, "_PACKAGE", copy)
    return copy


def _digests() -> dict[str, str]:
    fingerprint.code_digest.cache_clear()
    fingerprint._module.cache_clear()
    return {stage: fingerprint.code_digest(f"pipeline.stages.{stage}") for stage in STAGES}


def _changed_by(path: Path, old: str, new: str) -> set[str]:
    before = _digests()
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    after = _digests()
    fingerprint.code_digest.cache_clear()
    fingerprint._module.cache_clear()
    fingerprint._module.cache_clear()
    return {stage for stage in STAGES if before[stage] != after[stage]}


def test_a_comment_changes_no_stage(package: Path) -> None:
    assert _changed_by(package / "stages/tokenize.py", "BLOCK_CHARS = 10_000", "# a remark\nBLOCK_CHARS = 10_000") == set()


def test_a_docstring_changes_no_stage(package: Path) -> None:
    assert _changed_by(package / "stages/tokenize.py", "Longer passages are cut", "Longer passages are cut up") == set()


def test_code_changes_its_stage_alone(package: Path) -> None:
    assert _changed_by(package / "stages/tokenize.py", "BLOCK_CHARS = 10_000", "BLOCK_CHARS = 10_001") == {"tokenize"}


def test_a_word_list_changes_the_stages_that_ask_for_it(package: Path) -> None:
    assert _changed_by(package / "lexicon/furniture.tsv", "join the", "join our") == {"ingest"}


def test_a_module_changes_the_stages_that_import_it(package: Path) -> None:
    changed = _changed_by(package / "rebuild.py", '["dep"] * n', '["punct"] * n')
    assert changed == {"entities", "claims"}


def test_a_file_beside_a_stage_changes_it(package: Path) -> None:
    assert _changed_by(package / "stages/report.css", "{", "{ ") == {"report"}


def test_word_lists_are_asked_for_by_literal_names() -> None:
    # Otherwise a changed list would not make its stage stale.
    import ast

    for path in Path(fingerprint.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in ("words", "table") and len(node.args) == 1:
                named = isinstance(node.args[0], ast.Constant)
                assert named or path.parent.name == "lexicon" or "pipeline.lexicon" not in path.read_text("utf-8"), f"{path.name}:{node.lineno}"


def test_a_stage_that_fails_on_every_article_ends_the_run_and_leaves_the_tables(
    corpus: Path, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.stages import claims

    run(corpus, tmp_path / "out", settings)
    before = tables(tmp_path / "out")
    monkeypatch.setattr(claims, "claims", lambda rows, settings: 1 / 0)
    with pytest.raises(PipelineError, match="claims broke down on every article, first with ZeroDivisionError: division by zero"):
        run(corpus, tmp_path / "out", settings, force=True)
    assert tables(tmp_path / "out") == before
    monkeypatch.undo()
    run(corpus, tmp_path / "out", settings)
    assert tables(tmp_path / "out") == before
