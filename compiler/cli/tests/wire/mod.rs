//! ONNX files byte by byte, also such as no library would write. Field numbers are those of the ONNX specification.

#![allow(dead_code)]

/// A message: its bytes so far.
#[derive(Clone, Default)]
pub struct Message(pub Vec<u8>);

/// An empty message.
pub fn message() -> Message {
    Message::default()
}

/// A number of variable length.
pub fn varint(mut v: u64) -> Vec<u8> {
    let mut out = vec![];
    while v >= 0x80 {
        out.push(v as u8 | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
    out
}

impl Message {
    /// Adds a number.
    pub fn int(mut self, tag: u64, v: i64) -> Self {
        self.0.extend(varint(tag << 3));
        self.0.extend(varint(v as u64));
        self
    }

    /// Adds bytes, or a string.
    pub fn bytes(mut self, tag: u64, v: impl AsRef<[u8]>) -> Self {
        self.0.extend(varint(tag << 3 | 2));
        self.0.extend(varint(v.as_ref().len() as u64));
        self.0.extend(v.as_ref());
        self
    }

    /// Adds a message.
    pub fn put(self, tag: u64, m: Message) -> Self {
        self.bytes(tag, m.0)
    }

    /// Adds messages.
    pub fn all(self, tag: u64, m: impl IntoIterator<Item = Message>) -> Self {
        m.into_iter().fold(self, |s, m| s.put(tag, m))
    }
}

/// A node.
pub fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> Message {
    let m = inputs.iter().fold(message(), |m, i| m.bytes(1, i));
    outputs.iter().fold(m, |m, o| m.bytes(2, o)).bytes(3, format!("n_{}", outputs[0])).bytes(4, op)
}

/// An attribute that is an integer.
pub fn int(name: &str, v: i64) -> Message {
    message().bytes(1, name).int(3, v).int(20, 2)
}

/// An attribute that is a graph.
pub fn body(name: &str, g: Message) -> Message {
    message().bytes(1, name).put(6, g).int(20, 5)
}

/// A tensor of i64 by its raw bytes.
pub fn ints(name: &str, dims: &[i64], v: &[i64]) -> Message {
    let raw: Vec<u8> = v.iter().flat_map(|v| v.to_le_bytes()).collect();
    tensor(name, 7, dims).bytes(9, raw)
}

/// A tensor without data.
pub fn tensor(name: &str, dtype: i64, dims: &[i64]) -> Message {
    dims.iter().fold(message(), |m, d| m.int(1, *d)).int(2, dtype).bytes(8, name)
}

/// An f32 value with these sizes; negative ones are as they are, text is a name.
pub fn value(name: &str, dtype: i64, dims: &[i64]) -> Message {
    let shape = dims.iter().fold(message(), |m, d| m.put(1, message().int(1, *d)));
    let t = message().int(1, dtype).put(2, shape);
    message().bytes(1, name).put(2, message().put(1, t))
}

/// An f32 vector with a size of this name.
pub fn open_value(name: &str, size: &str) -> Message {
    let t = message().int(1, 1).put(2, message().put(1, message().bytes(2, size)));
    message().bytes(1, name).put(2, message().put(1, t))
}

/// Something named only, as an output.
pub fn named(name: &str) -> Message {
    message().bytes(1, name)
}

/// A graph of nodes, constants, inputs and outputs.
pub fn graph(nodes: Vec<Message>, constants: Vec<Message>, inputs: Vec<Message>, outputs: &[&str]) -> Message {
    let g = message().all(1, nodes).bytes(2, "g").all(5, constants).all(11, inputs);
    g.all(12, outputs.iter().map(|o| named(o)))
}

/// A model of opset 17.
pub fn model(graph: Message) -> Message {
    message().int(1, 8).put(8, message().bytes(1, "").int(2, 17)).put(7, graph)
}

/// A constant in another file, with these properties.
pub fn external(properties: &[(&str, &str)]) -> Message {
    let entry = |(k, v): &(&str, &str)| message().bytes(1, k).bytes(2, v);
    let t = tensor("w", 1, &[2]).all(13, properties.iter().map(entry)).int(14, 1);
    model(graph(vec![node("Add", &["x", "w"], &["y"])], vec![t], vec![value("x", 1, &[2])], &["y"]))
}
