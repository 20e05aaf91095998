"""Settings and the errors of pipeline.toml."""

import dataclasses
import os
from pathlib import Path

import pytest

from pipeline.config import Settings, load, replace
from pipeline.errors import PipelineError


def refused(folder: Path, text: str | bytes) -> tuple[str, str]:
    """Message (without the file's name) and hint for a settings file."""
    path = folder / "pipeline.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(PipelineError) as caught:
        load(path)
    assert str(path) in caught.value.message
    return caught.value.message.replace(str(path), "FILE"), caught.value.hint


def test_no_file_gives_the_defaults() -> None:
    assert load() == load(None) == Settings()


def test_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text("")
    assert load(tmp_path / "p.toml") == Settings()


def test_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text("[ingest]\nmax_chars = 5\n[run]\nworkers = 0\n")
    assert load(tmp_path / "p.toml") == replace(Settings(), "ingest", max_chars=5)


def test_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_bytes(b"\xef\xbb\xbf[run]\r\nshards = 7\r\n")
    assert load(tmp_path / "p.toml").run.shards == 7


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PipelineError) as caught:
        load(tmp_path / "none.toml")
    assert caught.value.message == f"can't read the settings {tmp_path / 'none.toml'}: {os.strerror(2)}"
    assert caught.value.hint == "name an existing file with --config, or leave it out"


def test_folder_for_a_file(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=f"can't read the settings .*: {os.strerror(21)}"):
        load(tmp_path)


@pytest.mark.parametrize("text", ["[run\n", "workers 3", "[run]\nshards = 1\nshards = 2\n", b"[run]\n# \xff\n"])
def test_file_that_is_no_toml(tmp_path: Path, text: str | bytes) -> None:
    message, hint = refused(tmp_path, text)
    assert message.startswith("FILE is not valid TOML: ")
    assert hint == "mend that line; docs/settings.md shows every setting"


def test_unknown_section_names_the_nearest(tmp_path: Path) -> None:
    message, hint = refused(tmp_path, "[tokenise]\n")
    assert message == "FILE: there is no section [tokenise] (did you mean tokenize?)"
    assert hint == "the sections are ingest, tokenize, report, run"


def test_unknown_section_like_no_other(tmp_path: Path) -> None:
    assert refused(tmp_path, "[zzz]\n")[0] == "FILE: there is no section [zzz]"


def test_setting_outside_a_section(tmp_path: Path) -> None:
    assert refused(tmp_path, "workers = 2\n")[0] == "FILE: there is no section [workers]"


@pytest.mark.parametrize("text", ["run = 3\n", "[[run]]\nworkers = 1\n"])
def test_section_that_is_none(tmp_path: Path, text: str) -> None:
    message, hint = refused(tmp_path, text)
    assert message == "FILE: run should be a section"
    assert hint == "write [run] on a line of its own, and the settings of run below it"


def test_unknown_setting_names_the_nearest(tmp_path: Path) -> None:
    message, hint = refused(tmp_path, "[run]\nworker = 2\n")
    assert message == "FILE: [run] has no setting 'worker' (did you mean workers?)"
    assert hint == "the settings of [run] are workers, shards"


@pytest.mark.parametrize("value", ['"4"', "4.0", "true", "[4]"])
def test_setting_of_another_type(tmp_path: Path, value: str) -> None:
    message, hint = refused(tmp_path, f"[run]\nshards = {value}\n")
    assert message.startswith("FILE: [run] shards = ") and message.endswith(" should be of type int")
    assert hint == "the default is 128"


def test_text_setting_of_another_type(tmp_path: Path) -> None:
    assert refused(tmp_path, "[tokenize]\nmodel = 3\n")[0] == "FILE: [tokenize] model = 3 should be of type str"


@pytest.mark.parametrize(
    ("section", "setting", "value", "least"),
    [("run", "workers", -1, 0), ("run", "shards", 0, 1), ("ingest", "max_chars", 0, 1)],
)
def test_setting_that_is_too_small(tmp_path: Path, section: str, setting: str, value: int, least: int) -> None:
    message, hint = refused(tmp_path, f"[{section}]\n{setting} = {value}\n")
    assert message == f"FILE: [{section}] {setting} = {value} is too small"
    assert hint.startswith(f"the least is {least}, the default ")


def test_settings_cannot_be_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().run.workers = 3  # type: ignore[misc]


def test_replace_leaves_the_original_alone() -> None:
    before = Settings()
    assert replace(before, "run", shards=3).run.shards == 3
    assert before == Settings()
