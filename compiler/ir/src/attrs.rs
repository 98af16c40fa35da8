//! Attributes of an operator: a record with a schema, read through a typed view.

use crate::{DType, Error, Fact, Graph, Result, Tensor};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Value of one attribute. Floats compare by their bits, so that attributes can be interned.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Attr {
    Int(i64),
    Float(f32),
    Str(String),
    Ints(Vec<i64>),
    Floats(Vec<f32>),
    Strs(Vec<String>),
    Tensor(Arc<Tensor>),
    Graph(Arc<Graph>),
    Type(Arc<Fact>),
}

/// All attributes of a node, sorted by name. Equal attributes are one leaf of the e-graph.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Attrs(BTreeMap<String, Attr>);

impl Attrs {
    /// No attribute.
    pub fn new() -> Self {
        Attrs::default()
    }

    /// The same attributes and one more.
    pub fn with(mut self, name: &str, value: impl Into<Attr>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// Sets one attribute.
    pub fn set(&mut self, name: &str, value: impl Into<Attr>) {
        self.0.insert(name.into(), value.into());
    }

    /// Takes one attribute out.
    pub fn remove(&mut self, name: &str) -> Option<Attr> {
        self.0.remove(name)
    }

    /// One attribute.
    pub fn get(&self, name: &str) -> Option<&Attr> {
        self.0.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Attr)> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The integer `name`, or `default` when absent.
    pub fn int(&self, name: &'static str, default: i64) -> Result<i64> {
        read(self, name, Some(default))
    }
}

/// One entry of an operator's schema.
#[derive(Debug)]
pub struct Field {
    /// ONNX name.
    pub name: &'static str,
    /// Kind of value, e.g. `ints`.
    pub kind: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// Whether there is no default.
    pub required: bool,
}

/// A Rust type an attribute can be read as.
pub trait FromAttr: Sized {
    /// Name of the kind in messages.
    const KIND: &'static str;
    /// The value, if the attribute is of this kind.
    fn from_attr(a: &Attr) -> Option<Self>;
    /// The value of an absent attribute without default.
    fn absent() -> Option<Self> {
        None
    }
}

macro_rules! from_attr {
    ($($ty:ty, $kind:literal, $pat:pat => $out:expr;)*) => { $(
        impl FromAttr for $ty {
            const KIND: &'static str = $kind;
            fn from_attr(a: &Attr) -> Option<Self> {
                match a { $pat => Some($out), _ => None }
            }
        }
    )* };
}
from_attr! {
    i64, "int", Attr::Int(v) => *v;
    bool, "int", Attr::Int(v) => *v != 0;
    f32, "float", Attr::Float(v) => *v;
    String, "string", Attr::Str(v) => v.clone();
    Arc<Tensor>, "tensor", Attr::Tensor(v) => v.clone();
    Arc<Graph>, "graph", Attr::Graph(v) => v.clone();
    Arc<Fact>, "type", Attr::Type(v) => v.clone();
}
impl FromAttr for Vec<i64> {
    const KIND: &'static str = "ints";
    fn from_attr(a: &Attr) -> Option<Self> {
        match a {
            Attr::Ints(v) => Some(v.clone()),
            Attr::Floats(v) if v.is_empty() => Some(vec![]),
            _ => None,
        }
    }
}
impl FromAttr for Vec<f32> {
    const KIND: &'static str = "floats";
    fn from_attr(a: &Attr) -> Option<Self> {
        match a {
            Attr::Floats(v) => Some(v.clone()),
            Attr::Ints(v) if v.is_empty() => Some(vec![]),
            _ => None,
        }
    }
}
impl FromAttr for Vec<String> {
    const KIND: &'static str = "strings";
    fn from_attr(a: &Attr) -> Option<Self> {
        match a {
            Attr::Strs(v) => Some(v.clone()),
            _ => None,
        }
    }
}
impl FromAttr for DType {
    const KIND: &'static str = "int";
    fn from_attr(a: &Attr) -> Option<Self> {
        i64::from_attr(a).and_then(|v| DType::from_onnx(i32::try_from(v).ok()?))
    }
}
impl<T: FromAttr> FromAttr for Option<T> {
    const KIND: &'static str = T::KIND;
    fn from_attr(a: &Attr) -> Option<Self> {
        T::from_attr(a).map(Some)
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

macro_rules! into_attr {
    ($($ty:ty => |$v:ident| $out:expr;)*) => { $(
        impl From<$ty> for Attr { fn from($v: $ty) -> Attr { $out } }
    )* };
}
into_attr! {
    i64 => |v| Attr::Int(v);
    i32 => |v| Attr::Int(v as i64);
    usize => |v| Attr::Int(v as i64);
    bool => |v| Attr::Int(v as i64);
    f32 => |v| Attr::Float(v);
    &str => |v| Attr::Str(v.into());
    String => |v| Attr::Str(v);
    Vec<i64> => |v| Attr::Ints(v);
    &[i64] => |v| Attr::Ints(v.to_vec());
    Vec<f32> => |v| Attr::Floats(v);
    Vec<String> => |v| Attr::Strs(v);
    Tensor => |v| Attr::Tensor(Arc::new(v));
    Graph => |v| Attr::Graph(Arc::new(v));
    Fact => |v| Attr::Type(Arc::new(v.type_only()));
    DType => |v| Attr::Int(v.to_onnx() as i64);
}

/// Reads one attribute; used by [`attrs!`](crate::attrs!).
pub fn read<T: FromAttr>(r: &Attrs, name: &'static str, default: Option<T>) -> Result<T> {
    match r.get(name) {
        Some(a) => {
            T::from_attr(a).ok_or_else(|| Error::op(format!("attribute {name}: expected {}, found {a}", T::KIND)))
        }
        None => default
            .or_else(T::absent)
            .ok_or_else(|| Error::op(format!("attribute {name} is missing, expected {}: it is required", T::KIND))),
    }
}

/// Refuses by name every attribute that the schema does not list.
pub fn check(r: &Attrs, schema: &[Field]) -> Result<()> {
    let Some((n, _)) = r.iter().find(|(n, _)| !schema.iter().any(|f| f.name == n.as_str())) else { return Ok(()) };
    let names = || schema.iter().map(|f| f.name);
    let near = crate::suggest::did_you_mean(n, names());
    let listed = match schema {
        [] => ", expected none".into(),
        _ => format!(", expected one of {}", names().collect::<Vec<_>>().join(", ")),
    };
    Err(Error::op(format!("attribute {n:?} is not supported{}", if near.is_empty() { listed } else { near })))
}

/// Declares the attributes of an operator once: the struct, its schema (for docs and import) and its reader.
///
/// ```text
/// attrs!(ConvAttrs {
///     /// Step of the window along each spatial axis.
///     strides: Vec<i64> = vec![],
///     /// Required: no default.
///     perm: Vec<i64>,
///     /// Absent is `None`.
///     axis: Option<i64>,
/// });
/// ```
#[macro_export]
macro_rules! attrs {
    ($name:ident { $( #[doc = $doc:literal] $field:ident : $ty:ty $(= $default:expr)? ),* $(,)? }) => {
        #[doc = "Attributes; see the fields."]
        #[derive(Clone, Debug)]
        #[allow(dead_code, non_snake_case)]
        pub struct $name { $( #[doc = $doc] pub $field: $ty ),* }
        impl $name {
            /// The attributes' names, kinds and meaning.
            pub const SCHEMA: &'static [$crate::attrs::Field] = &[ $( $crate::attrs::Field {
                name: stringify!($field), kind: <$ty as $crate::attrs::FromAttr>::KIND, doc: $doc,
                required: $crate::attrs!(@required $($default)?) } ),* ];
            /// Reads them from a record.
            #[allow(unused_variables)]
            pub fn read(r: &$crate::Attrs) -> $crate::Result<Self> {
                Ok($name { $( $field: $crate::attrs::read(r, stringify!($field), $crate::attrs!(@default $($default)?))? ),* })
            }
        }
    };
    (@required) => { true }; (@required $d:expr) => { false };
    (@default) => { None }; (@default $d:expr) => { Some($d) };
}

impl Attr {
    fn rank(&self) -> u8 {
        match self {
            Attr::Int(_) => 0,
            Attr::Float(_) => 1,
            Attr::Str(_) => 2,
            Attr::Ints(_) => 3,
            Attr::Floats(_) => 4,
            Attr::Strs(_) => 5,
            Attr::Tensor(_) => 6,
            Attr::Graph(_) => 7,
            Attr::Type(_) => 8,
        }
    }
}

fn bits(v: &[f32]) -> Vec<u32> {
    v.iter().map(|x| x.to_bits()).collect()
}

impl Ord for Attr {
    fn cmp(&self, other: &Self) -> Ordering {
        use Attr::*;
        match (self, other) {
            (Int(a), Int(b)) => a.cmp(b),
            (Float(a), Float(b)) => a.to_bits().cmp(&b.to_bits()),
            (Str(a), Str(b)) => a.cmp(b),
            (Ints(a), Ints(b)) => a.cmp(b),
            (Floats(a), Floats(b)) => bits(a).cmp(&bits(b)),
            (Strs(a), Strs(b)) => a.cmp(b),
            (Tensor(a), Tensor(b)) => a.cmp(b),
            (Type(a), Type(b)) => a.to_string().cmp(&b.to_string()),
            (Graph(a), Graph(b)) => crate::text::print(a).cmp(&crate::text::print(b)),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}
impl PartialOrd for Attr {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Attr {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Attr {}
impl Hash for Attr {
    fn hash<H: Hasher>(&self, h: &mut H) {
        self.rank().hash(h);
        match self {
            Attr::Int(v) => v.hash(h),
            Attr::Float(v) => v.to_bits().hash(h),
            Attr::Str(v) => v.hash(h),
            Attr::Ints(v) => v.hash(h),
            Attr::Floats(v) => bits(v).hash(h),
            Attr::Strs(v) => v.hash(h),
            Attr::Tensor(v) => v.hash(h),
            Attr::Graph(v) => crate::text::print(v).hash(h),
            Attr::Type(v) => v.to_string().hash(h),
        }
    }
}

/// Prints as the text form does, e.g. `[1,2]`, `0.5`, `"SAME_UPPER"`.
impl fmt::Display for Attr {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fn list<T>(v: &[T], show: impl Fn(&T) -> String) -> String {
            format!("[{}]", v.iter().map(show).collect::<Vec<_>>().join(","))
        }
        match self {
            Attr::Int(v) => write!(f, "{v}"),
            Attr::Float(v) => write!(f, "{v:?}f"),
            Attr::Str(v) => write!(f, "{v:?}"),
            Attr::Ints(v) => f.write_str(&list(v, |x| x.to_string())),
            Attr::Floats(v) => f.write_str(&list(v, |x| format!("{x:?}f"))),
            Attr::Strs(v) => f.write_str(&list(v, |x| format!("{x:?}"))),
            Attr::Tensor(t) => write!(f, "{t:?}"),
            Attr::Graph(g) => write!(f, "graph {:?}", g.name),
            Attr::Type(t) => write!(f, "{t}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    attrs!(Example {
        /// Step of the window along each spatial axis.
        strides: Vec<i64> = vec![1, 1],
        /// Number of blocked channel groups.
        group: i64 = 1,
        /// Output permutation.
        perm: Vec<i64>,
        /// Optional.
        axis: Option<i64>,
    });

    #[test]
    fn record_to_view() {
        let missing = Example::read(&Attrs::new()).unwrap_err();
        assert_eq!(missing.to_string(), "attribute perm is missing, expected ints: it is required");
        let r = Attrs::new().with("perm", vec![0, 2, 1]).with("group", 4i64);
        let a = Example::read(&r).unwrap();
        assert_eq!((a.group, a.strides.len(), a.perm.len(), a.axis), (4, 2, 3, None));
        let wrong = Example::read(&r.with("group", vec![1i64])).unwrap_err();
        assert_eq!(wrong.to_string(), "attribute group: expected int, found [1]");
    }

    #[test]
    fn unknown_attributes_are_refused_by_name() {
        let e = check(&Attrs::new().with("auto_magic", 1i64), Example::SCHEMA).unwrap_err();
        assert_eq!(
            e.to_string(),
            "attribute \"auto_magic\" is not supported, expected one of strides, group, perm, axis"
        );
        let e = check(&Attrs::new().with("axes", 1i64), Example::SCHEMA).unwrap_err();
        assert_eq!(e.to_string(), "attribute \"axes\" is not supported, did you mean axis?");
    }
}
