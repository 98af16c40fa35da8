"""One ONNX model and what it is run on."""
import os, re
from convert import Failed

#: Operators and types of tensors by which a file itself computes in fewer bits.
NARROW = re.compile("QuantizeLinear|DynamicQuantizeLinear|QLinear.*|.*Integer|MatMulNBits")
NARROW_TYPES = ("FLOAT16", "BFLOAT16")


class Model:
    """path, name, inputs {name: file.npy}, sizes {symbolic size: number}, output (the first one's name), narrow (bool)."""

    def __init__(self, path, dims, folder):
        import onnx

        self.path, self.name = os.path.abspath(path), name_of(path)
        try:
            graph = onnx.load(path, format="protobuf", load_external_data=False).graph
        except Exception as e:
            raise Failed(f"not an ONNX model: {e}") from None
        self.output = graph.output[0].name
        types = {onnx.TensorProto.DataType.Name(t.data_type) for t in graph.initializer}
        self.narrow = any(NARROW.fullmatch(n.op_type) for n in graph.node) or not types.isdisjoint(NARROW_TYPES)
        constant = {t.name for t in graph.initializer}
        self.inputs, self.sizes = {}, dict(dims)
        for k, i in enumerate(graph.input):
            data = os.path.join(os.path.dirname(self.path), "test_data_set_0", f"input_{k}.pb")
            if i.name in constant and not os.path.exists(data):
                continue
            if i.type.tensor_type.elem_type in (onnx.TensorProto.UNDEFINED, onnx.TensorProto.STRING):
                raise Failed(f"input {i.name!r}: expected a tensor of numbers")
            x = recorded(data) if os.path.exists(data) else seeded(i, dims, k)
            self.remember(i, x, os.path.join(folder, f"{self.name}.input_{k}.npy"))

    def remember(self, declared, x, file):
        """Writes an input, and takes over the sizes that it gives to names."""
        import numpy as np

        np.save(file, x)
        self.inputs[declared.name] = file
        for d, n in zip(declared.type.tensor_type.shape.dim, x.shape):
            if re.fullmatch(r"[A-Za-z_]\w*", d.dim_param):
                self.sizes.setdefault(d.dim_param, n)

    def arrays(self):
        import numpy as np

        return [np.load(f, mmap_mode="r") for f in self.inputs.values()]


def name_of(path):
    """
    >>> name_of("zoo/silero/model.onnx"), name_of("a/resnet50.b1.onnx"), name_of("net.qdq.onnx")
    ('silero', 'resnet50', 'net.qdq')
    """
    stem = os.path.splitext(os.path.basename(path))[0].replace(".b1", "")
    return os.path.basename(os.path.dirname(os.path.abspath(path))) if stem == "model" else stem


def recorded(file):
    """An input that was kept beside the model, as ONNX's own tests do."""
    import onnx
    from onnx import numpy_helper

    try:
        with open(file, "rb") as f:
            return numpy_helper.to_array(onnx.TensorProto.FromString(f.read()))
    except Exception as e:
        raise Failed(f"{file}: not a tensor: {e}") from None


def seeded(declared, dims, seed):
    """Floats in -1..1, integers and bools 0 or 1 (they are indices and masks); sizes not given are 1."""
    import numpy as np
    from onnx import helper

    t, rng = declared.type.tensor_type, np.random.default_rng(seed)
    shape = [dims.get(d.dim_param, d.dim_value or 1) for d in t.shape.dim]
    dtype = helper.tensor_dtype_to_np_dtype(t.elem_type)
    x = rng.uniform(-1, 1, shape) if dtype.kind == "f" else rng.integers(0, 2, shape)
    return x.astype(dtype)
