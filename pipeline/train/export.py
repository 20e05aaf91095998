"""Network to a spaCy pipeline that needs no torch: ONNX, fused, int8 per channel, the embedding table in half precision."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import spacy
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer
from onnxruntime.transformers.fusion_options import FusionOptions
from spacy.language import Language
from torch import nn

from pipeline.tagging.component import WindowTagger
from pipeline.train import network

_OPSET: Final = 17


class _Scores(nn.Module):
    """The network with plain tensors in and out."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, token_type_ids: torch.Tensor, attention_mask: torch.Tensor) -> Any:
        return self.model(input_ids=input_ids, token_type_ids=token_type_ids, attention_mask=attention_mask).logits


def to_onnx(folder: Path, target: Path, *, fuse: bool = True) -> None:
    """Writes the network in `folder` as one fp32 ONNX file, with fused attention, layer norm and GELU."""
    model = network.load(folder)
    model.config._attn_implementation = "eager"
    model.eval()
    ids = torch.tensor([[101, 2003, 2023, 102], [101, 2003, 102, 0]])
    mask = (ids > 0).long()
    names = ["input_ids", "token_type_ids", "attention_mask"]
    axes = {name: {0: "windows", 1: "pieces"} for name in [*names, "scores"]}
    raw = target.with_suffix(".raw.onnx")
    inputs = (ids, torch.zeros_like(ids), mask)
    torch.onnx.export(
        _Scores(model), inputs, str(raw), input_names=names, output_names=["scores"], dynamic_axes=axes, opset_version=_OPSET, dynamo=False
    )
    if fuse:
        options = FusionOptions("bert")
        options.enable_embed_layer_norm = False
        # onnxruntime 1.31's fused add-and-normalise takes 12 % longer on a CPU than its two parts.
        options.enable_skip_layer_norm = False
        options.enable_bias_skip_layer_norm = False
        heads, width = model.config.num_attention_heads, model.config.hidden_size
        fused = optimizer.optimize_model(str(raw), model_type="bert", num_heads=heads, hidden_size=width, optimization_options=options, opt_level=0)
        fused.save_model_to_file(str(target))
        raw.unlink()
    else:
        raw.replace(target)


def half_embeddings(model: onnx.ModelProto) -> None:
    """Stores large lookup tables in half precision and casts the rows that are looked up: nothing is lost, half the size is."""
    graph = model.graph
    tables = {t.name: t for t in graph.initializer}
    nodes = []
    for node in graph.node:
        nodes.append(node)
        if node.op_type != "Gather" or node.input[0] not in tables or tables[node.input[0]].data_type != TensorProto.FLOAT:
            continue
        table = tables[node.input[0]]
        if np.prod(table.dims) < 100_000:
            continue
        table.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(table).astype(np.float16), table.name))
        wide = node.output[0]
        node.output[0] = wide + "_half"
        nodes.append(helper.make_node("Cast", [wide + "_half"], [wide], to=TensorProto.FLOAT, name=node.name + "_wide"))
    del graph.node[:]
    graph.node.extend(nodes)
    # Shapes inferred before the change name the old type of the looked-up rows.
    del graph.value_info[:]


def quantised(source: Path, target: Path, *, per_channel: bool = True, keep: tuple[str, ...] = ()) -> None:
    """Dynamic int8 of the matrix products (weights per channel, activations per batch), all but the nodes named in `keep`."""
    quantize_dynamic(
        str(source),
        str(target),
        op_types_to_quantize=["MatMul", "Attention"],
        per_channel=per_channel,
        weight_type=QuantType.QInt8,
        nodes_to_exclude=list(keep),
        extra_options={"MatMulConstBOnly": True, "DefaultTensorType": TensorProto.FLOAT},
    )
    model = onnx.load(str(target))
    half_embeddings(model)
    onnx.save(model, str(target))


def build(folder: Path, target: Path, *, int8: bool = True, meta: dict[str, Any] | None = None, config: Path | None = None) -> Language:
    """A spaCy pipeline of the network in `folder`, saved in `target`."""
    settings = spacy.util.load_config(config, interpolate=True)["components"]["ner"] if config else {}
    settings = {k: v for k, v in settings.items() if k != "factory"}
    with tempfile.TemporaryDirectory() as temporary:
        full, small = Path(temporary) / "full.onnx", Path(temporary) / "small.onnx"
        to_onnx(folder, full)
        if int8:
            quantised(full, small)
        nlp = spacy.blank("en")
        tagger = nlp.add_pipe("window_ner", name="ner", config=settings)
        if not isinstance(tagger, WindowTagger):
            raise TypeError("the factory window_ner made another component")
        tagger.with_model((small if int8 else full).read_bytes(), (network.minilm_folder() / "vocab.txt").read_bytes(), meta)
    nlp.meta["name"] = "article_names_minilm"
    shutil.rmtree(target, ignore_errors=True)
    nlp.to_disk(target)
    return nlp


def main() -> None:
    """Exports a trained network."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--fp32", action="store_true")
    parser.add_argument("--config", type=Path, default=Path("models/minilm-ner.cfg"))
    arguments = parser.parse_args()
    build(arguments.folder, arguments.target, int8=not arguments.fp32, config=arguments.config)


if __name__ == "__main__":
    main()
