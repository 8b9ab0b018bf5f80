"""A SavedModel's decoder as a list of steps that a page computes in the browser.

The graph behind `decode`, for one code at a time, its weights folded in. What does not depend on
the code is computed here, once. What remains is products, convolutions, functions of single
numbers, and steps that only move numbers about (transpose, crop, repeat, ...): for these the
graph's own operation is run on the numbers 0, 1, 2 ..., which tells where each number goes.
`zoo/templates/explore.js` computes the steps, in the same order, in double precision rounded to
float32 after each step.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from applications.saved_model import SavedModel

SAME = ("Identity", "Reshape", "Squeeze", "ExpandDims", "EnsureShape", "StopGradient", "Snapshot")
MOVING = (
    "BroadcastTo", "DepthToSpace", "GatherV2", "ResizeNearestNeighbor", "ReverseV2",
    "SpaceToDepth", "StridedSlice", "Tile", "Transpose",
)  # fmt: skip
UNARY = (
    "Abs", "Cast", "Elu", "Exp", "LeakyRelu", "Neg", "Relu", "Relu6", "Rint", "Round", "Rsqrt",
    "Selu", "Sigmoid", "Softplus", "Sqrt", "Square", "Tanh",
)  # fmt: skip
BINARY = {
    "Add": "Add", "AddV2": "Add", "BiasAdd": "Add", "Sub": "Sub", "Mul": "Mul", "RealDiv": "Div",
    "Maximum": "Max", "Minimum": "Min",
}  # fmt: skip
STATIC = ("Shape", "Size", "Rank")  # known without the code, of a batch of one


class Program(NamedTuple):
    """A decoder in steps.

    Attributes:
        steps: In order, each {"op", "in", "shape", ...}: "in" are the numbers of earlier tensors.
            Tensor 0 is the code, then come the constants, then a tensor for each step.
        constants: Each (offset, length, shape) in `numbers`.
        numbers: float32, all constants.
        scale: What the last tensor is multiplied by to give 0..255.
    """

    steps: list[dict[str, Any]]
    constants: list[tuple[int, int, list[int]]]
    numbers: NDArray[np.float32]
    scale: int


def decoder_program(model: SavedModel) -> Program:
    """The decoder of a model as steps.

    Raises:
        ValueError: It does something that the page cannot; which, and what to do.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    decode = model.signature("decode")
    spec = tf.TensorSpec((1, model.code_size), tf.float32, name="codes")

    def one(codes: Any) -> Any:
        return decode(codes=codes)["image"]

    traced = tf.function(one, autograph=False).get_concrete_function(spec)
    frozen = convert_variables_to_constants_v2(traced)
    nodes = frozen.graph.as_graph_def()
    for node in nodes.node:  # which orders side effects, of which there are none left
        values = [name for name in node.input if not name.startswith("^")]
        del node.input[:]
        node.input.extend(values)
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(nodes, name="")
    code, image = (graph.get_tensor_by_name(of[0].name) for of in (frozen.inputs, frozen.outputs))
    return _Translation(code, image, model).program()


class _Translation:
    """From a graph without variables to steps."""

    def __init__(self, code: Any, image: Any, model: SavedModel) -> None:
        self.code, self.image, self.model = code, image, model
        self.moving = {code.name}  # tensors that depend on the code
        self.operations = []
        for operation in code.graph.get_operations():
            inputs = [tensor.name for tensor in operation.inputs]
            if operation.type not in STATIC and any(name in self.moving for name in inputs):
                self.operations.append(operation)
                self.moving |= {tensor.name for tensor in operation.outputs}
        needed = self._needed()
        self.operations = [operation for operation in self.operations if operation.name in needed]
        self._check()
        self.values = self._constants()
        self.shapes = self._shapes()
        convolutions = [op for op in self.operations if op.type.startswith("Conv2D")]
        self._refuse({op.type for op in convolutions if self.shapes[op.outputs[0].name][0] != 1})

    def _needed(self) -> set[str]:
        """The names of operations that the image depends on."""
        found: set[str] = set()
        waiting = [self.image.op]
        while waiting:
            operation = waiting.pop()
            if operation.name not in found:
                found.add(operation.name)
                waiting += [tensor.op for tensor in operation.inputs]
        return found

    def _check(self) -> None:
        known = {*SAME, *MOVING, *UNARY, *BINARY, "MatMul", "Conv2D", "Conv2DBackpropInput"}
        others = {operation.type for operation in self.operations} - known
        self._refuse({*others, *(op.type for op in self.operations if not self._fits(op))})

    def _refuse(self, others: set[str]) -> None:
        """Refuses operations that a page cannot compute, where there are any."""
        if others:
            raise ValueError(
                "Expected a decoder of dense and convolutional layers, for a page to compute. "
                f"Received: {self.model.path}, whose decoder uses {', '.join(sorted(others))}. "
                "neighbours=True (--neighbours) shows nearest images instead."
            )

    def _fits(self, operation: Any) -> bool:
        """Whether an operation is used in a way that a page computes."""
        moving = [tensor.name in self.moving for tensor in operation.inputs]
        kind = operation.type
        if kind in (*SAME, *MOVING):
            return moving[0] and not any(moving[1:])
        if kind == "MatMul":
            plain = not (operation.get_attr("transpose_a") or operation.get_attr("transpose_b"))
            return moving == [True, False] and plain
        if kind == "BiasAdd":
            return operation.get_attr("data_format") == b"NHWC"
        if kind in ("Conv2D", "Conv2DBackpropInput"):
            place = {"Conv2D": 0, "Conv2DBackpropInput": 2}[kind]
            usual = (
                operation.get_attr("data_format") == b"NHWC"
                and operation.get_attr("padding") in (b"SAME", b"VALID")
                and list(operation.get_attr("dilations")) == [1, 1, 1, 1]
            )
            return usual and [i for i, does in enumerate(moving) if does] == [place]
        return True

    def _constants(self) -> dict[str, NDArray[Any]]:
        """The values of what the steps take and does not depend on the code."""
        tensors = {
            tensor.name: tensor
            for operation in self.operations
            for tensor in operation.inputs
            if tensor.name not in self.moving
        }
        # Fed, so that what is known of the shape of the code is known to all.
        return self._run([self.code], [*tensors.values()], [self._zeros()])

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of what depends on the code."""
        outputs = [operation.outputs[0] for operation in self.operations]
        values = self._run([self.code], outputs, [self._zeros()])
        return {
            self.code.name: (1, self.model.code_size),
            **{name: value.shape for name, value in values.items()},
        }

    def _zeros(self) -> NDArray[np.float32]:
        return np.zeros((1, self.model.code_size), np.float32)

    def _run(self, feeds: list[Any], fetches: list[Any], given: list[Any]) -> dict[str, Any]:
        """Values of some tensors, by their names."""
        import tensorflow as tf

        with tf.compat.v1.Session(graph=self.code.graph) as session:
            found = session.run(fetches, dict(zip(feeds, given, strict=True)))
        return {
            tensor.name: np.asarray(value) for tensor, value in zip(fetches, found, strict=True)
        }

    def program(self) -> Program:
        """The steps."""
        places = {self.code.name: 0}
        steps: list[dict[str, Any]] = []
        arrays: list[NDArray[np.float32]] = []

        def constant(array: Any) -> int:
            arrays.append(np.asarray(array, np.float32))
            return -len(arrays)  # numbered when it is known how many there are

        for operation in self.operations:
            kind, output = operation.type, operation.outputs[0]
            inputs = [tensor.name for tensor in operation.inputs]
            if kind in SAME:
                places[output.name] = places[inputs[0]]
                continue
            step: dict[str, Any] = {"shape": [*map(int, self.shapes[output.name])]}
            if kind in MOVING:
                wanted = constant(self._moved(operation))
                step |= {"op": "Take", "in": [places[inputs[0]], wanted]}
            elif kind in UNARY:
                step |= {"op": kind, "in": [places[inputs[0]]]}
                if kind == "LeakyRelu":
                    step["alpha"] = float(operation.get_attr("alpha"))
                if kind == "Cast":
                    step["whole"] = operation.get_attr("DstT").is_integer
            else:
                step |= self._computed(operation, inputs, places, constant)
            places[output.name] = len(steps) + 1  # without the constants, which come before
            steps.append(step)
        count = len(arrays)
        for step in steps:
            step["in"] = [-n if n < 0 else n + count if n else 0 for n in step["in"]]
        last = places[self.image.name]
        if last != len(steps):
            raise ValueError(f"Expected a decoder that computes. Received: {self.model.path}.")
        offsets = np.cumsum([0, *(array.size for array in arrays)])
        constants = [
            (int(offset), array.size, [*array.shape])
            for offset, array in zip(offsets, arrays, strict=False)
        ]
        numbers = np.concatenate([array.ravel() for array in arrays] or [np.zeros(0, np.float32)])
        scale = 1 if self.image.dtype.name == "uint8" else 255
        return Program(steps, constants, numbers, scale)

    def _computed(
        self, operation: Any, inputs: list[str], places: Mapping[str, int], constant: Any
    ) -> dict[str, Any]:
        """A step that computes with two tensors."""
        kind = operation.type
        sources = [places[n] if n in places else constant(self.values[n]) for n in inputs]
        if kind in BINARY:
            shapes = [[*map(int, self._shape(name))] for name in inputs]
            return {"op": BINARY[kind], "in": sources, "shapes": shapes}
        if kind == "MatMul":
            return {"op": "MatMul", "in": sources}
        back = kind == "Conv2DBackpropInput"
        image, kernel = (2, 1) if back else (0, 1)
        sides = {"in": self._shape(inputs[image]), "out": self.shapes[operation.outputs[0].name]}
        large, small = (sides["out"], sides["in"]) if back else (sides["in"], sides["out"])
        size = self.values[inputs[kernel]].shape[:2]
        stride = [int(s) for s in operation.get_attr("strides")[1:3]]
        pad = [0, 0]
        if operation.get_attr("padding") == b"SAME":
            pad = [
                max(0, (small[i + 1] - 1) * stride[i] + size[i] - large[i + 1]) // 2
                for i in range(2)
            ]
        return {
            "op": "Deconvolve" if back else "Convolve",
            "in": [sources[image], sources[kernel]],
            "from": [*map(int, sides["in"])],
            "kernel": [*map(int, self.values[inputs[kernel]].shape)],
            "stride": stride,
            "pad": [*map(int, pad)],
        }

    def _shape(self, name: str) -> tuple[int, ...]:
        return self.shapes[name] if name in self.shapes else self.values[name].shape

    def _moved(self, operation: Any) -> NDArray[np.float32]:
        """Where each number of an operation's output comes from."""
        source = operation.inputs[0]
        shape = self._shape(source.name)
        numbers = np.arange(np.prod(shape)).reshape(shape)
        given = numbers.astype(source.dtype.as_numpy_dtype)
        found = self._run([source], [operation.outputs[0]], [given])
        return next(iter(found.values()))
