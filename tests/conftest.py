"""Fixtures that several test modules share."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from pipeline.tables import Article

settings.register_profile("fixed", derandomize=True, deadline=2000, max_examples=60, database=None)
settings.load_profile("fixed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-golden", action="store_true", help="write tests/golden/ anew from what the pipeline gives now")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spaCy pipeline that loads in no time: sentences by punctuation, two invented names."""
    import spacy

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "ORG", "pattern": "Quay Watch"}, {"label": "GPE", "pattern": "Porto"}])  # type: ignore[attr-defined]
    folder = tmp_path_factory.mktemp("model") / "tiny"
    nlp.to_disk(folder)
    return folder


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder beside the checkout that holds the public contract and the gold."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("needs the folder ../shared beside the checkout, which holds the contract and the gold")
    return folder


@pytest.fixture(scope="session")
def article() -> Callable[..., Article]:
    """Makes a row of `articles` from a text; any column can be given."""

    def make(text: str, **columns: object) -> Article:
        row = Article("a", "a.txt", None, None, None, None, None, "en", text, "0" * 64, [], [])
        return row._replace(**columns)  # type: ignore[arg-type]

    return make
