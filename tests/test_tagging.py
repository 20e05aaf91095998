"""The name tagger's parts, without a trained model: pieces, windows, decoding, cleaning, generation."""

from __future__ import annotations

import itertools
import random
from collections import Counter

import numpy as np
import pytest
import spacy

from pipeline.tagging.component import WindowTagger, batches, padded
from pipeline.tagging.decode import ALLOWED, TAGS, best_path, spans
from pipeline.tagging.pieces import BREAK_OFFSET, Pieces, case_class
from pipeline.tagging.windows import windows
from pipeline.train.data import Example, clean, demonyms, detokenise
from pipeline.train.evaluate import normal
from pipeline.train.generate import make, restyle

VOCAB = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "##s", "sat", ".", "a", "b", "c", "##a", "##b", "##c", "cafe"]


@pytest.fixture
def pieces() -> Pieces:
    return Pieces(VOCAB)


def test_words_become_uncased_pieces_without_accents(pieces: Pieces) -> None:
    assert pieces.encode("Cats")[0] == (6, 7)
    assert pieces.encode("CAFÉ")[0] == (16,)
    assert pieces.encode("☃☃")[0] == (1,)


@pytest.mark.parametrize(
    ("word", "name"), [("the", 1), ("The", 2), ("NATO", 3), ("J", 4), ("iPhone", 5), ("747s", 6), ("XIV", 7), ("—", 0), ("o'Neill", 5)]
)
def test_case_classes(word: str, name: int) -> None:
    assert case_class(word) == name


def test_windows_hold_every_word_once_and_fit(pieces: Pieces) -> None:
    rng = random.Random(1)
    words = [rng.choice(["the", "cats", "Sat", ".", "\n\n", " ", "ABCABC", "“", "cat"]) for _ in range(2000)]
    found = windows(words, pieces, max_pieces=32)
    assert [w for window in found for w in window.words] == [i for i, w in enumerate(words) if not w.isspace()]
    assert max(len(w.ids) for w in found) <= 32
    assert all(len(w.ids) == len(w.types) and len(w.first) == len(w.words) for w in found)


def test_a_line_break_marks_the_next_word(pieces: Pieces) -> None:
    (window,) = windows(["the", "cat", "\n", "sat"], pieces)
    assert [t // BREAK_OFFSET for t in window.types] == [0, 1, 0, 1, 0]


def test_windows_end_at_sentence_ends(pieces: Pieces) -> None:
    found = windows(["The", "cat", "sat", "."] * 10, pieces, max_pieces=16)
    assert all(window.words[0] % 4 == 0 for window in found)


def test_paths_obey_the_scheme() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        path = best_path(rng.normal(size=(12, len(TAGS))).astype(np.float32))
        assert all(ALLOWED[a, b] for a, b in itertools.pairwise(path))
        assert sum((t - 1) % 4 in {0, 3} for t in path if t) == len(spans(path))


def test_names_never_cross_a_line_break(pieces: Pieces) -> None:
    nlp = spacy.blank("en")

    def always_one_long_organisation(ids: np.ndarray, types: np.ndarray, mask: np.ndarray) -> np.ndarray:
        scores = np.zeros((*ids.shape, len(TAGS)), dtype=np.float32)
        scores[..., 5:8] = 6.0
        scores[..., 8] = 5.0
        return scores

    doc = WindowTagger(pieces=pieces, encoder=always_one_long_organisation)(nlp("the cat\nsat the\n\ncat"))
    assert [e.text for e in doc.ents] == ["the cat", "sat the", "cat"]


def test_padding_and_order_do_not_depend_on_chance(pieces: Pieces) -> None:
    found = windows(["The", "cat", "sat", "."] * 30, pieces, max_pieces=20)
    ids, _, mask = padded(next(batches(found, 4)), pieces.pad)
    assert ids.shape == mask.shape
    assert (ids[mask == 0] == pieces.pad).all()


def test_cleaning_strips_articles_titles_possessives_and_demonyms() -> None:
    text = "The Guardian's Dr. Ada Moe met German voters in The Hague."
    counts: Counter[str] = Counter()
    raw = Example(text, ((0, 14, "ORG"), (15, 26, "PER"), (31, 37, "LOC"), (48, 57, "LOC")), "x", "")
    found = clean(raw, counts)
    assert [text[s:e] for s, e, _ in found.spans] == ["Guardian", "Ada Moe", "The Hague"]
    assert counts["demonym labelled LOC dropped"] == 1
    assert "German" in demonyms()


def test_detokenising_moves_offsets() -> None:
    found = detokenise(Example("Max 's bagels do n't last , Ada .", ((0, 3, "PER"), (28, 31, "PER")), "uner_ewt", ""))
    assert found.text == "Max's bagels don't last, Ada."
    assert [found.text[s:e] for s, e, _ in found.spans] == ["Max", "Ada"]


def test_scores_ignore_articles_and_possessives() -> None:
    text = "the Guardian's"
    assert text[slice(*normal(text, 0, len(text)))] == "Guardian"


def test_generation_is_seeded_and_its_spans_hold() -> None:
    first, second = list(make(150, 3)), list(make(150, 3))
    assert first == second
    for example in first:
        last = 0
        for s, e, label in example.spans:
            assert last <= s < e <= len(example.text)
            assert label in {"PER", "ORG", "LOC"}
            assert example.text[s:e] == example.text[s:e].strip()
            assert "\n" not in example.text[s:e]
            last = e
        assert not set("<>{}\x01\x02") & set(example.text)


def test_headline_capitals_keep_lengths() -> None:
    text = "Ministry of justice denies straße claim"
    assert len(restyle(text, "caps")) == len(restyle(text, "title")) == len(text)
