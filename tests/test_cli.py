"""The command line: what it prints, its errors and exit statuses."""

import json
import os
import pty
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def pipeline(*arguments: object, cwd: Path | None = None, **options: object) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    command = [sys.executable, "-m", "pipeline", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd or ROOT, env=environment, timeout=120, **options)  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "one.txt").write_text("Quay Watch counts boats\n\nQuay Watch found 3 boats in Porto.\n", "utf-8")
    (folder / "two.txt").write_text("Quay Watch found 4 boats in Faro.\n", "utf-8")
    return folder


@pytest.fixture
def run(corpus: Path, tmp_path: Path, tiny_model: Path):  # type: ignore[no-untyped-def]
    def command(*arguments: object, **options: object) -> "subprocess.CompletedProcess[str]":
        return pipeline("run", corpus, tmp_path / "out", "--model", tiny_model, *arguments, **options)

    return command


def fails(result: "subprocess.CompletedProcess[str]", status: int, error: str, hint: str) -> None:
    assert result.stderr == f"error: {error}\nhint: {hint}\n"
    assert result.stdout == ""
    assert result.returncode == status


# ------------------------------------------------------------------------------------------------------------ starting


def test_help_takes_less_than_300_ms() -> None:
    times = []
    for _ in range(5):
        began = time.perf_counter()
        assert pipeline("--help").returncode == 0
        times.append(time.perf_counter() - began)
    assert min(times) < 0.3


@pytest.mark.parametrize(
    "statement", ["import pipeline", "import pipeline.cli", "import sys; sys.argv = ['pipeline', '--help']; import pipeline.__main__ as m"]
)
def test_importing_and_help_load_nothing_heavy(statement: str) -> None:
    code = f"{statement}; import sys; print([m for m in ('spacy', 'torch', 'pandas', 'pyarrow', 'numpy') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert result.stdout == "[]\n"


def test_no_arguments_show_the_help() -> None:
    result = pipeline()
    assert result.returncode == 0
    assert result.stdout == pipeline("--help").stdout


@pytest.mark.parametrize(
    "command", [(), ("run",), ("ingest",), ("tokenize",), ("entities",), ("claims",), ("normalise",), ("report",), ("status",), ("schema",)]
)
def test_every_help_ends_with_a_runnable_example(command: tuple[str, ...]) -> None:
    text = pipeline(*command, "--help").stdout
    assert f"Example:\n    pipeline {' '.join(command) or 'run'}" in text.replace("\n  ", "\n") or f"pipeline {' '.join(command)}" in text


def test_version() -> None:
    from pipeline import __version__

    assert pipeline("--version").stdout == f"pipeline {__version__}\n"


# ------------------------------------------------------------------------------------------------------------- running


def test_a_run_prints_a_line_a_step_to_stderr_and_the_summary_to_stdout(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    result = run()
    assert result.returncode == 0
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == [
        "ingest",
        "tokenize",
        "entities",
        "claims",
        "link",
        "group",
        "resolve",
        "report",
    ]
    assert "2 articles" in result.stderr
    assert "\x1b" not in result.stdout + result.stderr
    lines = result.stdout.splitlines()
    assert "  articles                       2" in lines
    assert lines[-1].endswith(f"s, tables in {tmp_path / 'out'}")


def test_a_terminal_shows_bars(corpus: Path, tmp_path: Path, tiny_model: Path) -> None:
    main, worker = pty.openpty()
    command = [sys.executable, "-m", "pipeline", "run", str(corpus), str(tmp_path / "out"), "--model", str(tiny_model)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=worker, env={**os.environ, "TERM": "xterm", "PYTHONPATH": str(ROOT)})
    os.close(worker)
    shown = b""
    while True:
        try:
            block = os.read(main, 65536)
        except OSError:  # the terminal's other side is closed
            break
        if not block:
            break
        shown += block
    os.close(main)
    assert process.wait() == 0
    assert b"2/2" in shown
    assert b"tokenize" in shown


def test_quiet_prints_nothing(run) -> None:  # type: ignore[no-untyped-def]
    result = run("--quiet")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_json_prints_the_summary_as_one_object(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    summary = json.loads(run("--json").stdout)
    assert summary["rows"]["articles"] == 2
    assert summary["outputs"] == str(tmp_path / "out")
    assert summary["done"]["tokenize"] == 2


def test_a_second_run_says_that_nothing_changed(run) -> None:  # type: ignore[no-untyped-def]
    run()
    assert run().stdout.startswith("nothing changed: nothing done again\n")


def test_a_dry_run_says_what_it_would_do_and_does_nothing(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    result = run("--dry-run")
    assert result.stdout.splitlines()[0] == "ingest    stale  2 of 2 parts: not run yet"
    assert not (tmp_path / "out").exists()


def test_skipped_articles_are_listed_with_reasons(run, corpus: Path) -> None:  # type: ignore[no-untyped-def]
    (corpus / "empty.txt").write_text("")
    (corpus / "picture.png").write_bytes(b"\x89PNG")
    result = run()
    assert result.returncode == 0
    assert "  skipped 1: ingest: empty\n" in result.stdout
    assert "  skipped 1: ingest: unsupported file type .png: .txt, .html, .htm and .jsonl are read\n" in result.stdout


def test_strict_fails_when_anything_was_skipped_and_keeps_the_tables(run, corpus: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (corpus / "empty.txt").write_text("")
    result = run("--strict", "--quiet")
    fails(result, 1, "1 skipped (--strict)", f"see {tmp_path / 'out' / 'skipped.parquet'}, mend or remove what it names")
    assert (tmp_path / "out/claims.parquet").exists()


def test_hostile_reasons_reach_the_terminal_as_plain_text(run, corpus: Path) -> None:  # type: ignore[no-untyped-def]
    (corpus / "x.\x1b[31mred").write_text("text")
    assert "\x1b" not in run().stdout


def test_status_lists_every_step(run, tmp_path: Path, tiny_model: Path, corpus: Path) -> None:  # type: ignore[no-untyped-def]
    run()
    result = pipeline("status", tmp_path / "out", "--model", tiny_model)
    assert {line.split()[1] for line in result.stdout.splitlines()} == {"fresh"}
    (corpus / "three.txt").write_text("A third.")
    states = {s["step"]: s for s in json.loads(pipeline("status", tmp_path / "out", "--model", tiny_model, "--json").stdout)}
    assert states["ingest"]["stale"] == 1
    assert "waits for ingest" in states["tokenize"]["reasons"]


def test_status_names_the_setting_that_changed(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    run()
    result = pipeline("status", tmp_path / "out")
    assert "setting tokenize.model changed" in result.stdout


def test_schema_shows_every_column_of_a_table() -> None:
    from pipeline.tables import TABLES

    text = pipeline("schema", "claims").stdout
    assert all(f"  {c.name} " in text and c.meaning in text for c in TABLES["claims"].columns)


def test_schema_of_all_tables_as_json() -> None:
    from pipeline.tables import TABLES

    assert set(json.loads(pipeline("schema", "--json").stdout)) == {n for n, t in TABLES.items() if t.public}


def test_output_into_a_closed_pipe_is_no_error() -> None:
    result = subprocess.run(f"{sys.executable} -m pipeline schema | head -1", shell=True, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert result.stderr == ""


# -------------------------------------------------------------------------------------------------------------- errors


def test_a_missing_corpus(tmp_path: Path) -> None:
    missing = tmp_path / "nothing"
    hint = "name the folder that holds the articles: pipeline run CORPUS OUTPUTS"
    fails(pipeline("run", missing, tmp_path / "out"), 1, f"the corpus folder {missing} is missing", hint)
    assert not (tmp_path / "out").exists()


def test_a_file_for_a_corpus(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("text")
    hint = "name the folder that holds the articles: pipeline run CORPUS OUTPUTS"
    fails(pipeline("run", file, tmp_path / "out"), 1, f"the corpus folder {file} is a file, not a folder", hint)


def test_an_empty_corpus(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    fails(
        pipeline("run", empty, tmp_path / "out"),
        1,
        f"the corpus folder {empty} holds no files",
        "put articles there as .txt or .jsonl files, then run this again",
    )


def test_bad_files_are_rows_of_skipped(run, corpus: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    import pyarrow.parquet as pq

    (corpus / "empty.txt").write_bytes(b"")
    (corpus / "latin.txt").write_bytes("Málaga".encode("latin-1"))
    (corpus / "binary.txt").write_bytes(b"MZ\x00\x01")
    (corpus / "line.txt").write_bytes(b"word " * 10_000_000)
    result = run("--quiet")
    assert result.returncode == 0
    skipped = {r["doc_id"]: r["reason"] for r in pq.read_table(tmp_path / "out/skipped.parquet").to_pylist()}
    assert skipped == {
        "empty": "empty",
        "latin": "not UTF-8: byte 0xe1 at 1; convert it, for example with iconv -t utf-8",
        "binary": "a binary file (it holds NUL bytes)",
        "line": "50,000,000 characters, more than the setting ingest.max_chars = 1,000,000",
    }
    assert pq.read_table(tmp_path / "out/articles.parquet")["doc_id"].to_pylist() == ["one", "two"]


def test_an_output_folder_that_is_a_file(corpus: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    result = pipeline("run", corpus, file)
    fails(result, 1, f"can't write to {file}: Not a directory", "give another output folder, or mend its permissions")


def test_a_read_only_output_folder(corpus: Path, tmp_path: Path) -> None:
    outputs = tmp_path / "out"
    outputs.mkdir()
    outputs.chmod(0o555)
    # Root may write anywhere, so a root shell's test becomes nobody, once everything it needs is loaded.
    code = f"""
import contextlib, io, os, sys
import pipeline.cli, pipeline.engine
with contextlib.redirect_stdout(io.StringIO()):
    pipeline.cli.app(["run", {str(corpus)!r}, {str(outputs)!r}, "--dry-run"], standalone_mode=False)
if os.getuid() == 0:
    os.setgid(65534), os.setuid(65534)
sys.argv = ["pipeline", "run", {str(corpus)!r}, {str(outputs)!r}]
pipeline.cli.main()
"""
    for folder in (corpus, *corpus.parents):
        folder.chmod(folder.stat().st_mode | 0o005) if folder.stat().st_uid == os.getuid() else None
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    fails(result, 1, f"can't write to {outputs}: Permission denied", "give another output folder, or mend its permissions")


def test_a_full_disk_keeps_what_is_finished(corpus: Path, tmp_path: Path, tiny_model: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if (
        shutil.which("mount") is None
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(small)], capture_output=True).returncode
    ):
        pytest.skip("a small file system can't be mounted here")
    try:
        for n in range(40):
            (corpus / f"more{n}.txt").write_text(f"Quay Watch found {n} boats in Porto. " * 40)
        result = pipeline("run", corpus, small / "out", "--model", tiny_model, "--quiet")
        fails(result, 1, f"the disk that holds {small / 'out'} is full", "make room, then run again: what is finished is kept")
        kept = len(list((small / "out/.work/receipts/ingest").glob("*.json")))
        assert kept > 0
        subprocess.run(["mount", "-o", "remount,size=50m", str(small)], check=True)
        summary = json.loads(pipeline("run", corpus, small / "out", "--model", tiny_model, "--json").stdout)
        assert summary["rows"]["articles"] == 42
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_two_runs_at_once(corpus: Path, tmp_path: Path) -> None:
    from filelock import FileLock

    outputs = tmp_path / "out"
    (outputs / ".work").mkdir(parents=True)
    with FileLock(outputs / ".work/lock"):
        result = pipeline("run", corpus, outputs)
    fails(result, 1, f"another run is working on {outputs}", "wait until it has finished, or give this run another output folder")


def test_an_unknown_model(corpus: Path, tmp_path: Path) -> None:
    result = pipeline("run", corpus, tmp_path / "out", "--model", "xx_no_such_model", "--quiet")
    fails(result, 1, "the model xx_no_such_model is not installed", "pip install xx-no-such-model, or name another with --model")


def test_a_folder_that_is_no_model(corpus: Path, tmp_path: Path) -> None:
    result = pipeline("run", corpus, tmp_path / "out", "--model", corpus, "--quiet")
    hint = "name a folder written by spaCy's nlp.to_disk, or an installed package"
    fails(result, 1, f"there is no spaCy pipeline in {corpus} (no config.cfg)", hint)


def test_an_unknown_setting(corpus: Path, tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text("[run]\nworker = 2\n")
    result = pipeline("run", corpus, tmp_path / "out", "--config", path)
    fails(result, 1, f"{path}: [run] has no setting 'worker' (did you mean workers?)", "the settings of [run] are workers, shards")


def test_settings_lie_in_pipeline_toml_of_the_folder(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "pipeline.toml").write_text("[runs]\n")
    result = pipeline("run", corpus, tmp_path / "out", cwd=tmp_path)
    fails(result, 1, "pipeline.toml: there is no section [runs] (did you mean run?)", "the sections are ingest, tokenize, report, run")


def test_a_stage_before_its_input(tmp_path: Path) -> None:
    outputs = tmp_path / "out"
    fails(
        pipeline("claims", outputs),
        1,
        f"claims needs what ingest makes, and that is not in {outputs}",
        f"run first: pipeline ingest CORPUS {outputs}",
    )


def test_status_of_nothing(tmp_path: Path) -> None:
    outputs = tmp_path / "out"
    fails(pipeline("status", outputs), 1, f"there is no folder {outputs}", f"make one with: pipeline run CORPUS {outputs}")


def test_an_unknown_table() -> None:
    result = pipeline("schema", "claim")
    assert result.returncode == 1
    assert result.stderr.startswith("error: there is no table claim (did you mean claims?)\nhint: the tables are articles, ")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("rnu",), "pipeline"),
        (("run", "--bogus"), "pipeline run"),
        (("run", "--workers", "0"), "pipeline run"),
        (("run", "a", "b", "c"), "pipeline run"),
    ],
)
def test_wrong_usage_ends_with_status_2(arguments: tuple[str, ...], hint: str) -> None:
    result = pipeline(*arguments)
    error, hint_line = result.stderr.splitlines()
    assert error.startswith("error: ")
    assert (arguments[-1] if arguments[-1] != "0" else "--workers") in error
    assert hint_line == f"hint: see {hint} --help"
    assert result.returncode == 2
