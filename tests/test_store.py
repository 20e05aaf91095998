"""Parquet in and out, receipts, the lock, and tables that are replaced all at once."""

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pipeline
from pipeline import store
from pipeline.errors import PipelineError
from pipeline.store import Corpus, Part, Receipt, Store, Writer, describe, documents, read, unchanged, write_text, writing
from pipeline.tables import TABLES, Article, Furniture, Sentence, Skipped, Variant

SENTENCES = TABLES["sentences"]


def sentences(doc_id: str, count: int, kind: str = "body") -> list[Sentence]:
    return [Sentence(doc_id, n, 10 * n, 10 * n + 9, kind) for n in range(count)]


def write(path: Path, rows: Sequence[object], table: str = "sentences") -> Part:
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = Writer(path, TABLES[table])
    writer.add(rows)
    return writer.close()


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 0xFF
    path.write_bytes(data)


# --- files ------------------------------------------------------------------------------------------------------------


@given(st.lists(st.builds(Skipped, st.text(max_size=5), st.sampled_from(["ingest", "claims"]), st.text(max_size=20)), max_size=30))
def test_equal_rows_give_equal_bytes_and_come_back(rows: list[Skipped]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        a, b = Path(folder) / "a.parquet", Path(folder) / "b.parquet"
        parts = [write(path, rows, "skipped") for path in (a, b)]
        assert a.read_bytes() == b.read_bytes()
        assert parts[0]._replace(mtime_ns=0) == parts[1]._replace(mtime_ns=0)
        assert parts[0].rows == len(rows)
        assert list(read(a, TABLES["skipped"])) == rows


def test_rows_added_one_by_one_give_the_bytes_of_rows_added_at_once(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.parquet", SENTENCES)
    for row in sentences("a", 50):
        writer.add([row])
    writer.close()
    write(tmp_path / "b.parquet", sentences("a", 50))
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_many_rows_go_into_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "GROUP_ROWS", 10)
    writer = Writer(tmp_path / "a.parquet", SENTENCES)
    rows = [row for n in range(9) for row in sentences(f"a{n}", 4)]
    for n in range(9):
        writer.add(rows[4 * n : 4 * n + 4])
    assert writer.close().rows == 36
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups == 3
    assert list(read(tmp_path / "a.parquet", SENTENCES)) == rows


def articles(**columns: object) -> list[Article]:
    row = Article("a", "a.txt", "T", None, None, None, None, "en", "They nest.", "0", [Furniture(0, 4, "menu")], [])
    return [row._replace(doc_id=f"a{n}", **columns) for n in range(100)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("title", None),
        ("published", "2024"),
        ("text", "They nest again."),
        ("furniture", [Furniture(0, 4, "share")]),
        ("furniture", []),
        ("furniture", [Furniture(0, 4, "menu"), Furniture(5, 9, "menu")]),
    ],
)
def test_changed_column_changes_its_digest_alone(tmp_path: Path, column: str, value: object) -> None:
    before = write(tmp_path / "a.parquet", articles(), "articles").columns
    after = write(tmp_path / "b.parquet", articles(**{column: value}), "articles").columns
    assert set(before) == {c.name for c in TABLES["articles"].columns}
    assert {name for name in before if before[name] != after[name]} == {column}


def test_column_digest_does_not_depend_on_how_large_its_neighbours_are(tmp_path: Path) -> None:
    before = write(tmp_path / "a.parquet", articles(), "articles").columns
    after = write(tmp_path / "b.parquet", [row._replace(text=f"{n}" * 40_000) for n, row in enumerate(articles())], "articles").columns
    assert {name for name in before if before[name] != after[name]} == {"text"}


def test_swapped_rows_change_a_column_digest(tmp_path: Path) -> None:
    rows = articles()
    before = write(tmp_path / "a.parquet", rows, "articles").columns
    after = write(tmp_path / "b.parquet", [rows[1], rows[0], *rows[2:]], "articles").columns
    assert {name for name in before if before[name] != after[name]} == {"doc_id"}


def test_columns_that_were_not_asked_for_are_none(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", articles()[:1], "articles")
    (row,) = read(tmp_path / "a.parquet", TABLES["articles"], ("doc_id", "furniture"))
    assert (row.doc_id, row.text, row.furniture, row.copied) == ("a0", None, [Furniture(0, 4, "menu")], None)


def test_a_star_asks_for_every_column(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", articles()[:1], "articles")
    assert list(read(tmp_path / "a.parquet", TABLES["articles"], ("*",))) == articles()[:1]


def test_documents_are_the_rows_of_each_article(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "GROUP_ROWS", 3)
    writer = Writer(tmp_path / "a.parquet", SENTENCES)
    for doc_id, count in (("a", 2), ("b", 5), ("c", 1)):
        for row in sentences(doc_id, count):
            writer.add([row])
    writer.close()
    assert pq.ParquetFile(tmp_path / "a.parquet").num_row_groups > 2
    assert list(documents(tmp_path / "a.parquet", SENTENCES)) == [("a", sentences("a", 2)), ("b", sentences("b", 5)), ("c", sentences("c", 1))]


def test_documents_of_an_empty_part_are_none(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", [])
    assert list(documents(tmp_path / "a.parquet", SENTENCES)) == []


def test_corpus_gives_articles_in_order_across_shards_over_and_over(tmp_path: Path) -> None:
    shards = {"0": ["b", "d"], "1": ["a", "e"], "2": [], "3": ["c"]}
    for shard, ids in shards.items():
        write(tmp_path / f"{shard}.parquet", [row for doc_id in ids for row in sentences(doc_id, 3)])
    corpus = Corpus({"sentences": [tmp_path / f"{s}.parquet" for s in shards]}, {"sentences": ("doc_id", "sentence_id")})
    for _ in range(2):
        assert [(r.doc_id, r.sentence_id, r.kind) for r in corpus["sentences"]] == [(d, n, None) for d in "abcde" for n in range(3)]
    assert list(corpus) == ["sentences"] and len(corpus) == 1


@pytest.mark.parametrize("parts", [0, 1])
def test_corpus_of_few_parts(tmp_path: Path, parts: int) -> None:
    write(tmp_path / "0.parquet", sentences("a", 2))
    rows = Corpus({"sentences": [tmp_path / "0.parquet"][:parts]}, {"sentences": ("*",)})["sentences"]
    assert list(rows) == sentences("a", 2)[: 2 * parts]


@pytest.mark.parametrize("data", [b"", b"no parquet at all", b"PAR1" + bytes(50) + b"PAR1"])
def test_file_that_is_no_parquet_is_named_with_a_way_out(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(data)
    with pytest.raises(PipelineError) as caught:
        list(read(path, SENTENCES))
    assert caught.value.message.startswith(f"{path} can't be read: ")
    assert "\n" not in caught.value.message
    assert caught.value.hint == "delete that file and run again: it is made anew"


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"none\.parquet can't be read: "):
        list(read(tmp_path / "none.parquet", SENTENCES))


def test_damaged_page_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write(path, articles(), "articles")
    column = pq.ParquetFile(path).metadata.row_group(0).column(0)
    flip(path, column.data_page_offset + column.total_compressed_size // 2)
    with pytest.raises(PipelineError, match=r"a\.parquet can't be read: "):
        list(read(path, TABLES["articles"]))


def test_damage_anywhere_in_the_data_never_gives_other_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    rows = sentences("a", 40)
    write(path, rows)
    data = path.read_bytes()
    footer = int.from_bytes(data[-8:-4], "little")
    for place in range(4, len(data) - 8 - footer, 7):
        path.write_bytes(data)
        flip(path, place)
        try:
            assert list(read(path, SENTENCES)) == rows  # a flipped bit in a page header may be one that says nothing
        except PipelineError:
            continue


def test_untouched_file_is_unchanged(tmp_path: Path) -> None:
    part = write(tmp_path / "a.parquet", sentences("a", 3))
    assert unchanged(tmp_path / "a.parquet", part)


def test_touched_file_is_unchanged(tmp_path: Path) -> None:
    part = write(tmp_path / "a.parquet", sentences("a", 3))
    os.utime(tmp_path / "a.parquet", ns=(0, 0))
    assert unchanged(tmp_path / "a.parquet", part)


def test_file_of_the_same_size_with_other_bytes_is_changed(tmp_path: Path) -> None:
    part = write(tmp_path / "a.parquet", sentences("a", 3))
    flip(tmp_path / "a.parquet", 30)
    os.utime(tmp_path / "a.parquet", ns=(0, 0))
    assert not unchanged(tmp_path / "a.parquet", part)


def test_truncated_file_is_changed_even_with_its_old_time(tmp_path: Path) -> None:
    part = write(tmp_path / "a.parquet", sentences("a", 3))
    os.truncate(tmp_path / "a.parquet", part.size - 1)
    os.utime(tmp_path / "a.parquet", ns=(part.mtime_ns, part.mtime_ns))
    assert not unchanged(tmp_path / "a.parquet", part)


def test_missing_file_is_changed(tmp_path: Path) -> None:
    part = write(tmp_path / "a.parquet", sentences("a", 3))
    (tmp_path / "a.parquet").unlink()
    assert not unchanged(tmp_path / "a.parquet", part)


def test_file_that_is_no_table_has_no_column_digests(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("<p>")
    assert describe(tmp_path / "report.html", 1)[:3] == (1, describe(tmp_path / "report.html", 1).sha256, 3)
    assert describe(tmp_path / "report.html", 1).columns == {}


# --- receipts ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path) -> Store:
    return Store(tmp_path / "out")


def finish(here: Store, shard: str = "00001", rows: Sequence[Sentence] = ()) -> Receipt:
    """A finished piece of work, as a worker hands it over."""
    path = here.scratch / f"{shard}.parquet"
    receipt = Receipt({"code": "c1"}, {f"sentences/{shard}": write(path, rows)}, 1, 0.5)
    here.commit("tokenize", shard, receipt, {f"sentences/{shard}": path})
    return receipt


def test_receipt_comes_back_with_its_part_in_place(here: Store) -> None:
    with here.locked():
        receipt = finish(here, rows=sentences("a", 2))
    assert here.receipts("tokenize") == {"00001": receipt}
    assert unchanged(here.part("sentences/00001"), receipt.parts["sentences/00001"])


def test_receipt_falls_before_its_part_is_replaced(here: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with here.locked():
        finish(here, rows=sentences("a", 2))
        seen = []
        replace = Path.replace

        def watch(path: Path, target: Path) -> Path:
            seen.append((target.name, set(here.receipts("tokenize"))))
            return replace(path, target)

        monkeypatch.setattr(Path, "replace", watch)
        finish(here, rows=sentences("a", 3))
    assert seen == [("00001.parquet", set()), ("00001.json", set())]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        "\x00",
        '{"causes": {}, "parts": [], "articles": 1, "seconds": 1}',
        '{"causes": {}, "parts": {"a": {"rows": 1}}, "articles": 1, "seconds": 1}',
    ],
)
def test_receipt_that_cant_be_read_counts_as_missing(here: Store, text: str) -> None:
    with here.locked():
        finish(here)
        receipt = finish(here, "00002")
    write_text(here.work / "receipts/tokenize/00001.json", text)
    assert here.receipts("tokenize") == {"00002": receipt}


def test_forgotten_work_leaves_neither_receipt_nor_part(here: Store) -> None:
    with here.locked():
        here.forget("tokenize", "00001", finish(here))
    assert here.receipts("tokenize") == {}
    assert not here.part("sentences/00001").exists()


def test_sweep_removes_what_no_receipt_speaks_of(here: Store) -> None:
    with here.locked():
        finish(here)
        finish(here, "00002")
        here.sweep(["sentences/00002"])
    assert [here.part(f"sentences/0000{n}").exists() for n in (1, 2)] == [False, True]


# --- publishing -------------------------------------------------------------------------------------------------------


def parts(here: Store, **rows: Sequence[Sentence]) -> list[Path]:
    paths = []
    for shard, of_shard in rows.items():
        paths.append(here.part(f"sentences/{shard}"))
        write(paths[-1], of_shard)
    return paths


def rows_of(here: Store) -> list[Sentence]:
    return list(read(here.outputs / "sentences.parquet", SENTENCES))


def test_published_table_holds_its_parts_in_order_of_articles(here: Store) -> None:
    with here.locked():
        paths = parts(here, s0=sentences("b", 2) + sentences("d", 1), s1=sentences("a", 1) + sentences("c", 3), s2=[])
        assert here.publish({"sentences.parquet": ("d1", paths)}) == ["sentences.parquet"]
    assert rows_of(here) == [*sentences("a", 1), *sentences("b", 2), *sentences("c", 3), *sentences("d", 1)]


def test_published_bytes_do_not_depend_on_the_shards(here: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "GROUP_ROWS", 7)
    rows = {doc_id: sentences(doc_id, 3) for doc_id in "abcdefgh"}
    found = set()
    for shards in (2, 3, 5):
        with here.locked():
            wanted = {f"s{n}": [r for d in "abcdefgh"[n::shards] for r in rows[d]] for n in range(shards)}
            here.publish({"sentences.parquet": (f"d{shards}", parts(here, **wanted))})
        found.add((here.outputs / "sentences.parquet").read_bytes())
    assert len(found) == 1


def test_table_without_parts_is_published_empty(here: Store) -> None:
    with here.locked():
        here.publish({"skipped.parquet": ("d1", [])})
    assert list(read(here.outputs / "skipped.parquet", TABLES["skipped"])) == []


def test_file_that_is_no_table_is_copied(here: Store) -> None:
    with here.locked():
        page = here.part("report.html/report.html")
        page.parent.mkdir(parents=True)
        page.write_text("<p>é")
        here.publish({"report.html": ("d1", [page])})
    assert (here.outputs / "report.html").read_text() == "<p>é"


def test_publishing_the_same_again_does_nothing(here: Store) -> None:
    with here.locked():
        wanted = {"sentences.parquet": ("d1", parts(here, s0=sentences("a", 1)))}
        here.publish(wanted)
        before = (here.outputs / "sentences.parquet").stat().st_mtime_ns
        assert here.publish(wanted) == []
    assert (here.outputs / "sentences.parquet").stat().st_mtime_ns == before


def test_published_file_that_was_damaged_is_made_anew(here: Store) -> None:
    with here.locked():
        wanted = {"sentences.parquet": ("d1", parts(here, s0=sentences("a", 1)))}
        here.publish(wanted)
        (here.outputs / "sentences.parquet").write_bytes(b"")
        assert here.publish(wanted) == ["sentences.parquet"]
    assert rows_of(here) == sentences("a", 1)


def test_only_files_that_changed_are_replaced(here: Store) -> None:
    with here.locked():
        paths = parts(here, s0=sentences("a", 1))
        here.publish({"sentences.parquet": ("d1", paths), "skipped.parquet": ("d1", [])})
        assert here.publish({"sentences.parquet": ("d2", paths), "skipped.parquet": ("d1", [])}) == ["sentences.parquet"]


def test_folder_in_the_place_of_a_table_is_replaced(here: Store) -> None:
    (here.outputs / "sentences.parquet").mkdir(parents=True)
    (here.outputs / "sentences.parquet" / "part-0.parquet").write_bytes(b"")
    with here.locked():
        here.publish({"sentences.parquet": ("d1", parts(here, s0=sentences("a", 1)))})
    assert rows_of(here) == sentences("a", 1)


@pytest.mark.parametrize("count", [1, 2])
def test_damaged_part_is_named_when_it_is_published(here: Store, count: int) -> None:
    with here.locked():
        paths = parts(here, s0=sentences("a", 3), s1=sentences("b", 3))[:count]
        flip(paths[0], 30)
        with pytest.raises(PipelineError, match=r"s0\.parquet can't be read: "):
            here.publish({"sentences.parquet": ("d1", paths)})
    assert not (here.outputs / "sentences.parquet").exists()


@pytest.mark.parametrize("text", ["", "[]", "null", '{"a": 1}', '{"a": ["d", {"rows": 1}]}'])
def test_manifest_that_cant_be_read_counts_as_missing(here: Store, text: str) -> None:
    with here.locked():
        wanted = {"sentences.parquet": ("d1", parts(here, s0=sentences("a", 1)))}
        here.publish(wanted)
        write_text(here.work / "published.json", text)
        assert here.published() == {}
        assert here.publish(wanted) == ["sentences.parquet"]


class Killed(BaseException):
    """Stands for the end of the process: nothing catches it."""


@pytest.fixture
def two_tables(here: Store) -> Store:
    """A published pair of tables, and new parts for both."""
    with here.locked():
        parts(here, s0=sentences("a", 1))
        write(here.part("skipped/s0"), [], "skipped")
        publish(here, "d1")
        parts(here, s0=sentences("a", 2))
        write(here.part("skipped/s0"), [Skipped("b", "ingest", "empty")], "skipped")
    return here


def publish(here: Store, digest: str) -> None:
    here.publish({name: (digest, [here.part(f"{name.removesuffix('.parquet')}/s0")]) for name in ("sentences.parquet", "skipped.parquet")})


def counts(here: Store) -> tuple[int, int]:
    return len(rows_of(here)), len(list(read(here.outputs / "skipped.parquet", TABLES["skipped"])))


def test_kill_before_the_ready_folder_is_renamed_leaves_the_old_tables(two_tables: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch, pytest.raises(Killed), two_tables.locked():
        patch.setattr(store, "_sync", lambda _: (_ for _ in ()).throw(Killed()))
        publish(two_tables, "d2")
    with two_tables.locked():
        assert counts(two_tables) == (1, 0)
        publish(two_tables, "d2")
    assert counts(two_tables) == (2, 1)


@pytest.mark.parametrize("moves", [0, 1, 2])
def test_kill_while_the_tables_are_moved_is_finished_by_the_next_run(two_tables: Store, monkeypatch: pytest.MonkeyPatch, moves: int) -> None:
    replace, done = store._replace, []

    def dying(path: Path, target: Path) -> None:
        if len(done) == moves:
            raise Killed
        done.append(path)
        replace(path, target)

    with monkeypatch.context() as patch, two_tables.locked():
        patch.setattr(store, "_replace", dying)
        if moves == 2:
            patch.setattr(Path, "rmdir", lambda _: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            publish(two_tables, "d2")
    assert (two_tables.work / "publish").is_dir()
    with two_tables.locked():
        assert counts(two_tables) == (2, 1)
        assert {made_from for made_from, _ in two_tables.published().values()} == {"d2"}
        publish(two_tables, "d2")
    assert not (two_tables.work / "publish").exists()


# --- the folder -------------------------------------------------------------------------------------------------------

HOLD = """
import sys
from pathlib import Path
from pipeline.store import Store
with Store(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(pipeline.__file__).parents[1]), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture
def holder(here: Store) -> Iterator[subprocess.Popen[str]]:
    """Another process that works on the folder."""
    command = [sys.executable, "-c", HOLD, str(here.outputs)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_folder_that_another_process_works_on_is_refused(here: Store, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(PipelineError) as caught, here.locked():
        pytest.fail("both hold the lock")
    assert caught.value.message == f"another run is working on {here.outputs} (process {holder.pid})"
    assert caught.value.hint == "wait until it has finished, or give this run another output folder"


def test_refused_run_leaves_the_other_one_alone(here: Store, holder: subprocess.Popen[str]) -> None:
    (here.scratch.parent / "half").write_text("x")
    with pytest.raises(PipelineError), here.locked():
        pass
    assert (here.scratch.parent / "half").exists()


def test_lock_falls_with_a_killed_process(here: Store, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    with here.locked():
        assert list(here.scratch.iterdir()) == []


def test_lock_is_free_again_after_a_fault(here: Store) -> None:
    with pytest.raises(ZeroDivisionError), here.locked():
        _ = 1 / 0
    with here.locked():
        pass


def test_scratch_of_a_killed_run_is_wiped(here: Store) -> None:
    (here.scratch / "tokenize-00001").mkdir(parents=True)
    (here.scratch / "tokenize-00001" / "tokens.parquet").write_bytes(b"half")
    with here.locked():
        assert list(here.scratch.iterdir()) == []
    assert not here.scratch.exists()


def test_text_is_replaced_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(tmp_path / "a.json", "old")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(Killed()))
    with pytest.raises(Killed):
        write_text(tmp_path / "a.json", "new")
    assert (tmp_path / "a.json").read_text() == "old"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_full_disk_says_so(here: Store, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(PipelineError) as caught, here.locked(), writing(here.outputs):
        paths = parts(here, s0=sentences("a", 1))
        monkeypatch.setattr(store, "_sync", full)
        here.publish({"sentences.parquet": ("d1", paths)})
    assert caught.value.message == f"the disk that holds {here.outputs} is full"
    assert caught.value.hint == "make room, then run again: what is finished is kept"
    assert not (here.outputs / "sentences.parquet").exists()


def test_other_faults_of_a_disk_are_named(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"^can't write to .*: \[Errno 5\] Input/output error$"), writing(tmp_path):
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(PipelineError, match=r"^can't write to .*out: (File exists|Not a directory)$"), Store(tmp_path / "out").locked():
        pytest.fail("locked a file")


@pytest.fixture
def read_only() -> Iterator[Path]:
    """An output folder that this process may not write to."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:  # who may write anywhere, so become nobody
        os.seteuid(65534)
    yield folder
    if root:
        os.seteuid(0)
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_folder_that_may_not_be_written_to(read_only: Path) -> None:
    with pytest.raises(PipelineError) as caught, Store(read_only).locked():
        pytest.fail("wrote to a folder that is read-only")
    assert caught.value.message == f"can't write to {read_only}: Permission denied"
    assert caught.value.hint == "give another output folder, or mend its permissions"


def test_folder_that_may_not_be_written_to_any_more(read_only: Path) -> None:
    user = os.geteuid()
    os.seteuid(os.getuid())
    read_only.chmod(0o755)
    with Store(read_only).locked():
        pass
    for path in (read_only / ".work", read_only):
        path.chmod(0o555)
    os.seteuid(user)
    with pytest.raises(PipelineError, match=r"^can't write to .*: Permission denied$"), Store(read_only).locked():
        pytest.fail("wrote to a folder that is read-only")
    os.seteuid(os.getuid())
    (read_only / ".work").chmod(0o755)


def test_lists_of_structs_survive_publishing(here: Store) -> None:
    row = Variant("e", "Velloth", 1, 1, "rule", 1.0, [])
    with here.locked():
        write(here.part("variants/all"), [row], "variants")
        here.publish({"variants.parquet": ("d1", [here.part("variants/all")])})
    assert list(read(here.outputs / "variants.parquet", TABLES["variants"])) == [row]


def test_manifest_names_what_lies_in_the_folder(here: Store) -> None:
    with here.locked():
        here.publish({"sentences.parquet": ("d1", parts(here, s0=sentences("a", 4)))})
    ((made_from, part),) = json.loads((here.work / "published.json").read_text()).values()
    assert (made_from, part["rows"]) == ("d1", 4)
    assert unchanged(here.outputs / "sentences.parquet", Part(**part))
