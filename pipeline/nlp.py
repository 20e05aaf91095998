"""The spaCy pipeline: found, loaded once, named by a digest of its files."""

import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc


@cache
def load(model: str) -> "Language":
    """The spaCy pipeline called `model`: an installed package, or a folder.

    Raises PipelineError when there is none.
    """
    import spacy

    _folder(model)
    try:
        nlp = spacy.load(model)
    except (OSError, ValueError, ImportError) as error:
        first = str(error).splitlines()[0]
        raise PipelineError(f"the model {model} can't be loaded: {first}", hint="install what it needs, or name another with --model") from error
    if not {"parser", "senter", "sentencizer"} & set(nlp.pipe_names):
        raise PipelineError(
            f"the model {model} finds no sentences", hint="add a parser, a senter or a sentencizer to it, or name another with --model"
        )
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
    total = hashlib.sha256(importlib.metadata.version("spacy").encode())
    folder = _folder(model)
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc"):
        total.update(f"{path.relative_to(folder)}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _folder(model: str) -> Path:
    if "/" in model or Path(model).is_dir():
        folder = Path(model)
        if not (folder / "config.cfg").is_file():
            message = f"there is no spaCy pipeline in {model} (no config.cfg)"
            raise PipelineError(message, hint="name a folder written by spaCy's nlp.to_disk, or an installed package")
        return folder
    spec = importlib.util.find_spec(model) if model.isidentifier() and model != "__main__" else None
    if spec is None or spec.origin is None or not (Path(spec.origin).parent / "meta.json").is_file():
        raise PipelineError(f"the model {model} is not installed", hint=f"pip install {model.replace('_', '-')}, or name another with --model")
    return Path(spec.origin).parent
