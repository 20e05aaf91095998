"""Settings: frozen dataclasses with defaults, and the reader of an optional pipeline.toml."""

import dataclasses
import tomllib
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import PipelineError, nearest


@dataclass(frozen=True)
class Ingest:
    max_chars: int = 1_000_000
    """A longer article is skipped: the model's memory grows with an article's length."""


@dataclass(frozen=True)
class Tokenize:
    model: str = "minilm-news"
    """A model that models/ ships, an installed spaCy package, or the folder of a spaCy pipeline."""


@dataclass(frozen=True)
class Report:
    top: int = 200
    """How many rows of each list the page shows."""


@dataclass(frozen=True)
class Run:
    workers: int = 0
    """Processes that work on shards at the same time; 0: as many as there are cores, one for a small corpus."""
    shards: int = 128
    """Into how many parts the corpus is cut. More: less to redo for a new article, more small files."""


@dataclass(frozen=True)
class Settings:
    """All settings. A stage's rows depend on its own section only; `run` changes no row."""

    ingest: Ingest = field(default_factory=Ingest)
    tokenize: Tokenize = field(default_factory=Tokenize)
    report: Report = field(default_factory=Report)
    run: Run = field(default_factory=Run)


def load(path: Path | None = None) -> Settings:
    """Settings from a TOML file; the defaults without one.

    Raises PipelineError for a file that can't be read, a section or setting that does not exist (naming the nearest that
    does), and a value of the wrong type.
    """
    if path is None:
        return Settings()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        message = f"can't read the settings {path}: {error.strerror}"
        raise PipelineError(message, hint="name an existing file with --config, or leave it out") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PipelineError(f"{path} is not valid TOML: {error}", hint="mend that line; docs/settings.md shows every setting") from error
    sections = typing.get_type_hints(Settings)
    chosen: dict[str, Any] = {}
    for name, values in data.items():
        if name in sections and not isinstance(values, dict):
            message = f"{path}: {name} should be a section"
            raise PipelineError(message, hint=f"write [{name}] on a line of its own, and the settings of {name} below it")
        if name not in sections:
            message = f"{path}: there is no section [{name}]{nearest(name, sections)}"
            raise PipelineError(message, hint=f"the sections are {', '.join(sections)}")
        chosen[name] = _section(path, name, sections[name], values)
    return Settings(**chosen)


def _section(path: Path, section: str, kind: Any, values: dict[str, Any]) -> Any:
    known = typing.get_type_hints(kind)
    for name, value in values.items():
        if name not in known:
            message = f"{path}: [{section}] has no setting {name!r}{nearest(name, known)}"
            raise PipelineError(message, hint=f"the settings of [{section}] are {', '.join(known)}")
        if type(value) is not known[name]:
            message = f"{path}: [{section}] {name} = {value!r} should be of type {known[name].__name__}"
            raise PipelineError(message, hint=f"the default is {getattr(kind(), name)!r}")
        least = _LEAST.get(name, 1)
        if isinstance(value, int) and value < least:
            message = f"{path}: [{section}] {name} = {value} is too small"
            raise PipelineError(message, hint=f"the least is {least}, the default {getattr(kind(), name)!r}")
    return kind(**values)


_LEAST = {"workers": 0}


def replace(settings: Settings, section: str, **values: Any) -> Settings:
    """The settings with some values of one section changed."""
    return dataclasses.replace(settings, **{section: dataclasses.replace(getattr(settings, section), **values)})
