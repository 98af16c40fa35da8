//! What a file takes when it is decoded, counted on its bytes before anything is.
//!
//! A field of two bytes can decode into a structure of hundreds, so that a small file could exhaust the memory. The walk
//! knows which fields are messages ([`Kind::field`]) and what each becomes; it allocates nothing but a short stack. Bytes that
//! are no protobuf end it: the decoder will say so.

use crate::proto::*;
use crate::{Error, Result};
use dlc_ir::budget;

/// A message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Sparse,
    Value,
    /// Type of a value, or of what is in it.
    Type,
    Function,
    /// A message without messages in it.
    Leaf,
}

/// What a field with a length decodes into.
enum Field {
    Message(Kind),
    /// A string, or bytes that share the file.
    Text,
    /// Numbers of this many bytes each, in the file as in memory.
    Fixed,
    /// Numbers of variable length.
    Varint,
}

impl Kind {
    /// What the field with this number is; unknown ones are skipped by the decoder.
    fn field(self, tag: u64) -> Option<Field> {
        use Field::*;
        Some(match (self, tag) {
            (Kind::Model, 7) => Message(Kind::Graph),
            (Kind::Model, 25) => Message(Kind::Function),
            (Kind::Graph, 1) | (Kind::Function, 7) => Message(Kind::Node),
            (Kind::Graph, 5) | (Kind::Attribute, 5 | 10) | (Kind::Sparse, 1 | 2) => Message(Kind::Tensor),
            (Kind::Graph, 15) | (Kind::Attribute, 22) => Message(Kind::Sparse),
            (Kind::Graph, 11..=13) => Message(Kind::Value),
            (Kind::Node, 5) | (Kind::Function, 11) => Message(Kind::Attribute),
            (Kind::Attribute, 6 | 11) => Message(Kind::Graph),
            (Kind::Value, 2) | (Kind::Attribute, 14) | (Kind::Type, 1..=9) => Message(Kind::Type),
            (Kind::Model, 8 | 14) | (Kind::Function, 9) | (Kind::Tensor, 13) => Message(Kind::Leaf),
            (Kind::Attribute, 7) | (Kind::Tensor, 4 | 10) => Fixed,
            (Kind::Attribute, 8) | (Kind::Tensor, 1 | 5 | 7 | 11) | (Kind::Sparse, 3) => Varint,
            (_, 1..=25) => Text,
            _ => return None,
        })
    }

    /// Bytes of the structure, twice because lists grow by doubling; of a node, also what it becomes in a graph.
    fn bytes(self) -> u64 {
        let size = match self {
            Kind::Model => size_of::<ModelProto>(),
            Kind::Graph => size_of::<GraphProto>(),
            Kind::Node => size_of::<NodeProto>() + IN_GRAPH,
            Kind::Attribute => size_of::<AttributeProto>(),
            Kind::Tensor => size_of::<TensorProto>(),
            Kind::Sparse => size_of::<SparseTensorProto>(),
            Kind::Value => size_of::<ValueInfoProto>(),
            Kind::Type => size_of::<TypeProto>().max(size_of::<TensorType>()),
            Kind::Function => size_of::<FunctionProto>(),
            Kind::Leaf => size_of::<StringStringEntryProto>(),
        };
        2 * size as u64
    }
}

/// Bytes that a node takes in a graph: its name, attributes and facts.
const IN_GRAPH: usize = 1024;
/// Bytes of a string in a list.
const STRING: u64 = 48;
/// Bytes of a number alone in its field: the widest, in a list that grows by doubling.
const NUMBER: u64 = 16;
/// Deepest nesting of messages; the decoder recurses no deeper.
const DEEPEST: usize = 100;

/// Refuses bytes that decode into more than the memory allowed, or have more than `nodes` nodes, values and constants.
pub fn check(message: &'static str, kind: Kind, bytes: &[u8], nodes: usize) -> Result<()> {
    let mut walk = Walk { rest: bytes, open: vec![(0, kind)], memory: kind.bytes(), parts: 0 };
    while walk.step().is_some() {
        if walk.parts > nodes {
            return Err(Error::Size { message, what: format!("more than {nodes} nodes, values and constants") });
        }
        if walk.open.len() > DEEPEST {
            return Err(Error::Size { message, what: format!("messages nested more than {DEEPEST} deep") });
        }
        let refuse = |e: dlc_ir::Error| Error::Size { message, what: e.to_string() };
        budget::admit(walk.memory).map_err(refuse)?;
    }
    Ok(())
}

/// A place in the bytes, and what was counted on the way.
struct Walk<'b> {
    rest: &'b [u8],
    /// The messages around the place: how many bytes are left where each ends, and what it is.
    open: Vec<(usize, Kind)>,
    memory: u64,
    /// Nodes, values and constants.
    parts: usize,
}

impl Walk<'_> {
    /// Counts the next field; `None` at the end of what can be read.
    fn step(&mut self) -> Option<()> {
        while self.open.last().is_some_and(|(end, _)| self.rest.len() <= *end) && self.open.len() > 1 {
            self.open.pop();
        }
        let kind = self.open.last()?.1;
        let key = self.varint()?;
        match key & 7 {
            0 => {
                self.varint()?;
                self.memory += NUMBER;
            }
            1 | 5 => {
                self.rest = self.rest.get(if key & 7 == 1 { 8 } else { 4 }..)?;
                self.memory += NUMBER;
            }
            2 => {
                let len = usize::try_from(self.varint()?).ok()?;
                self.field(kind.field(key >> 3), len)?;
            }
            // The marks of a group have no length; what is between them is counted as it comes.
            3 | 4 => {}
            _ => return None,
        }
        Some(())
    }

    fn field(&mut self, field: Option<Field>, len: usize) -> Option<()> {
        let inside = self.rest.get(..len)?;
        match field {
            Some(Field::Message(kind)) => {
                self.open.push((self.rest.len() - len, kind));
                self.memory += kind.bytes();
                self.parts += usize::from(matches!(kind, Kind::Node | Kind::Value | Kind::Tensor));
                return Some(());
            }
            Some(Field::Text) => self.memory += STRING + if len < BLOB { len as u64 } else { 0 },
            Some(Field::Fixed) => self.memory += 2 * len as u64,
            Some(Field::Varint) => self.memory += NUMBER * inside.iter().filter(|b| **b < 0x80).count() as u64,
            None => {}
        }
        self.rest = &self.rest[len..];
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let (first, rest) = self.rest.split_first()?;
            self.rest = rest;
            value |= u64::from(first & 0x7f).checked_shl(shift).unwrap_or(0);
            if *first < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

/// Longer than this it is taken for raw data, which shares the file. A string of this length is copied, but then it
/// takes no more than its file.
const BLOB: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;
    use dlc_ir::budget::{Limits, within};

    fn refusal(bytes: &[u8], nodes: usize) -> String {
        let limits = Limits { bytes: 1 << 20, ..Limits::NONE };
        let checked = within(limits, || check("ModelProto", Kind::Model, bytes, nodes));
        checked.map_or_else(|e| e.to_string(), |()| String::new())
    }

    /// A field with a length.
    fn field(tag: u8, inside: &[u8]) -> Vec<u8> {
        let mut out = vec![tag << 3 | 2];
        prost::encode_length_delimiter(inside.len(), &mut out).unwrap();
        out.extend(inside);
        out
    }

    #[test]
    fn small_files_that_would_fill_the_memory_are_refused() {
        let empty_nodes = field(7, &[0x0a, 0].repeat(2000));
        assert!(refusal(&empty_nodes, usize::MAX).contains("bytes are needed"));
        assert!(refusal(&empty_nodes, 100).contains("more than 100 nodes"));
        let attributes = field(7, &field(1, &[0x2a, 0].repeat(2000)));
        assert!(refusal(&attributes, usize::MAX).contains("bytes are needed"));
        let packed = field(7, &field(5, &field(7, &[1; 100_000])));
        assert!(refusal(&packed, usize::MAX).contains("bytes are needed"));
        let raw = field(7, &field(5, &field(9, &[1; 4_000_000])));
        assert_eq!(refusal(&raw, usize::MAX), "", "raw data shares the file");
        assert_eq!(refusal(&[0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], 1), "");
        let deep = (0..200).fold(vec![], |inside, _| field(7, &field(1, &field(5, &field(6, &inside)))));
        assert!(refusal(&deep, usize::MAX).is_empty(), "a graph has no field 7");
        let deep = (0..50).fold(vec![], |inside, _| field(1, &field(5, &field(6, &inside))));
        assert!(refusal(&field(7, &deep), usize::MAX).contains("nested"));
    }
}
