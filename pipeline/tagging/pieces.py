"""Words to word pieces and case classes, the same in training and at run time.

The encoder is uncased, so each piece carries the case class of its word in BERT's `token_type_ids`: the checkpoint stays a plain
`BertForTokenClassification` with a larger `type_vocab_size`, and every layer sees the capitals, not only the last one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Final

CASE_CLASSES: Final = ("none", "lower", "title", "caps", "capital", "mixed", "digits", "roman")
"""Classes 0-7; 8 is added for the first word after a line break."""
BREAK_OFFSET: Final = 8
TYPE_VOCAB_SIZE: Final = 16
MAX_PIECES_PER_WORD: Final = 10
"""Longer words are web addresses and noise: their tail is dropped, so one word can't fill a window."""
_MAX_WORD_CHARS: Final = 100
_ROMAN: Final = frozenset("IVX")


def case_class(word: str) -> int:
    """The case class of one word, from its letters alone."""
    letters = [c for c in word if c.isalpha()]
    if any(c.isdigit() for c in word):
        return 6
    if not letters:
        return 0
    if not any(c.isupper() for c in letters):
        return 1
    if all(c.isupper() for c in letters):
        if len(letters) == 1:
            return 4
        return 7 if set(letters) <= _ROMAN else 3
    if letters[0].isupper() and not any(c.isupper() for c in letters[1:]):
        return 2
    return 5


def _is_cjk(char: str) -> bool:
    code = ord(char)
    return 0x4E00 <= code <= 0x9FFF or 0x3400 <= code <= 0x4DBF or 0x20000 <= code <= 0x2CEAF or 0xF900 <= code <= 0xFAFF


def _is_punctuation(char: str) -> bool:
    code = ord(char)
    if 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126:
        return True
    return unicodedata.category(char).startswith("P")


class Pieces:
    """BERT's uncased WordPiece over ready-made words, with a cache: a few lines of Python replace the tokenizers library at run time."""

    def __init__(self, vocab: Iterable[str], *, cache_size: int = 200_000) -> None:
        self.vocab: dict[str, int] = {piece: i for i, piece in enumerate(vocab)}
        self.unk = self.vocab["[UNK]"]
        self.cls = self.vocab["[CLS]"]
        self.sep = self.vocab["[SEP]"]
        self.pad = self.vocab["[PAD]"]
        self.mask = self.vocab["[MASK]"]
        self._cache: dict[str, tuple[tuple[int, ...], int]] = {}
        self._cache_size = cache_size

    @classmethod
    def from_file(cls, path: Path) -> Pieces:
        """Reads a BERT `vocab.txt`."""
        return cls(path.read_text(encoding="utf-8").splitlines())

    def encode(self, word: str) -> tuple[tuple[int, ...], int]:
        """Piece ids (never empty) and case class of a word."""
        known = self._cache.get(word)
        if known is None:
            known = (self._split(word), case_class(word))
            if len(self._cache) >= self._cache_size:
                self._cache.clear()
            self._cache[word] = known
        return known

    def _split(self, word: str) -> tuple[int, ...]:
        ids: list[int] = []
        for part in self._basic(word):
            ids.extend(self._wordpiece(part))
        return tuple(ids[:MAX_PIECES_PER_WORD]) or (self.unk,)

    @staticmethod
    def _basic(word: str) -> list[str]:
        parts: list[str] = []
        current = ""
        for char in unicodedata.normalize("NFD", word.lower()):
            category = unicodedata.category(char)
            if category in {"Mn", "Cc", "Cf"} or char == "\ufffd":
                continue
            if char.isspace() or _is_punctuation(char) or _is_cjk(char):
                if current:
                    parts.append(current)
                    current = ""
                if not char.isspace():
                    parts.append(char)
            else:
                current += char
        if current:
            parts.append(current)
        return parts

    def _wordpiece(self, part: str) -> list[int]:
        if len(part) > _MAX_WORD_CHARS:
            return [self.unk]
        ids: list[int] = []
        start = 0
        while start < len(part):
            end = len(part)
            prefix = "##" if start else ""
            while end > start:
                found = self.vocab.get(prefix + part[start:end])
                if found is not None:
                    ids.append(found)
                    break
                end -= 1
            else:
                return [self.unk]
            start = end
        return ids
