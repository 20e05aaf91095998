"""What a stage's code is: a digest that changes when its rows could."""

import ast
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent
_NO_CAUSE = ("pipeline", "pipeline.tables", "pipeline.errors", "pipeline.config")
"""A table's types and a stage's own settings are causes of their own; the rest of these changes no row."""


@cache
def code_digest(module: str) -> str:
    """Changes with what a stage does: its code, the modules it imports from this package, the word lists it asks for.

    Comments, docstrings and layout do not count.
    """
    seen = set(_NO_CAUSE)
    found: dict[str, str] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _module_path(name)
        if name not in seen and path is not None:
            seen.add(name)
            found[name], imports = _module(path)
            waiting += imports
    return hashlib.sha256(json.dumps(sorted(found.items())).encode()).hexdigest()


@cache
def _module(path: Path) -> tuple[str, list[str]]:
    """Digest of a module with the data it reads, and what it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    _strip_docstrings(tree)
    total = hashlib.sha256(ast.dump(tree).encode())
    for data in sorted({*_word_lists(tree), *(p for p in path.parent.glob(f"{path.stem}.*") if p.suffix != ".py")}):
        total.update(data.read_bytes())
    return total.hexdigest(), sorted(_imports(tree))


def _module_path(name: str) -> Path | None:
    stem = _PACKAGE.joinpath(*name.split(".")[1:])
    return next((p for p in (stem.with_suffix(".py"), stem / "__init__.py") if p.is_file()), None)


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("pipeline."))
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "pipeline":
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _word_lists(tree: ast.AST) -> Iterator[Path]:
    suffixes = {"words": ".txt", "table": ".tsv"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in suffixes:
                yield _PACKAGE / "lexicon" / f"{node.args[0].value}{suffixes[called]}"


def _strip_docstrings(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [n for n in body if not (isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant))]  # type: ignore[attr-defined]
