"""Trains the tagger: plain PyTorch under a spaCy config, in bfloat16 where the processor has it, resumable to the step.

Why not spaCy's own loop: with spacy-transformers it makes about 700 words/s on two cores; this loop, with the same encoder, about 2,300
(bfloat16, no overlapping windows, no alignment step), and it can go on where it was stopped. The result is still a spaCy pipeline.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import spacy
import torch
from spacy.language import Language
from torch import nn
from transformers import BertForTokenClassification

from pipeline.tagging.component import WindowTagger
from pipeline.tagging.decode import LABELS
from pipeline.tagging.pieces import BREAK_OFFSET, Pieces
from pipeline.tagging.windows import Window, windows
from pipeline.train import network
from pipeline.train.data import SMALL_WORDS, Example, load, read_jsonl
from pipeline.train.evaluate import score

IGNORE: Final = -100
_SMALL: Final = frozenset((*SMALL_WORDS, "is", "are"))


@dataclass(frozen=True, slots=True)
class Row:
    """A tokenised example: words (blank ones included) and one tag per word, IGNORE where the gold cuts through a word."""

    words: list[str]
    tags: list[int]


def tag_row(example: Example, nlp: Language) -> Row:
    """Tags of an example's words. Words that a span covers only in part carry no signal."""
    doc = nlp.make_doc(example.text)
    tags = [0] * len(doc)
    for start, end, label in example.spans:
        span = doc.char_span(start, end)
        if span is None:
            for token in doc:
                if token.idx < end and token.idx + len(token) > start:
                    tags[token.i] = IGNORE
            continue
        base = 1 + 4 * LABELS.index(label)
        if len(span) == 1:
            tags[span.start] = base + 3
        else:
            tags[span.start] = base
            tags[span.end - 1] = base + 2
            for i in range(span.start + 1, span.end - 1):
                tags[i] = base + 1
    return Row([t.text for t in doc], tags)


def epoch_windows(rows: Mapping[str, Sequence[Row]], settings: Mapping[str, Any], pieces: Pieces, epoch: int) -> list[tuple[Window, list[int]]]:
    """One epoch's windows with the tags of their words: sources repeated or thinned by weight, rows joined, cases varied, words masked.

    Everything random comes from the seed and the epoch's number, so a resumed run sees what an uninterrupted one sees.
    """
    rng = random.Random(f"{settings['seed']}-{epoch}")  # noqa: S311
    result: list[tuple[Window, list[int]]] = []
    for source, weight in settings["sources"].items():
        chosen: list[Row] = []
        left = float(weight)
        while left > 0:
            chosen.extend(rows[source] if left >= 1 else rng.sample(rows[source], round(left * len(rows[source]))))
            left -= 1
        rng.shuffle(chosen)
        i = 0
        while i < len(chosen):
            words, tags = list(chosen[i].words), list(chosen[i].tags)
            i += 1
            while i < len(chosen) and len(words) < 60 and rng.random() < settings["join"]:
                if rng.random() < 0.5:
                    words.append("\n")
                    tags.append(0)
                words += chosen[i].words
                tags += chosen[i].tags
                i += 1
            for window in windows(words, pieces, max_pieces=rng.choice(settings["max_pieces"])):
                result.append((_vary(window, words, settings, pieces, rng), [tags[w] for w in window.words]))
    return result


def _vary(window: Window, words: Sequence[str], settings: Mapping[str, Any], pieces: Pieces, rng: random.Random) -> Window:
    types, ids = list(window.types), list(window.ids)
    draw = rng.random()
    style = ""
    for name in ("caps", "title", "lower"):
        if 0 <= draw < settings[name]:
            style = name
        draw -= settings[name]
    ends = [*window.first[1:], len(ids) - 1]
    for word, start, end in zip(window.words, window.first, ends, strict=True):
        case, line = types[start] % BREAK_OFFSET, types[start] // BREAK_OFFSET * BREAK_OFFSET
        if style == "caps" and case in {1, 2, 5}:
            case = 3 if len(words[word]) > 1 else 4
        elif style == "lower" and case not in {0, 6}:
            case = 1
        elif style == "title" and case == 1 and words[word] not in _SMALL:
            case = 2
        hide = rng.random() < settings["mask_words"]
        for k in range(start, end):
            types[k] = case + line
            if hide:
                ids[k] = pieces.mask
    return Window(ids, types, window.words, window.first)


def batched(items: list[tuple[Window, list[int]]], size: int, rng: random.Random) -> list[list[tuple[Window, list[int]]]]:
    """Batches of windows of like length, at most `size` padded pieces each, in random order."""
    order = sorted(items, key=lambda x: len(x[0].ids) + rng.random() * 6)
    result: list[list[tuple[Window, list[int]]]] = []
    batch: list[tuple[Window, list[int]]] = []
    width = 0
    for item in order:
        width = max(width, len(item[0].ids))
        if batch and width * (len(batch) + 1) > size:
            result.append(batch)
            batch, width = [], len(item[0].ids)
        batch.append(item)
    if batch:
        result.append(batch)
    rng.shuffle(result)
    return result


def tensors(batch: Sequence[tuple[Window, list[int]]], pad: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Ids, types, mask and, at each word's first piece, its tag."""
    width = max(len(w.ids) for w, _ in batch)
    ids = torch.full((len(batch), width), pad)
    types = torch.zeros((len(batch), width), dtype=torch.long)
    mask = torch.zeros((len(batch), width), dtype=torch.long)
    tags = torch.full((len(batch), width), IGNORE)
    for row, (window, wanted) in enumerate(batch):
        n = len(window.ids)
        ids[row, :n] = torch.tensor(window.ids)
        types[row, :n] = torch.tensor(window.types)
        mask[row, :n] = 1
        tags[row, torch.tensor(window.first, dtype=torch.long)] = torch.tensor(wanted, dtype=torch.long)
    return ids, types, mask, tags


def optimiser(model: BertForTokenClassification, settings: Mapping[str, Any]) -> torch.optim.AdamW:
    """AdamW with a higher rate for the new tag layer and no decay on embeddings, norms and biases."""
    groups: dict[str, dict[str, Any]] = {}
    for name, parameter in model.named_parameters():
        head = name.startswith("classifier")
        decay = parameter.ndim > 1 and "embeddings" not in name
        lr = settings["head_lr" if head else "encoder_lr"]
        group = groups.setdefault(f"{head}{decay}", {"params": [], "lr": lr, "weight_decay": settings["weight_decay"] * decay})
        group["params"].append(parameter)
    return torch.optim.AdamW(list(groups.values()), betas=(0.9, 0.98), fused=True)


def rate(step: int, total: int, warmup: float) -> float:
    """Share of the full learning rate: linear up, then linear down to a hundredth."""
    start = max(1, int(total * warmup))
    return min((step + 1) / start, max(0.01, (total - step) / max(1, total - start)))


def _note(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _dev_sets(settings: Mapping[str, Any], data: Path, held_out: Sequence[Example], extra: Mapping[str, Path]) -> Iterator[tuple[str, list[Example]]]:
    yield "uner_ewt.dev", list(read_jsonl(data / "uner_ewt.dev.jsonl"))
    yield "held_out", list(held_out)
    for name, path in extra.items():
        if path.exists():
            yield name, list(read_jsonl(path))


def train(config_path: Path, *, overrides: Mapping[str, Any] | None = None, stop_after: float = math.inf) -> Path:
    """Runs or resumes the training a config describes; returns the folder of the last network.

    `stop_after` is in minutes: the run saves a checkpoint and ends, and the next call goes on from it.
    """
    config = spacy.util.load_config(config_path, overrides=dict(overrides or {}), interpolate=True)
    settings: dict[str, Any] = dict(config["training"])
    data, work = Path(config["paths"]["data"]), Path(config["paths"]["work"])
    work.mkdir(parents=True, exist_ok=True)
    (work / "config.cfg").write_text(config.to_str(), encoding="utf-8")
    torch.set_num_threads(settings["threads"])
    torch.manual_seed(settings["seed"])
    folder = network.minilm_folder()
    pieces = Pieces.from_file(folder / "vocab.txt")
    public = [s for s in settings["sources"] if not s.startswith("made")]
    sets = load(data, sets=public)
    (work / "data.json").write_text(json.dumps(sets.report, indent=1), encoding="utf-8")
    blank = spacy.blank("en")
    rows = {s: [tag_row(x, blank) for x in sets.train if x.source == s] for s in public}
    extra: dict[str, Path] = {}
    for source in settings["sources"]:
        if source.startswith("made"):
            rows[source] = [tag_row(x, blank) for x in read_jsonl(Path(config["paths"][source]))]
            extra[source + ".dev"] = Path(config["paths"][source].replace(".jsonl", ".dev.jsonl"))
    dev = dict(_dev_sets(settings, data, sets.dev, extra))
    bf16 = torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    init = config["paths"].get("init")
    model = network.load(Path(init)) if init else network.fresh(folder, dropout=settings["dropout"], layers=settings["layers"])
    model.config.hidden_dropout_prob = settings["dropout"]
    optimizer = optimiser(model, settings)
    base = [g["lr"] for g in optimizer.param_groups]
    per_epoch = [len(batched(epoch_windows(rows, settings, pieces, 0), settings["batch_pieces"], random.Random(0)))]  # noqa: S311
    total = settings["total_steps"] or per_epoch[0] * settings["epochs"]
    step = epoch = at = 0
    checkpoint = work / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        torch.set_rng_state(saved["rng"])
        step, epoch, at, total = saved["step"], saved["epoch"], saved["at"], settings["total_steps"] or saved["total"]
        _note(f"resumed at step {step}/{total}, epoch {epoch}, batch {at}")
    criterion = nn.CrossEntropyLoss(ignore_index=IGNORE, label_smoothing=settings["label_smoothing"])
    started = time.monotonic()

    def keep() -> None:
        place = {"step": step, "epoch": epoch, "at": at, "total": total}
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "rng": torch.get_rng_state(), **place}
        torch.save(state, checkpoint.with_suffix(".tmp"))
        checkpoint.with_suffix(".tmp").replace(checkpoint)

    while epoch < settings["epochs"] and step < total:
        items = batched(epoch_windows(rows, settings, pieces, epoch), settings["batch_pieces"], random.Random(f"{settings['seed']}-{epoch}-order"))  # noqa: S311
        model.train()
        losses: list[float] = []
        seen, clock = 0, time.monotonic()
        while at < len(items) and step < total:
            ids, types, mask, tags = tensors(items[at], pieces.pad)
            for group, lr in zip(optimizer.param_groups, base, strict=True):
                group["lr"] = lr * rate(step, total, settings["warmup"])
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
                logits = model(ids, attention_mask=mask, token_type_ids=types).logits
            loss = criterion(logits.float().flatten(0, 1), tags.flatten())
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), settings["clip"])
            optimizer.step()
            optimizer.zero_grad()
            losses.append(float(loss.detach()))
            seen += int((tags != IGNORE).sum())
            step += 1
            at += 1
            if step % 50 == 0:
                speed = seen / (time.monotonic() - clock)
                loss_now, minutes = sum(losses[-50:]) / len(losses[-50:]), (time.monotonic() - started) / 60
                _note(f"epoch {epoch + 1}/{settings['epochs']} step {step}/{total} loss {loss_now:.4f} {speed:,.0f} words/s {minutes:.1f} min")
            if step % settings["checkpoint_steps"] == 0:
                keep()
            if time.monotonic() - started > stop_after * 60:
                keep()
                _note("stopped: run again to go on")
                return work
        epoch += 1
        at = 0
        keep()
        network.save(model, work / f"epoch{epoch}")
        model.eval()
        tagger = spacy.blank("en")
        tagger.add_pipe("window_ner", name="ner", config={"max_pieces": config["components"]["ner"]["max_pieces"]})
        component = tagger.get_pipe("ner")
        if isinstance(component, WindowTagger):
            component.pieces, component.encoder = pieces, network.TorchEncoder(model)
        line: dict[str, Any] = {"epoch": epoch, "step": step, "minutes": round((time.monotonic() - started) / 60, 1)}
        for name, examples in dev.items():
            found, _ = score(tagger, examples)
            values = {"f1": found.f1(), "p": found.precision(), "r": found.recall(), **{label: found.f1(label) for label in LABELS}}
            line[name] = {key: round(value, 2) for key, value in values.items()}
        with (work / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        _note(json.dumps(line))
    return work / f"epoch{epoch}"


def main() -> None:
    """Trains from a config; `--set training.epochs=3` changes a value."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--set", action="append", default=[], dest="values")
    parser.add_argument("--stop-after", type=float, default=math.inf, help="minutes")
    arguments = parser.parse_args()
    overrides: dict[str, Any] = {}
    for item in arguments.values:
        key, _, value = item.partition("=")
        try:
            overrides[key] = json.loads(value)
        except json.JSONDecodeError:
            overrides[key] = value
    train(arguments.config, overrides=overrides, stop_after=arguments.stop_after)


if __name__ == "__main__":
    main()
