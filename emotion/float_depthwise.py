"""The network's file for runtimes whose depthwise convolutions are fast with float weights only.

The shipped file has 8-bit weights and float activations. XNNPACK, on which LiteRT runs networks,
has kernels for that in ordinary convolutions, but not in depthwise ones: LiteRT's own kernel runs
those, without SIMD in WebAssembly, where it takes as long as all the rest of the network.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from ai_edge_litert import schema_py_generated as schema

FILE_IDENTIFIER: Final = b"TFL3"


def with_float_depthwise(file: bytes) -> bytes:
    """Return a copy of a LiteRT file whose depthwise convolutions have float32 weights.

    There are few such weights: the shipped file grows by an eighth. Probabilities differ by some
    thousandths, because LiteRT's own kernel rounds the activations to 8 bits.

    Args:
        file: a LiteRT file whose depthwise weights, where they are int8, have a scale for each
            channel or one for all, and no zero point.

    Raises:
        ValueError: it is not a LiteRT file.
    """
    if not schema.Model.ModelBufferHasIdentifier(file, 0):
        raise ValueError("Incorrect value for 'file' argument: it is not a LiteRT file")
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(file, 0))
    depthwise = {
        index
        for index, code in enumerate(model.operatorCodes)
        if code.builtinCode == schema.BuiltinOperator.DEPTHWISE_CONV_2D
    }
    for graph in model.subgraphs:
        for operator in graph.operators:
            if operator.opcodeIndex not in depthwise:
                continue
            weights = graph.tensors[operator.inputs[1]]
            if weights.type != schema.TensorType.INT8:
                continue
            quantized = np.frombuffer(model.buffers[weights.buffer].data, np.int8)
            # Depthwise weights are (1, height, width, channels), and scaled by channel.
            values = quantized.reshape(weights.shape) * np.asarray(
                weights.quantization.scale, np.float32
            )
            weights.type, weights.quantization = schema.TensorType.FLOAT32, None
            weights.buffer = len(model.buffers)
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(values.astype("<f4").tobytes(), np.uint8)
            model.buffers.append(buffer)
    # The flatbuffers library that the schema imports.
    builder = schema.flatbuffers.Builder(len(file))
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())
