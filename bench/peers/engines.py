"""The engines that are compared. Each knows what it needs, how a model is converted (once, untimed), and how it is loaded.

`convert(model, file)` gives commands that make `file`; `load(job)` runs in a process of its own and gives a function
without arguments that computes and returns the first output. A job is a plain dictionary: see `alternate.py`."""
import os, shutil, sys
from importlib.util import find_spec


class Peer:
    """An engine with a Python module. `tool` is a program that converts for it, into a file that ends in `extension`, and one in `keeps`."""

    precision, module, tool, extension, keeps = "f32", "", "", "", ""

    def missing(self):
        """Why it cannot be used here at all, or None."""
        if not find_spec(self.module):
            return f"the Python module {self.module} is not installed"
        return f"the tool {self.tool} is not installed" if self.tool and not tool(self.tool) else None

    def convert(self, model, file):
        return []

    def window(self, job, file):
        """The command that runs one window of a job written to `file`."""
        return [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "window.py"), file]


class Dlc:
    """Ours, as a user runs it: `dlc compile`, then `dlc bench` in a process of its own."""

    extension, keeps = ".dlc", ""

    def __init__(self, program, target, precision):
        self.program, self.target, self.precision = program, target, precision

    def missing(self):
        return None if shutil.which(self.program) else f"no such program: {self.program} (cargo build --release -p dlc, or --dlc)"

    def convert(self, model, file):
        sizes = [a for k, n in model.sizes.items() for a in ("--dim", f"{k}={n}")]
        how = ["--target", self.target, "--precision", self.precision]
        return [[self.program, "compile", model.path, "-o", file, *how, *sizes]]

    def window(self, job, file):
        args = [self.program, "bench", job["file"], "--json", "--save-output", job["save"]]
        args += [a for k in ("threads", "warmup", "secs") for a in (f"--{k}", str(job[k]))]
        return args + [a for k, v in job["inputs"].items() for a in ("--input", f"{k}={v}")]


class Ort(Peer):
    module = "onnxruntime"

    def load(self, job, inputs):
        import onnxruntime as ort

        o = ort.SessionOptions()
        o.intra_op_num_threads, o.inter_op_num_threads = job["threads"], 1
        if not job["optimize"]:
            o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        for name, n in job["sizes"].items():
            o.add_free_dimension_override_by_name(name, n)
        s = ort.InferenceSession(job["model"], o, providers=["CPUExecutionProvider"])
        return lambda: s.run([job["output"]], inputs)[0]


class OpenVino(Peer):
    """Its own default is BF16 where the processor has it; what is wanted is therefore always said."""

    module = "openvino"

    def __init__(self, precision):
        self.precision = precision

    def load(self, job, inputs):
        import openvino as ov

        core = ov.Core()
        model = core.read_model(job["model"])
        if model.is_dynamic():
            model.reshape({i.any_name: list(inputs[i.any_name].shape) for i in model.inputs})
        how = {"INFERENCE_NUM_THREADS": job["threads"], "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
        request = core.compile_model(model, "CPU", how | {"INFERENCE_PRECISION_HINT": self.precision}).create_infer_request()

        def run():
            request.infer(inputs, share_inputs=True)
            return request.get_output_tensor(0).data

        return run


class Mnn(Peer):
    module, tool, extension = "MNN", "mnnconvert", ".mnn"

    def convert(self, model, file):
        return [[tool(self.tool), "-f", "ONNX", "--modelFile", model.path, "--MNNModel", file, "--bizCode", "x"]]

    def load(self, job, inputs):
        import MNN, numpy as np

        net = MNN.Interpreter(job["file"])
        session = net.createSession({"backend": "CPU", "numThread": job["threads"], "precision": "high"})
        kinds, feeds = {"f": (MNN.Halide_Type_Float, np.float32), "i": (MNN.Halide_Type_Int, np.int32)}, []
        for name, x in inputs.items():
            kind, dtype = kinds[x.dtype.kind]
            net.resizeTensor(net.getSessionInput(session, name), x.shape)
            feeds.append((name, MNN.Tensor(x.shape, kind, np.ascontiguousarray(x, dtype), MNN.Tensor_DimensionType_Caffe)))
        net.resizeSession(session)
        feeds = [(net.getSessionInput(session, name), x) for name, x in feeds]

        def run():
            for port, x in feeds:
                port.copyFrom(x)
            net.runSession(session)
            y = net.getSessionOutput(session, job["output"])
            shape, (kind, dtype) = y.getShape(), kinds["f" if y.getDataType() == MNN.Halide_Type_Float else "i"]
            host = MNN.Tensor(shape, kind, np.empty(shape, dtype), MNN.Tensor_DimensionType_Caffe)
            y.copyToHostTensor(host)
            return np.array(host.getNumpyData()).reshape(shape)

        return run


#: What pnnx calls the types of inputs.
PNNX = {"float16": "f16", "float64": "f64", "int64": "i64", "int32": "i32", "uint8": "u8", "int8": "i8", "bool": "u8"}


class Ncnn(Peer):
    """Narrower floats are switched off: what is compared is f32."""

    module, tool, extension, keeps = "ncnn", "pnnx", ".ncnn.param", ".ncnn.bin"

    def convert(self, model, file):
        base = file.removesuffix(self.extension)
        source = base + ".onnx"
        shapes = ",".join(str(list(x.shape)).replace(" ", "") + PNNX.get(str(x.dtype), "") for x in model.arrays())
        return [["ln", "-sf", model.path, source], [tool(self.tool), source, f"inputshape={shapes}", "fp16=0"]]

    def load(self, job, inputs):
        import ncnn, numpy as np

        net = ncnn.Net()
        net.opt.num_threads, net.opt.use_vulkan_compute = job["threads"], False
        for narrow in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage", "use_bf16_packed"):
            setattr(net.opt, narrow, False)
        if net.load_param(job["file"]) or net.load_model(job["file"].removesuffix("param") + "bin"):
            raise ValueError("ncnn cannot load what pnnx made of the model")
        # A mat has no axis for the batch, and integers have 32 bits.
        mats = [ncnn.Mat(np.ascontiguousarray(x[0], np.int32 if x.dtype.kind == "i" else np.float32)) for x in inputs.values()]

        def run():
            call = net.create_extractor()
            for k, x in enumerate(mats):
                call.input(f"in{k}", x)
            status, y = call.extract("out0")
            if status:
                raise ValueError(f"ncnn gives status {status}")
            return np.array(y)

        return run


def tool(name):
    """A program of the same environment, or of the path."""
    return shutil.which(name, path=os.path.dirname(sys.executable)) or shutil.which(name)


#: The peers, in the order of tables.
PEERS = {
    "ort": Ort(),
    "openvino-f32": OpenVino("f32"),
    "openvino-bf16": OpenVino("bf16"),
    "mnn": Mnn(),
    "ncnn": Ncnn(),
}
