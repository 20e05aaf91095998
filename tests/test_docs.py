"""Documentation that stays true."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["tables.md", "cli.md", "settings.md"])
def test_generated_pages_are_what_the_code_says(page: str) -> None:
    assert (ROOT / "docs" / page).read_text("utf-8") == _generator().PAGES[page](), "run `make docs`"


def test_every_word_list_names_its_source() -> None:
    for path in sorted((ROOT / "pipeline" / "lexicon").glob("*.t*")):
        comments = [line for line in path.read_text("utf-8").splitlines() if line.startswith("#")]
        assert any("Source" in line for line in comments), path.name
