"""A second head in a LiteRT file that keeps its first, bit for bit.

Converting the network again would round the first head's weights differently from the file whose
figures are published. So the last two operations of the file, a fully connected layer on the
features and its softmax, are copied and get weights of their own.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model._compat import is_int8, read_litert, write_litert

INT8_MAX = 127


def add_second_head(
    file: Path, kernel: NDArray[np.float32], bias: NDArray[np.float32], target: Path
) -> Path:
    """Write a LiteRT file with a second output beside its first; one that it has is replaced.

    The kernel is quantised to 8 bits, symmetrically and for each class, as the converter does with
    the first. Names of inner tensors, which nothing reads, are dropped.

    Args:
        file: a file of `model.training.export`, whose last operations are the head on the features.
        kernel: float32 ``(features, 7)``.
        bias: float32 ``(7,)``.
        target: the file to write.

    Raises:
        ValueError: the file does not end in such a head, or ``kernel`` has another shape.
    """
    model = read_litert(file)
    graph = model.subgraphs[0]
    if len(graph.outputs) > 1:  # an earlier second head is last in every list
        graph.operators = graph.operators[:-2]
        graph.tensors, model.buffers = graph.tensors[:-4], model.buffers[:-2]
        graph.outputs = graph.outputs[:1]
        model.signatureDefs[0].outputs = model.signatureDefs[0].outputs[:1]
    dense, softmax = graph.operators[-2:]
    weights = graph.tensors[dense.inputs[1]]
    if softmax.outputs[0] != graph.outputs[0] or tuple(weights.shape) != kernel.T.shape:
        raise ValueError(
            f"{file} does not end in a fully connected layer of {kernel.shape[0]} features and a "
            "softmax: the second head does not fit"
        )

    def add_tensor(like: int, content: NDArray[Any] | None) -> int:
        tensor = copy.deepcopy(graph.tensors[like])
        tensor.buffer = 0  # none: what an operation computes
        if content is not None:
            buffer = type(model.buffers[0])()
            buffer.data = np.frombuffer(np.ascontiguousarray(content).tobytes(), np.uint8)
            model.buffers.append(buffer)
            tensor.buffer = len(model.buffers) - 1
        graph.tensors.append(tensor)
        return len(graph.tensors) - 1

    if is_int8(weights):
        scale = np.maximum(np.abs(kernel).max(axis=0), 1e-12) / INT8_MAX
        place = add_tensor(dense.inputs[1], np.rint(kernel / scale).astype(np.int8).T)
        graph.tensors[place].quantization.scale = scale.astype(np.float32)
    else:  # the converter leaves small layers as they are
        place = add_tensor(dense.inputs[1], kernel.astype(np.float32).T)
    head, normalise = copy.deepcopy(dense), copy.deepcopy(softmax)
    offsets = add_tensor(dense.outputs[0], bias.astype(np.float32))  # the first may have none
    graph.tensors[offsets].shape, graph.tensors[offsets].shapeSignature = [len(bias)], None
    head.inputs = [dense.inputs[0], place, offsets]
    head.outputs = [add_tensor(dense.outputs[0], None)]
    normalise.inputs = head.outputs
    normalise.outputs = [add_tensor(softmax.outputs[0], None)]
    graph.operators = [*graph.operators, head, normalise]
    graph.outputs = [graph.outputs[0], normalise.outputs[0]]
    signature = model.signatureDefs[0]
    second = copy.deepcopy(signature.outputs[0])
    second.name, second.tensorIndex = b"output_1", normalise.outputs[0]
    signature.outputs = [signature.outputs[0], second]
    for number, tensor in enumerate(graph.tensors):
        if number not in graph.inputs and number not in graph.outputs:
            tensor.name = b""
    graph.tensors[graph.outputs[1]].name = b"people"
    write_litert(model, target)
    return target
