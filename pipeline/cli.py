"""The `pipeline` command: declares options and prints. What it does lives in `engine`; heavy imports stay inside the commands."""

import inspect
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline import __version__
from pipeline.errors import PipelineError, nearest
from pipeline.stages import STAGES

if TYPE_CHECKING:
    from pipeline.config import Settings
    from pipeline.engine import State, Summary

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

CorpusFolder = Annotated[Path, typer.Argument(metavar="CORPUS", help="The folder of articles (.txt, .html and .jsonl files).", show_default=True)]
OutputFolder = Annotated[Path, typer.Argument(metavar="OUTPUTS", help="The folder that the tables go to.", show_default=True)]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings; pipeline.toml here when there is one.", show_default=False)]
Force = Annotated[bool, typer.Option("--force", help="Do everything again, fresh or not.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done and why, and do nothing.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress and no summary; errors are still shown.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]
Strict = Annotated[bool, typer.Option("--strict", help="Fail when anything was skipped.")]
Workers = Annotated[int | None, typer.Option("--workers", min=1, metavar="N", help="Processes at work at the same time.", show_default=False)]
Model = Annotated[str | None, typer.Option("--model", metavar="NAME", help="An installed spaCy package or a pipeline's folder.", show_default=False)]

INTERRUPTED = 130
"""What shells expect of a program that Ctrl-C ended."""

REASONS = 20
"""How many reasons for skipping the summary lists."""

DEFAULT_CORPUS = Path("corpus")
DEFAULT_OUTPUTS = Path("outputs")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pipeline {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """From a folder of news articles to tables: who, where, how many, according to whom.

    \b
    Example:
      pipeline run corpus outputs
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _running_command(name: str, stages: Sequence[str], meaning: str, *, takes_corpus: bool) -> None:
    """Declare a command that runs stages. They all take the same options; only some take a corpus."""

    def command(
        corpus: CorpusFolder = DEFAULT_CORPUS,
        outputs: OutputFolder = DEFAULT_OUTPUTS,
        config: Config = None,
        force: Force = False,
        dry_run: DryRun = False,
        quiet: Quiet = False,
        as_json: AsJson = False,
        strict: Strict = False,
        workers: Workers = None,
        model: Model = None,
    ) -> None:
        from pipeline import engine

        source = corpus if takes_corpus else None
        settings = _settings(config, workers, model)
        if dry_run:
            states = engine.status(source or engine.corpus_of(outputs), outputs, settings)
            _print_states([s for s in states if s.stage in stages], as_json)
            return
        with _Quiet() if quiet else _Bars() if sys.stderr.isatty() else _Lines() as progress:
            summary = engine.run(source, outputs, settings, progress, stages=stages, force=force)
        if as_json:
            typer.echo(json.dumps(asdict(summary), indent=2))
        elif not quiet:
            _print_summary(summary)
        if strict and summary.skipped:
            count = sum(summary.skipped.values())
            raise PipelineError(f"{count} skipped (--strict)", hint=f"see {outputs / 'skipped.parquet'}, mend or remove what it names")

    if not takes_corpus:
        signature = inspect.signature(command)
        command.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])  # type: ignore[attr-defined]
    arguments = "corpus outputs" if takes_corpus else "outputs"
    app.command(name, help=f"{meaning}\n\n\b\nExample:\n  pipeline {name} {arguments}")(command)


_running_command("run", tuple(STAGES), "Run all stages; what is fresh is not done again.", takes_corpus=True)
for _stage, _meaning in STAGES.items():
    _running_command(_stage, (_stage,), _meaning, takes_corpus=_stage == "ingest")


@app.command()
def status(
    outputs: OutputFolder = DEFAULT_OUTPUTS,
    config: Config = None,
    as_json: AsJson = False,
    model: Model = None,
) -> None:
    """What is fresh, what is stale and why.

    \b
    Example:
      pipeline status outputs
    """
    from pipeline import engine

    if not outputs.exists():
        raise PipelineError(f"there is no folder {outputs}", hint=f"make one with: pipeline run CORPUS {outputs}")
    states = engine.status(engine.corpus_of(outputs), outputs, _settings(config, None, model))
    _print_states(states, as_json)


@app.command()
def schema(
    table: Annotated[str | None, typer.Argument(metavar="[TABLE]", help="One table.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """The tables and their columns, with meanings.

    \b
    Example:
      pipeline schema claims
    """
    from pipeline.tables import TABLES

    public = {name: t for name, t in TABLES.items() if t.public}
    if table is not None and table not in public:
        raise PipelineError(f"there is no table {table}{nearest(table, public)}", hint=f"the tables are {', '.join(public)}")
    chosen = [public[table]] if table else list(public.values())
    if as_json:
        columns = {t.name: {c.name: {"type": str(c.type), "null": c.nullable, "meaning": c.meaning} for c in t.columns} for t in chosen}
        typer.echo(json.dumps(columns, indent=2))
        return
    for t in chosen:
        typer.echo(f"{t.name}: {t.meaning} (written by {t.stage}; key: {', '.join(t.key)})")
        width = max(len(c.name) for c in t.columns)
        kinds = {c.name: _short_type(str(c.type)) + ("?" if c.nullable else "") for c in t.columns}
        for c in t.columns:
            choices = f" ({', '.join(c.choices)})" if c.choices else ""
            typer.echo(f"  {c.name:{width}}  {kinds[c.name]:{max(map(len, kinds.values()))}}  {c.meaning}{choices}")
        typer.echo()


def _short_type(arrow: str) -> str:
    return "list of structs" if arrow.startswith("list<item: struct") else arrow.replace("list<item: string not null>", "list of strings")


def _settings(config: Path | None, workers: int | None, model: str | None) -> "Settings":
    from pipeline.config import load, replace

    here = Path("pipeline.toml")
    settings = load(config or (here if here.is_file() else None))
    if workers is not None:
        settings = replace(settings, "run", workers=workers)
    if model is not None:
        settings = replace(settings, "tokenize", model=model)
    return settings


def _print_states(states: "Sequence[State]", as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([s._asdict() for s in states], indent=2))
        return
    width = max(len(s.step) for s in states)
    for s in states:
        parts = f"{s.stale} of {s.stale + s.fresh} parts: " if s.stale else ""
        typer.echo(f"{s.step:{width}}  {'stale' if s.reasons else 'fresh'}  {parts}{'; '.join(s.reasons)}".rstrip())


def _print_summary(summary: "Summary") -> None:
    redone = [f"{step} ({count})" for step, count in summary.done.items() if count]
    typer.echo(f"done again: {', '.join(redone)}" if redone else "nothing changed: nothing done again")
    for table, rows in summary.rows.items():
        typer.echo(f"  {table:20}{rows:>12,}")
    reasons = sorted(summary.skipped.items(), key=lambda r: -r[1])
    for reason, count in reasons[:REASONS]:
        typer.echo(f"  skipped {count:,}: {_plain(reason)[:200]}")
    if len(reasons) > REASONS:
        typer.echo(f"  skipped {sum(count for _, count in reasons[REASONS:]):,} more: see skipped.parquet")
    typer.echo(f"{summary.seconds:.1f} s, tables in {summary.outputs}")


def _plain(text: str) -> str:
    """Text from a corpus without what a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in text)


class _Quiet:
    def __enter__(self) -> "_Quiet":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def start(self, step: str, articles: int) -> None:
        pass

    def advance(self, articles: int) -> None:
        pass

    def finish(self, step: str, articles: int, seconds: float, skipped: int) -> None:
        pass


class _Lines(_Quiet):
    """One line a step: for files and pipes."""

    def finish(self, step: str, articles: int, seconds: float, skipped: int) -> None:
        left_out = f", {skipped:,} skipped" if skipped else ""
        typer.echo(f"{step}: {articles:,} articles in {seconds:.1f} s{left_out}", err=True)


class _Bars(_Quiet):
    """A bar a step, with articles done and time left: for terminals."""

    def __enter__(self) -> "_Bars":
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description:10}"), BarColumn(), MofNCompleteColumn(), TextColumn("articles"), TimeRemainingColumn())
        self._bars = Progress(*columns, console=Console(stderr=True))
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def start(self, step: str, articles: int) -> None:
        self._bar = self._bars.add_task(step, total=articles)

    def advance(self, articles: int) -> None:
        self._bars.advance(self._bar, articles)


_UsageError: Any = typer.BadParameter.__mro__[1]
"""click's own, which typer keeps to itself."""


def main() -> None:
    """Run the command line; errors are two lines and an exit status, not a traceback."""
    sys.exit(_guarded(lambda: app(prog_name="pipeline", standalone_mode=False)))


def _guarded(command: Callable[[], Any]) -> int:
    try:
        status = int(command() or 0)
        if status == INTERRUPTED:  # typer turns Ctrl-C into a status
            raise KeyboardInterrupt
        return status
    except PipelineError as error:
        return _fail(error.message, error.hint, 1)
    except (KeyboardInterrupt, typer.Abort):
        return _fail("interrupted", "run the same command again: it goes on where it stopped", INTERRUPTED)
    except BrokenPipeError:
        # Whoever read the output has enough of it. Python would complain again when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except _UsageError as error:
        context = getattr(error, "ctx", None)
        return _fail(error.format_message(), f"see {context.command_path if context else 'pipeline'} --help", 2)


def _fail(message: str, hint: str, status: int) -> int:
    typer.echo(f"error: {_plain(message)}\nhint: {_plain(hint)}", err=True)
    return status
