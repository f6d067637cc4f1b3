"""The network's file for runtimes that want to know the size of a batch beforehand.

The shipped file takes any number of crops at once. LiteRT's runtime for browsers refuses a batch
of unknown size. All that distinguishes a file with a fixed one is a number for each tensor, so it
is made of the shipped file where it is needed, without TensorFlow and without a second file.
"""

from __future__ import annotations

from ai_edge_litert import schema_py_generated as schema


def with_fixed_batch(file: bytes) -> bytes:
    """Return a LiteRT file that takes one crop at a time, with the weights of another one.

    Args:
        file: whose tensors have the batch as their first dimension, of size 1 unless resized, as
            the converter writes them.

    Raises:
        ValueError: it is no LiteRT file, or a tensor has another dimension of unknown size.
    """
    fixed = bytearray(file)
    if not schema.Model.ModelBufferHasIdentifier(fixed, 0):
        raise ValueError("Incorrect value for 'file' argument: it is no LiteRT file")
    model = schema.Model.GetRootAs(fixed, 0)
    for graph in (model.Subgraphs(index) for index in range(model.SubgraphsLength())):
        for tensor in (graph.Tensors(index) for index in range(graph.TensorsLength())):
            if tensor.ShapeSignatureIsNone():
                continue
            # A view of `fixed`: what is written here is written there.
            signature = tensor.ShapeSignatureAsNumpy()
            if (signature[1:] < 0).any() or tensor.Shape(0) != 1:
                raise ValueError(
                    "Incorrect value for 'file' argument: a tensor's shape is "
                    f"{list(signature)!r}: only the first dimension may be of unknown size"
                )
            signature[0] = 1
    return bytes(fixed)
