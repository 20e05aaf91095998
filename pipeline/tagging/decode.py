"""BILOU tags: names, allowed steps, and the best allowed path through a window's scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

LABELS: Final = ("PER", "ORG", "LOC")
TAGS: Final = ("O", *(f"{kind}-{label}" for label in LABELS for kind in "BILU"))
"""Tag 0 is O; tags 1-4, 5-8, 9-12 are begin, inside, last and single word of PER, ORG and LOC."""

Floats = npt.NDArray[np.float32]


def _closed(tag: int) -> bool:
    return tag == 0 or (tag - 1) % 4 in {2, 3}


def _opens(tag: int) -> bool:
    return tag == 0 or (tag - 1) % 4 in {0, 3}


def _allowed(left: int, right: int) -> bool:
    if _closed(left):
        return _opens(right)
    return right > 0 and (right - 1) // 4 == (left - 1) // 4 and (right - 1) % 4 in {1, 2}


ALLOWED: Final = np.array([[_allowed(a, b) for b in range(len(TAGS))] for a in range(len(TAGS))])
_STEPS: Final = np.where(ALLOWED, np.float32(0), np.float32(-1e4)).astype(np.float32)
_START: Final = np.where([_opens(t) for t in range(len(TAGS))], np.float32(0), np.float32(-1e4)).astype(np.float32)
_STOP: Final = np.where([_closed(t) for t in range(len(TAGS))], np.float32(0), np.float32(-1e4)).astype(np.float32)


def best_path(scores: Floats) -> list[int]:
    """The best tag sequence that BILOU allows, for scores of shape (words, tags).

    Log probabilities and logits give the same path. The word-by-word best tags are returned at once when they are allowed, which they
    nearly always are.
    """
    if not len(scores):
        return []
    greedy = scores.argmax(axis=1)
    if _opens(int(greedy[0])) and _closed(int(greedy[-1])) and bool(ALLOWED[greedy[:-1], greedy[1:]].all()):
        return [int(t) for t in greedy]
    total = scores[0] + _START
    back = np.zeros((len(scores), len(TAGS)), dtype=np.int64)
    for i in range(1, len(scores)):
        paths = total[:, None] + _STEPS
        back[i] = paths.argmax(axis=0)
        total = paths.max(axis=0) + scores[i]
    tag = int((total + _STOP).argmax())
    path = [tag]
    for i in range(len(scores) - 1, 0, -1):
        tag = int(back[i, tag])
        path.append(tag)
    return path[::-1]


def spans(tags: Sequence[int]) -> list[tuple[int, int, str]]:
    """(first, last + 1, label) of each name in an allowed tag sequence."""
    found: list[tuple[int, int, str]] = []
    start = 0
    for i, tag in enumerate(tags):
        if tag == 0:
            continue
        kind, label = (tag - 1) % 4, LABELS[(tag - 1) // 4]
        if kind in {0, 3}:
            start = i
        if kind in {2, 3}:
            found.append((start, i + 1, label))
    return found
