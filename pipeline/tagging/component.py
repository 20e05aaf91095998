"""The spaCy component that sets `doc.ents` from an encoder's scores, whatever runs the encoder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.tokens import Doc, Span

from pipeline.tagging.decode import TAGS, best_path, spans
from pipeline.tagging.pieces import Pieces
from pipeline.tagging.windows import Window, windows

Ids = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]

MODEL_FILE: Final = "encoder.onnx"
VOCAB_FILE: Final = "vocab.txt"
META_FILE: Final = "window_ner.json"


class Encoder(Protocol):
    """Scores of shape (windows, pieces, tags) for padded piece ids, case types and mask of shape (windows, pieces)."""

    def __call__(self, ids: Ids, types: Ids, mask: Ids) -> Scores: ...


class OnnxEncoder:
    """Runs the exported model on the CPU with one thread: workers share the machine, and one thread gives equal sums every time."""

    def __init__(self, model: bytes, *, threads: int = 1) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def __call__(self, ids: Ids, types: Ids, mask: Ids) -> Scores:
        scores: Scores = self._session.run(None, {"input_ids": ids, "token_type_ids": types, "attention_mask": mask})[0]
        return scores


def batches(found: Sequence[Window], size: int) -> Iterator[list[Window]]:
    """Sub-batches of at most `size` windows of like length, longest first; equal lengths keep their order."""
    order = sorted(found, key=lambda w: -len(w.ids))
    for i in range(0, len(order), size):
        yield order[i : i + size]


def padded(batch: Sequence[Window], pad: int) -> tuple[Ids, Ids, Ids]:
    """Piece ids, types and mask of a batch, padded to its longest window."""
    width = max(len(w.ids) for w in batch)
    ids = np.full((len(batch), width), pad, dtype=np.int64)
    types = np.zeros((len(batch), width), dtype=np.int64)
    mask = np.zeros((len(batch), width), dtype=np.int64)
    for row, window in enumerate(batch):
        n = len(window.ids)
        ids[row, :n] = window.ids
        types[row, :n] = window.types
        mask[row, :n] = 1
    return ids, types, mask


class WindowTagger(Pipe):
    """Names by windows: encode, decode, set `doc.ents`.

    Dynamic int8 scales activations over a whole batch, so what shares a batch can change a prediction. Windows of two articles never share
    one, and with `batch_size` 1, which is no slower on one thread, a window's names depend on its own words alone.
    """

    def __init__(
        self, name: str = "ner", *, max_pieces: int = 96, batch_size: int = 1, pieces: Pieces | None = None, encoder: Encoder | None = None
    ) -> None:
        self.name = name
        self.max_pieces = max_pieces
        self.batch_size = batch_size
        self.pieces = pieces
        self.encoder = encoder
        self.meta: dict[str, Any] = {}
        self._model = b""
        self._vocab = b""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels this component sets."""
        return ("LOC", "ORG", "PER")

    def __call__(self, doc: Doc) -> Doc:
        if self.pieces is None or self.encoder is None:
            raise ValueError("the name tagger has no model yet: load it with from_disk")
        words = [token.text for token in doc]
        found = windows(words, self.pieces, max_pieces=self.max_pieces)
        scores = np.zeros((len(words), len(TAGS)), dtype=np.float32)
        scores[:, 0] = 1.0
        for batch in batches(found, self.batch_size):
            output = self.encoder(*padded(batch, self.pieces.pad))
            for row, window in enumerate(batch):
                scores[window.words] = output[row, window.first]
        ents: list[Span] = []
        for window in found:
            # Each run of words between line breaks is decoded by itself, so that no name crosses one.
            for run in _runs(window.words, words):
                ents.extend(Span(doc, run[a], run[b - 1] + 1, label=label) for a, b, label in spans(best_path(scores[run])))
        doc.ents = tuple(ents)
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """One article at a time, on purpose."""
        for doc in stream:
            yield self(doc)

    def with_model(self, model: bytes, vocab: bytes, meta: dict[str, Any] | None = None) -> WindowTagger:
        """Takes an exported model and its vocabulary."""
        self._model, self._vocab = model, vocab
        self.meta = {**(meta or {}), "sha256": hashlib.sha256(model).hexdigest(), "vocab_sha256": hashlib.sha256(vocab).hexdigest()}
        self.pieces = Pieces(vocab.decode("utf-8").splitlines())
        self.encoder = OnnxEncoder(model)
        return self

    def to_disk(self, path: Path | str, *, exclude: Iterable[str] = ()) -> None:
        """Writes the model, the vocabulary and their digests."""
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MODEL_FILE).write_bytes(self._model)
        (folder / VOCAB_FILE).write_bytes(self._vocab)
        settings = {**self.meta, "max_pieces": self.max_pieces, "batch_size": self.batch_size}
        (folder / META_FILE).write_text(json.dumps(settings, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    def from_disk(self, path: Path | str, *, exclude: Iterable[str] = ()) -> WindowTagger:
        """Reads what `to_disk` wrote and checks the digests."""
        folder = Path(path)
        meta = json.loads((folder / META_FILE).read_text(encoding="utf-8"))
        self.max_pieces, self.batch_size = meta["max_pieces"], meta["batch_size"]
        wanted = meta["sha256"], meta["vocab_sha256"]
        self.with_model((folder / MODEL_FILE).read_bytes(), (folder / VOCAB_FILE).read_bytes(), meta)
        if (self.meta["sha256"], self.meta["vocab_sha256"]) != wanted:
            raise ValueError(f"{folder} is damaged: its model or vocabulary does not match the digest in {META_FILE}")
        return self


def _runs(tokens: Sequence[int], words: Sequence[str]) -> Iterator[list[int]]:
    run: list[int] = []
    for token in tokens:
        if run and any("\n" in word for word in words[run[-1] + 1 : token]):
            yield run
            run = []
        run.append(token)
    if run:
        yield run


@Language.factory("window_ner", assigns=["doc.ents"], default_config={"max_pieces": 96, "batch_size": 1})
def make_window_ner(nlp: Language, name: str, max_pieces: int, batch_size: int) -> WindowTagger:
    """The factory that spaCy calls; register it under the entry point group `spacy_factories`."""
    return WindowTagger(name, max_pieces=max_pieces, batch_size=batch_size)
