"""The corpus folder: ids, what is no article, what changed, and records split by shard."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import corpus
from pipeline.corpus import File, digest, doc_id_of, members, scan, shard_of, sources, split
from pipeline.errors import PipelineError
from pipeline.stages.ingest import Source

SHARDS = 4
LATER = 2**62
"""A time far after every file was written, in ns: what was known then can be trusted."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "corpus"
    made.mkdir()
    return made


def write(folder: Path, name: str, data: str | bytes = "Herons.") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def look(folder: Path, known: dict[str, File] | None = None, since: int = LATER, exclude: Path | None = None) -> dict[str, File]:
    return {f.path: f for f in scan(folder, SHARDS, exclude or folder.parent / "out", known or {}, since)}


def skipped(folder: Path) -> dict[str, str]:
    """Reasons by file name."""
    return {name: f.digest.removeprefix("skip: ") for name, f in look(folder).items() if f.digest.startswith("skip: ")}


def read(folder: Path, scratch: Path, shards: int = SHARDS) -> Iterator[Source | tuple[str, str]]:
    """Everything a run would hand to ingest, shard by shard."""
    by_shard = members(list(scan(folder, shards, scratch, {}, 0)), shards)
    scratch.mkdir(exist_ok=True)
    files = list({f.path: f for fs in by_shard.values() for f in fs}.values())
    pieces = split(folder, files, set(by_shard), shards, scratch)
    for shard, here in by_shard.items():
        yield from sources(folder, here, pieces.get(shard))


def ids(folder: Path, scratch: Path) -> set[str]:
    return {s.doc_id for s in read(folder, scratch) if isinstance(s, Source)}


def test_id_is_the_path_without_its_suffix(folder: Path, tmp_path: Path) -> None:
    for name in ("a.txt", "b/c.d.txt", "b/é è.txt"):
        write(folder, name)
    assert ids(folder, tmp_path / "s") == {"a", "b/c.d", "b/é è"}


def test_hidden_files_and_folders_are_left_out(folder: Path) -> None:
    for name in ("a.txt", ".b.txt", ".git/c.txt", "d/.e/f.txt"):
        write(folder, name)
    assert set(look(folder)) == {"a.txt"}


def test_output_folder_within_the_corpus_is_left_out(folder: Path) -> None:
    write(folder, "a.txt")
    write(folder, "out/report.html")
    assert set(look(folder, exclude=folder / "out")) == {"a.txt"}


def test_scan_comes_in_the_same_order_every_time(folder: Path) -> None:
    for name in ("z.txt", "b/y.txt", "a.txt", "b/a/x.txt", "a/w.txt"):
        write(folder, name)
    assert list(look(folder)) == ["a.txt", "z.txt", "a/w.txt", "b/y.txt", "b/a/x.txt"]


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"is missing$"):
        look(tmp_path / "none")


def test_file_for_a_folder(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"is a file, not a folder$"):
        look(write(tmp_path, "a.txt"))


def test_folder_without_files(folder: Path) -> None:
    (folder / "a").mkdir()
    with pytest.raises(PipelineError, match=r"holds no files$"):
        look(folder)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a.pdf", "unsupported file type .pdf: .txt, .html, .htm and .jsonl are read"),
        ("a", "unsupported file type (none): .txt, .html, .htm and .jsonl are read"),
        ("a.txt\n", "unsupported file type .txt\n: .txt, .html, .htm and .jsonl are read"),
    ],
)
def test_other_file_types_are_skipped(folder: Path, name: str, reason: str) -> None:
    write(folder, name)
    assert skipped(folder) == {name: reason}


def test_skipped_file_goes_by_its_whole_name(folder: Path, tmp_path: Path) -> None:
    write(folder, "a.pdf")
    assert list(read(folder, tmp_path / "s")) == [("a.pdf", "unsupported file type .pdf: .txt, .html, .htm and .jsonl are read")]


def test_link_out_of_the_folder_is_skipped(folder: Path, tmp_path: Path) -> None:
    (folder / "a.txt").symlink_to(write(tmp_path, "secret.txt"))
    (folder / "b.txt").symlink_to("/dev/null")
    (folder / "c").symlink_to(tmp_path)
    assert set(skipped(folder).values()) == {"a link to something outside the corpus folder"}
    assert set(skipped(folder)) == {"a.txt", "b.txt", "c"}


def test_link_within_the_folder_is_read(folder: Path, tmp_path: Path) -> None:
    write(folder, "a.txt", "Herons.")
    (folder / "b.txt").symlink_to("a.txt")
    assert {s.data for s in read(folder, tmp_path / "s") if isinstance(s, Source)} == {b"Herons."}
    assert ids(folder, tmp_path / "s") == {"a", "b"}


def test_link_to_a_folder_within_is_not_followed(folder: Path) -> None:
    write(folder, "a/b.txt")
    (folder / "c").symlink_to("a")
    (folder / "a" / "up").symlink_to("..")
    assert skipped(folder) == {"c": "a link that leads to no file", "a/up": "a link that leads to no file"}


def test_broken_link_is_skipped(folder: Path) -> None:
    (folder / "a.txt").symlink_to("none.txt")
    assert skipped(folder) == {"a.txt": "a link that leads to no file"}


def test_link_in_a_circle_is_skipped(folder: Path) -> None:
    (folder / "a.txt").symlink_to("b.txt")
    (folder / "b.txt").symlink_to("a.txt")
    assert set(skipped(folder)) == {"a.txt", "b.txt"}


def test_pipe_is_skipped_and_never_opened(folder: Path) -> None:
    os.mkfifo(folder / "a.txt")
    os.mkfifo(folder / "b.jsonl")
    (folder / "c.txt").symlink_to("a.txt")
    no_file = "neither a file nor a folder"
    assert skipped(folder) == {"a.txt": no_file, "b.jsonl": no_file, "c.txt": "a link that leads to no file"}


def test_large_text_file_is_skipped_unread(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "MAX_BYTES", 10)
    write(folder, "a.txt", "x" * 10)
    write(folder, "b.txt", "x" * 11)
    assert skipped(folder) == {"b.txt": "11 bytes, more than an article has"}


def test_file_name_with_a_line_break_is_an_id(folder: Path, tmp_path: Path) -> None:
    write(folder, "a\nb.txt")
    assert ids(folder, tmp_path / "s") == {"a\nb"}


def test_file_name_that_is_no_utf8_gives_an_id_that_can_be_written(folder: Path, tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt")).write_text("Herons.")
    Path(os.fsdecode(os.fsencode(folder) + b"/n\xff.jsonl")).write_text('{"text": "Herons."}')
    Path(os.fsdecode(os.fsencode(folder) + b"/\xfe.doc")).write_text("")
    found = list(read(folder, tmp_path / "s"))
    assert sorted(f[0] for f in found) == ["\\udcfe.doc", "caf\\udce9", "n\\udcff.jsonl#1"]
    assert all(value.encode() for f in found for value in f if isinstance(value, str))


def test_names_that_differ_in_bad_bytes_give_different_ids() -> None:
    assert doc_id_of(os.fsdecode(b"\xe9.txt")) != doc_id_of(os.fsdecode(b"\xe8.txt"))


@pytest.mark.parametrize(
    ("line", "doc_id"),
    [
        ('{"id": "r1", "text": "x"}', "r1"),
        ('{"doc_id": "r2"}', "r2"),
        ('{"id": "r1", "doc_id": "r2"}', "r1"),
        ('{"id": null, "doc_id": "r2"}', "r2"),
        ('{"id": " ", "doc_id": "r2"}', "r2"),
        ('{"id": 17}', "17"),
        ('{"id": 0}', "0"),
        ('{"id": true}', "n.jsonl#1"),
        ('{"id": 1.5}', "n.jsonl#1"),
        ('{"id": ["a"]}', "n.jsonl#1"),
        ('{"id": ""}', "n.jsonl#1"),
        ('{"id": "a\\ud800"}', "a\\ud800"),
        ('{"text": "x"}', "n.jsonl#1"),
        ("[1]", "n.jsonl#1"),
        ("not json", "n.jsonl#1"),
        ("[" * 100_000, "n.jsonl#1"),
        ('{"id": ' + "9" * 5000 + "}", "n.jsonl#1"),
    ],
)
def test_record_takes_its_own_id_or_its_line(folder: Path, tmp_path: Path, line: str, doc_id: str) -> None:
    write(folder, "n.jsonl", line)
    assert ids(folder, tmp_path / "s") == {doc_id}


def test_record_that_is_no_utf8_keeps_its_bytes(folder: Path, tmp_path: Path) -> None:
    line = b'{"id": "r", "text": "\xff\xfe\xed\xa0\x80\xed\xb0\x80"}'
    write(folder, "n.jsonl", line)
    (source,) = read(folder, tmp_path / "s")
    assert isinstance(source, Source) and source.data == line


def test_empty_lines_count_and_hold_nothing(folder: Path, tmp_path: Path) -> None:
    write(folder, "n.jsonl", '\n  \r\n{"text": "x"}\r\n\n{"text": "y"}')
    assert ids(folder, tmp_path / "s") == {"n.jsonl#3", "n.jsonl#5"}


def test_byte_order_mark_before_the_first_record_costs_it_nothing(folder: Path, tmp_path: Path) -> None:
    write(folder, "n.jsonl", b'\xef\xbb\xbf{"id": "r1"}\n{"id": "r2"}\n')
    assert ids(folder, tmp_path / "s") == {"r1", "r2"}


@pytest.mark.parametrize("data", ["", "\n \n"])
def test_file_without_records_is_skipped(folder: Path, tmp_path: Path, data: str) -> None:
    write(folder, "n.jsonl", data)
    assert list(read(folder, tmp_path / "s")) == [("n.jsonl", "empty")]


def test_huge_line_costs_its_own_record_alone(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "MAX_BYTES", 64)
    huge = json.dumps({"id": "huge", "text": "x" * 500})
    write(folder, "n.jsonl", f'{{"id": "r1"}}\n{huge}\n{{"id": "r3"}}\n{huge}')
    found = {s.doc_id: s.data for s in read(folder, tmp_path / "s") if isinstance(s, Source)}
    assert set(found) == {"r1", "n.jsonl#2", "r3", "n.jsonl#4"}
    assert found["n.jsonl#2"] == b"null"


def test_line_of_the_largest_size_is_read(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "MAX_BYTES", 13)
    write(folder, "n.jsonl", '{"id": "r1"}\n{"id": "r2"}\n')
    assert ids(folder, tmp_path / "s") == {"r1", "r2"}


def test_sources_with_one_id_come_together_in_order_of_path(folder: Path, tmp_path: Path) -> None:
    write(folder, "b.jsonl", '{"id": "a", "text": "1"}\n{"id": "a", "text": "2"}\n')
    write(folder, "a.txt")
    assert [s.path for s in read(folder, tmp_path / "s") if isinstance(s, Source)] == ["a.txt", "b.jsonl#1", "b.jsonl#2"]


def test_shard_of_an_id_never_changes() -> None:
    # Worked out with sha256sum: another value here would make every published receipt stale.
    assert [shard_of(i, 128) for i in ("", "a/b", "é", "\ud800")] == [20, 29, 83, 52]


def test_shards_are_even() -> None:
    counts = [0] * 16
    for n in range(8000):
        counts[shard_of(f"story-{n}", 16)] += 1
    assert min(counts) > 400 and max(counts) < 600


def test_known_file_is_not_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "a.txt")
    write(folder, "n.jsonl", '{"id": "r"}')
    known = look(folder)
    monkeypatch.setattr(corpus, "_look", lambda *_: pytest.fail("read again"))
    assert look(folder, known) == known


def test_file_of_another_size_is_read_again(folder: Path) -> None:
    path = write(folder, "a.txt", "one")
    known = look(folder)
    path.write_text("three")
    os.utime(path, ns=(known["a.txt"].mtime_ns,) * 2)
    assert look(folder, known)["a.txt"].digest != known["a.txt"].digest


def test_file_of_another_time_is_read_again(folder: Path) -> None:
    path = write(folder, "a.txt", "one")
    known = look(folder)
    path.write_text("two")
    os.utime(path, ns=(known["a.txt"].mtime_ns + 1,) * 2)
    assert look(folder, known)["a.txt"].digest != known["a.txt"].digest


def test_file_written_just_before_the_last_look_is_read_again(folder: Path) -> None:
    path = write(folder, "a.txt", "one")
    known = look(folder)
    path.write_text("two")
    os.utime(path, ns=(known["a.txt"].mtime_ns,) * 2)
    assert look(folder, known, since=known["a.txt"].mtime_ns + 10**9)["a.txt"].digest != known["a.txt"].digest


def test_change_behind_a_link_is_seen(folder: Path) -> None:
    target = write(folder, ".store/a.txt", "one")
    (folder / "a.txt").symlink_to(".store/a.txt")
    known = look(folder)
    target.write_text("two")
    assert look(folder, known)["a.txt"].digest != known["a.txt"].digest


def test_link_whose_target_comes_later_is_read_then(folder: Path) -> None:
    (folder / "b.txt").symlink_to("a.txt")
    known = look(folder)
    write(folder, "a.txt")
    assert not look(folder, known)["b.txt"].digest.startswith("skip: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_file_is_read_once_permission_is_given(folder: Path) -> None:
    path = write(folder, "a.txt")
    path.chmod(0)
    known = look(folder)
    assert known["a.txt"].digest.startswith("skip: can't be read")
    path.chmod(0o600)
    assert not look(folder, known)["a.txt"].digest.startswith("skip: ")


def test_what_was_skipped_is_looked_at_again(folder: Path) -> None:
    write(folder, "a.txt")
    known = {name: f._replace(digest="skip: can't be read: Permission denied") for name, f in look(folder).items()}
    assert not look(folder, known)["a.txt"].digest.startswith("skip: ")


def test_file_that_went_away_since_the_scan_says_so(folder: Path, tmp_path: Path) -> None:
    path = write(folder, "a.txt")
    files = list(look(folder).values())
    path.unlink()
    with pytest.raises(PipelineError, match=r"a\.txt could be read a moment ago, but now: "):
        list(sources(folder, files, None))


def test_records_that_went_away_since_the_scan_say_so(folder: Path, tmp_path: Path) -> None:
    path = write(folder, "n.jsonl", '{"id": "r"}')
    files = list(look(folder).values())
    path.unlink()
    with pytest.raises(PipelineError, match=r"n\.jsonl could be read a moment ago, but now: "):
        split(folder, files, set(range(SHARDS)), SHARDS, tmp_path)


def digests(folder: Path) -> dict[int, str]:
    return {shard: digest(files, shard) for shard, files in members(list(look(folder, since=0).values()), SHARDS).items()}


def changed(before: dict[int, str], after: dict[int, str]) -> set[int]:
    return {shard for shard in before | after if before.get(shard) != after.get(shard)}


@pytest.fixture
def full(folder: Path) -> Path:
    """A file and a record in each shard."""
    for n in range(20):
        write(folder, f"t{n}.txt")
    write(folder, "n.jsonl", "".join(json.dumps({"id": f"r{n}", "text": "x"}) + "\n" for n in range(20)))
    assert set(digests(folder)) == set(range(SHARDS))
    return folder


def test_changed_file_changes_its_shard_alone(full: Path) -> None:
    before = digests(full)
    write(full, "t3.txt", "Other.")
    assert changed(before, digests(full)) == {shard_of("t3", SHARDS)}


def test_new_file_changes_its_shard_alone(full: Path) -> None:
    before = digests(full)
    write(full, "new.txt")
    assert changed(before, digests(full)) == {shard_of("new", SHARDS)}


def test_renamed_file_changes_both_shards(full: Path) -> None:
    before = digests(full)
    (full / "t3.txt").rename(full / "new.txt")
    assert changed(before, digests(full)) == {shard_of("t3", SHARDS), shard_of("new", SHARDS)}


def test_changed_record_changes_its_shard_alone(full: Path) -> None:
    before = digests(full)
    lines = (full / "n.jsonl").read_text().splitlines()
    lines[7] = lines[7].replace('"x"', '"y"')
    write(full, "n.jsonl", "\n".join(lines))
    assert changed(before, digests(full)) == {shard_of("r7", SHARDS)}


def test_appended_record_changes_its_shard_alone(full: Path) -> None:
    before = digests(full)
    with (full / "n.jsonl").open("a") as file:
        file.write('{"id": "late"}\n')
    assert changed(before, digests(full)) == {shard_of("late", SHARDS)}


def test_touched_file_changes_no_shard(full: Path) -> None:
    before = digests(full)
    os.utime(full / "t3.txt", ns=(0, 0))
    assert changed(before, digests(full)) == set()


RECORDS = st.dictionaries(st.sampled_from(["id", "doc_id", "text"]), st.text(max_size=8) | st.integers() | st.none())
OTHER_BYTES = st.binary(max_size=30).map(lambda line: line.replace(b"\n", b""))
JSON_LINES = st.lists(RECORDS.map(lambda record: json.dumps(record).encode()) | OTHER_BYTES, max_size=9)


@given(lines=JSON_LINES, shards=st.integers(1, 9))
def test_splitting_by_shard_gives_what_reading_line_by_line_gives(lines: list[bytes], shards: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    tmp = tmp_path_factory.mktemp("split")
    folder = tmp / "corpus"
    folder.mkdir()
    write(folder, "n.jsonl", b"\n".join(lines))
    found = [(s.path, s.data) for s in read(folder, tmp / "s", shards) if isinstance(s, Source)]
    assert len(found) == len({path for path, _ in found})
    assert dict(found) == {f"n.jsonl#{n}": line.strip() for n, line in enumerate(lines, 1) if line.strip()}


@given(ids_=st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=10, unique=True), shards=st.integers(1, 9))
def test_every_record_lies_in_the_shard_of_its_id(ids_: list[str], shards: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    tmp = tmp_path_factory.mktemp("split")
    folder = tmp / "corpus"
    folder.mkdir()
    write(folder, "n.jsonl", "".join(json.dumps({"id": i}) + "\n" for i in ids_))
    files = list(scan(folder, shards, tmp / "out", {}, 0))
    for shard, path in split(folder, files, set(range(shards)), shards, tmp).items():
        assert all(shard_of(s.doc_id, shards) == shard for s in sources(folder, [], path) if isinstance(s, Source))
