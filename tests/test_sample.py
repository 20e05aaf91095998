"""The sample corpus, run once with the default model: the published tables as people read them."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.tables import TABLES

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden"
COLUMNS = {
    "articles": ("doc_id", "title", "publisher", "published", "language", "furniture"),
    "mentions": ("doc_id", "start", "text", "type", "entity_id"),
    "entities": ("type", "name", "mentions", "articles", "country", "entity_id"),
    "variants": ("entity_id", "variant", "mentions", "decided_by", "evidence"),
    "officials": ("doc_id", "start", "person", "role", "organisation", "country"),
    "claims": ("doc_id", "start", "text", "kind", "value", "value_max", "bound", "unit", "counted", "places", "time_start", "time_end", "source"),
    "claim_groups": ("quantity", "kind", "unit", "claims", "articles", "independent_sources", "values", "status"),
    "skipped": ("doc_id", "stage", "reason"),
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "outputs"
    subprocess.run([sys.executable, "-m", "pipeline", "run", "corpus", str(folder), "--quiet"], check=True, cwd=ROOT, timeout=300)
    return folder


def as_text(outputs: Path, table: str) -> str:
    """The chosen columns of a table as sorted lines of tab-separated values."""
    rows = pq.read_table(outputs / f"{table}.parquet", columns=list(COLUMNS[table])).to_pylist()
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    writer.writerow(COLUMNS[table])
    lines = [[json.dumps(v, ensure_ascii=False) if isinstance(v, list) else "" if v is None else str(v) for v in row.values()] for row in rows]
    writer.writerows(sorted(lines))
    return out.getvalue()


@pytest.mark.parametrize("table", COLUMNS)
def test_the_sample_corpus_gives_the_golden_tables(outputs: Path, table: str, request: pytest.FixtureRequest) -> None:
    path = GOLDEN / f"{table}.tsv"
    text = as_text(outputs, table)
    if request.config.getoption("--write-golden"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), "look at the difference; if it is wanted: pytest tests/test_sample.py --write-golden"


def test_nothing_of_the_sample_corpus_is_skipped(outputs: Path) -> None:
    assert pq.read_table(outputs / "skipped.parquet").num_rows == 0


def test_spans_of_every_table_are_the_article_s_characters(outputs: Path) -> None:
    texts = {r["doc_id"]: r["text"] for r in pq.read_table(outputs / "articles.parquet").to_pylist()}
    for name in ("tokens", "mentions", "claims", "extracted_mentions", "extracted_claims"):
        for row in pq.read_table(outputs / f"{name}.parquet").to_pylist():
            assert row["text"] == texts[row["doc_id"]][row["start"] : row["end"]]


@pytest.mark.parametrize("table", [t.name for t in TABLES.values() if t.public])
def test_pandas_opens_every_table(outputs: Path, table: str) -> None:
    import pandas as pd

    assert list(pd.read_parquet(outputs / f"{table}.parquet").columns) == [c.name for c in TABLES[table].columns]


@pytest.mark.parametrize("table", [t.name for t in TABLES.values() if t.public])
def test_polars_opens_every_table(outputs: Path, table: str) -> None:
    import polars as pl

    assert pl.read_parquet(outputs / f"{table}.parquet").columns == [c.name for c in TABLES[table].columns]


@pytest.mark.parametrize("table", [t.name for t in TABLES.values() if t.public])
def test_duckdb_opens_every_table(outputs: Path, table: str) -> None:
    import duckdb

    columns = duckdb.sql(f"describe from '{outputs / table}.parquet'").fetchall()
    assert [c[0] for c in columns] == [c.name for c in TABLES[table].columns]


def test_column_meanings_lie_in_every_file(outputs: Path) -> None:
    for table in (t for t in TABLES.values() if t.public):
        metadata = pq.read_schema(outputs / f"{table.name}.parquet").metadata
        assert json.loads(metadata[b"columns"]) == {c.name: c.meaning for c in table.columns}


def test_the_run_needs_neither_torch_nor_transformers_nor_a_network(tmp_path: Path) -> None:
    code = """
import socket, sys
class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "transformers", "spacy_transformers"):
            raise ModuleNotFoundError(f"No module named {name!r} (refused by the test)", name=name)
sys.meta_path.insert(0, Refused())
def refuse(*_, **__):
    raise AssertionError("a run must not open a connection")
socket.socket.connect = refuse
sys.argv = ["pipeline", "run", "corpus/water-notice", sys.argv[1], "--quiet", "--workers", "1"]
from pipeline.cli import main
main()
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "out")], check=True, cwd=ROOT, timeout=120)


def test_the_notebook_runs_on_the_tables(outputs: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        import os

        os.environ["PIPELINE_OUTPUTS"] = str(outputs)
        NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(ROOT / "notebooks")}}).execute()
