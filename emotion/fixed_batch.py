"""The network's file for runtimes that need a fixed batch size.

The shipped file takes any number of crops at once. LiteRT's runtime for browsers refuses a batch
of unknown size. A file with a fixed one differs by only a number for each tensor, so it is made
from the shipped file on demand, without TensorFlow and without shipping a second file.
"""

from __future__ import annotations

from ai_edge_litert import schema_py_generated as schema


def with_fixed_batch(file: bytes) -> bytes:
    """Return a copy of a LiteRT file that takes one crop at a time.

    Args:
        file: a LiteRT file whose tensors have the batch as their first dimension, of size 1
            unless resized, as the converter writes them.

    Raises:
        ValueError: it is not a LiteRT file, or a tensor has another dimension of unknown size.
    """
    fixed = bytearray(file)
    if not schema.Model.ModelBufferHasIdentifier(fixed, 0):
        raise ValueError("Incorrect value for 'file' argument: it is not a LiteRT file")
    model = schema.Model.GetRootAs(fixed, 0)
    for graph in (model.Subgraphs(index) for index in range(model.SubgraphsLength())):
        for tensor in (graph.Tensors(index) for index in range(graph.TensorsLength())):
            if tensor.ShapeSignatureIsNone():
                continue
            # A view of `fixed`: writing to it changes the file.
            signature = tensor.ShapeSignatureAsNumpy()
            if (signature[1:] < 0).any() or tensor.Shape(0) != 1:
                raise ValueError(
                    "Incorrect value for 'file' argument: a tensor's shape is "
                    f"{list(signature)!r}: only the first dimension may be of unknown size"
                )
            signature[0] = 1
    return bytes(fixed)
