"""The spaCy pipeline: found, loaded once, named by a digest of its files."""

import hashlib
import importlib.metadata
import importlib.util
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc


DEFAULT = "minilm-news"
"""The model that models/ ships: names by a small transformer, syntax by the package it stands on."""

_SHIPPED = next((f for f in (Path(__file__).with_name("models"), Path(__file__).parents[1] / "models") if f.is_dir()), Path("models"))


@cache
def load(model: str) -> "Language":
    """The spaCy pipeline called `model`: one that models/ ships, an installed package, or a folder.

    Raises PipelineError when there is none, or when it finds no sentences.
    """
    import spacy

    folder = _folder(model)
    try:
        with nullcontext() if _uses_transformers(folder) else _without_transformers():
            nlp = _with_our_names(folder) if _is_ours(folder) else spacy.load(model)
    except (OSError, ValueError, ImportError) as error:
        first = str(error).splitlines()[0]
        raise PipelineError(f"the model {model} can't be loaded: {first}", hint="install what it needs, or name another with --model") from error
    if not {"parser", "senter", "sentencizer"} & set(nlp.pipe_names):
        hint = "add a parser, a senter or a sentencizer to it, or name another with --model"
        raise PipelineError(f"the model {model} finds no sentences", hint=hint)
    return nlp


def info(model: str) -> dict[str, Any]:
    """What a shipped model's card says: name, version, base, labels, licences, scores."""
    card: dict[str, Any] = json.loads((_folder(model) / CARD).read_text(encoding="utf-8"))
    return card


CARD = "card.json"


def _is_ours(folder: Path) -> bool:
    return (folder / CARD).is_file()


def _uses_transformers(folder: Path) -> bool:
    return any("transformer" in path.read_text(encoding="utf-8") for path in folder.rglob("config.cfg"))


@contextmanager
def _without_transformers() -> Iterator[None]:
    """Hide spacy-transformers from spaCy, where it is installed.

    spaCy imports every installed plug-in when it builds a pipeline. This one brings torch with it: five seconds and 500 MB for
    each process, and a pipeline without transformers has no use for it.
    """
    import catalogue

    found = catalogue.AVAILABLE_ENTRY_POINTS
    kept = [e for group in found.groups for e in found.select(group=group) if not e.value.startswith("spacy_transformers")]
    catalogue.AVAILABLE_ENTRY_POINTS = importlib.metadata.EntryPoints(kept)
    try:
        yield
    finally:
        catalogue.AVAILABLE_ENTRY_POINTS = found


def _with_our_names(folder: Path) -> "Language":
    """The base package with its named entities replaced by ours."""
    import spacy

    import pipeline.tagging.component  # noqa: F401 -- declares the factory

    nlp = spacy.load(info(str(folder))["base"], exclude=["ner"])
    nlp.add_pipe("window_ner", name="ner").from_disk(folder)  # type: ignore[attr-defined]
    return nlp


def parse(nlp: "Language", texts: Sequence[str]) -> "list[Doc]":
    """Parse the passages of one article.

    One article at a time: with some models a prediction depends on what shares its batch, and rows must never depend on
    which articles share a shard or a worker.
    """
    return list(nlp.pipe(texts, batch_size=max(1, len(texts))))


@cache
def digest(model: str) -> str:
    """SHA-256 that changes with the model's files and with spaCy's version."""
    folder = _folder(model)
    total = hashlib.sha256(importlib.metadata.version("spacy").encode())
    if _is_ours(folder):
        total.update(digest(info(model)["base"]).encode())
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc"):
        total.update(f"{path.relative_to(folder)}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _folder(model: str) -> Path:
    if (_SHIPPED / model / CARD).is_file():
        return _SHIPPED / model
    if "/" in model or Path(model).is_dir():
        folder = Path(model)
        if not any((folder / name).is_file() for name in ("config.cfg", CARD)):
            message = f"there is no spaCy pipeline in {model} (no config.cfg)"
            raise PipelineError(message, hint="name a folder written by spaCy's nlp.to_disk, or an installed package")
        return folder
    spec = importlib.util.find_spec(model) if model.isidentifier() and model != "__main__" else None
    if spec is None or spec.origin is None or not (Path(spec.origin).parent / "meta.json").is_file():
        raise PipelineError(f"the model {model} is not installed", hint=f"pip install {model.replace('_', '-')}, or name another with --model")
    return Path(spec.origin).parent
