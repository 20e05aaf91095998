"""Cuts a text's words into windows at sentence ends, so that hardly anything is encoded twice and little is padded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.tagging.pieces import BREAK_OFFSET, Pieces

_END: Final = frozenset(".!?…")
_CLOSE: Final = frozenset("\"'”’)]»")
_CONTEXT_PIECES: Final = 24
"""Pieces repeated from the end of a window whose sentence went on past it."""


@dataclass(frozen=True, slots=True)
class Window:
    """One input of the encoder: `words[i]` is the token index whose first piece stands at `first[i]`; context words are left out."""

    ids: list[int]
    types: list[int]
    words: list[int]
    first: list[int]


def windows(words: Sequence[str], pieces: Pieces, *, max_pieces: int = 96) -> list[Window]:
    """Windows over a text's tokens, in order.

    Blank tokens get no piece; a line break marks the next word. Cuts fall at the last line break or sentence end that fits. Only where
    one sentence overruns a window is it cut inside, and the next window then repeats its tail as context.
    """
    room = max_pieces - 2
    units: list[tuple[int, tuple[int, ...], int, int]] = []  # token, piece ids, type, strength of a cut before it
    line_break = True
    after_end = False
    for i, word in enumerate(words):
        if word.isspace() or not word:
            line_break = line_break or "\n" in word
            continue
        ids, case = pieces.encode(word)
        cut = 2 if line_break else 1 if after_end and word not in _CLOSE and case not in {0, 1} else 0
        units.append((i, ids, case + BREAK_OFFSET if line_break else case, cut))
        after_end = word in _END or (after_end and word in _CLOSE)
        line_break = False
    result: list[Window] = []
    start, context = 0, 0
    while start < len(units):
        size = sum(len(unit[1]) for unit in units[start - context : start])
        end = start
        best = start
        while end < len(units) and size + len(units[end][1]) <= room:
            if end > start and units[end][3]:
                best = end
            size += len(units[end][1])
            end += 1
        if end == len(units):
            best = end
        inside = best == start
        if inside:
            best = end
        result.append(_window(units[start - context : best], context, pieces))
        context = 0
        if inside:
            spare = _CONTEXT_PIECES
            while context < best - start and len(units[best - context - 1][1]) <= spare:
                spare -= len(units[best - context - 1][1])
                context += 1
        start = best
    return result


def _window(units: Sequence[tuple[int, tuple[int, ...], int, int]], context: int, pieces: Pieces) -> Window:
    ids, types, words, first = [pieces.cls], [0], [], []
    for k, (token, word_ids, kind, _) in enumerate(units):
        if k >= context:
            words.append(token)
            first.append(len(ids))
        ids.extend(word_ids)
        types.extend([kind] * len(word_ids))
    ids.append(pieces.sep)
    types.append(0)
    return Window(ids, types, words, first)
