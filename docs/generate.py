"""Writes docs/tables.md, docs/cli.md and docs/settings.md from the code. `make docs`; a test fails when they are stale."""

import dataclasses
import inspect
import os
import subprocess
import sys
from pathlib import Path

from pipeline import config
from pipeline.stages import STAGES
from pipeline.tables import TABLES

FOLDER = Path(__file__).parent
NOTE = "<!-- Written by docs/generate.py: change the code it reads, then run `make docs`. -->\n"


def tables() -> str:
    """Every public table with its columns."""
    parts = [
        NOTE,
        "# Tables\n",
        "One Parquet file a table in the output folder. `start` and `end` count Unicode code points in `articles.text`, from 0 and",
        "half-open, so `text == articles.text[start:end]`. Dates are ISO 8601 at the precision known. A type with `?` may be null.\n",
    ]
    for table in TABLES.values():
        if not table.public:
            continue
        parts.append(f"## {table.name}\n\nOne row is {table.meaning}. Written by `{table.stage}`. Key: {', '.join(f'`{k}`' for k in table.key)}.\n")
        parts.append("| column | type | meaning |\n| --- | --- | --- |")
        for column in table.columns:
            kind = str(column.type).replace(" not null", "").replace("item: ", "") + ("?" if column.nullable else "")
            choices = f" ({', '.join(column.choices)})" if column.choices else ""
            refers = f"; refers to `{table.references[column.name]}`" if column.name in table.references else ""
            parts.append(f"| {column.name} | {kind} | {column.meaning}{choices}{refers} |")
        parts.append("")
    return "\n".join(parts)


def cli() -> str:
    """The help of every command."""
    parts = [NOTE, "# Commands\n"]
    for command in ("", "run", *STAGES, "status", "schema"):
        arguments = [*command.split(), "--help"]
        environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
        shown = subprocess.run([sys.executable, "-m", "pipeline", *arguments], capture_output=True, text=True, check=True, env=environment)
        parts.append(f"## pipeline{' ' * bool(command)}{command}\n\n```\n{shown.stdout.rstrip()}\n```\n")
    return "\n".join(parts)


def settings() -> str:
    """Every setting with its default and meaning."""
    parts = [
        NOTE,
        "# Settings\n",
        "An optional `pipeline.toml`, in the folder that `pipeline` runs in or named with `--config`. These are the defaults:\n",
        "```toml",
    ]
    for section in dataclasses.fields(config.Settings):
        kind = type(getattr(config.Settings(), section.name))
        lines = [line.strip() for line in inspect.getsource(kind).splitlines()]
        parts.append(f"[{section.name}]")
        for field in dataclasses.fields(kind):
            at = next(i for i, line in enumerate(lines) if line.startswith(f"{field.name}:"))
            value = f'"{field.default}"' if isinstance(field.default, str) else field.default
            parts.append(f"{field.name} = {value}  # {lines[at + 1].strip(chr(34))}")
        parts.append("")
    return "\n".join([*parts[:-1], "```\n"])


PAGES = {"tables.md": tables, "cli.md": cli, "settings.md": settings}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
