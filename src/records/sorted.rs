//! JSON without blanks in which the members of each object come sorted by their names, whatever order they are handed in.
//!
//! Deliberately absent: escaped names. Members are fields of our own types.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, Serializer};

/// Appends a value.
pub(super) fn write(value: &impl Serialize, bytes: &mut Vec<u8>) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(bytes, Sorting::default()))
}

/// Holds back what stands in an object until all of it is there.
#[derive(Default)]
struct Sorting {
    open: Vec<Object>,
}

/// An object that is not at its end yet.
#[derive(Default)]
struct Object {
    /// Names in quotes, and values.
    members: Vec<(Vec<u8>, Vec<u8>)>,
    in_name: bool,
}

impl Object {
    /// Where what comes next is to stand.
    fn place(&mut self) -> &mut Vec<u8> {
        let (name, value) = self.members.last_mut().expect("in an object something stands in a member only");
        if self.in_name { name } else { value }
    }

    fn bytes(mut self) -> Vec<u8> {
        let bare = |name: &[u8]| name[1..name.len() - 1].to_vec();
        self.members.sort_by_cached_key(|(name, _)| bare(name));
        let mut bytes = b"{".to_vec();
        for (at, (name, value)) in self.members.iter().enumerate() {
            if at > 0 {
                bytes.push(b',');
            }
            bytes.extend_from_slice(name);
            bytes.push(b':');
            bytes.extend_from_slice(value);
        }
        bytes.push(b'}');
        bytes
    }
}

/// What is written as without sorting, wherever it is to stand.
macro_rules! as_ever {
    ($($name:ident($($argument:ident: $kind:ty)?)),* $(,)?) => {
        $(fn $name<W: ?Sized + Write>(&mut self, writer: &mut W $(, $argument: $kind)?) -> io::Result<()> {
            match self.open.last_mut() {
                Some(object) => CompactFormatter.$name(object.place() $(, $argument)?),
                None => CompactFormatter.$name(writer $(, $argument)?),
            }
        })*
    };
}

impl Formatter for Sorting {
    as_ever! {
        write_null(),
        write_bool(value: bool),
        write_i8(value: i8),
        write_i16(value: i16),
        write_i32(value: i32),
        write_i64(value: i64),
        write_i128(value: i128),
        write_u8(value: u8),
        write_u16(value: u16),
        write_u32(value: u32),
        write_u64(value: u64),
        write_u128(value: u128),
        write_f32(value: f32),
        write_f64(value: f64),
        write_number_str(value: &str),
        begin_string(),
        end_string(),
        write_string_fragment(fragment: &str),
        write_char_escape(escape: CharEscape),
        begin_array(),
        end_array(),
        begin_array_value(first: bool),
        end_array_value(),
        write_raw_fragment(fragment: &str),
    }

    fn begin_object<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.open.push(Object::default());
        Ok(())
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let bytes = self.open.pop().expect("an object begins before it ends").bytes();
        match self.open.last_mut() {
            Some(object) => object.place().write_all(&bytes),
            None => writer.write_all(&bytes),
        }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, _: &mut W, _: bool) -> io::Result<()> {
        let object = self.open.last_mut().expect("a member stands in an object");
        object.members.push((Vec::new(), Vec::new()));
        object.in_name = true;
        Ok(())
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.open.last_mut().expect("a member stands in an object").in_name = false;
        Ok(())
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    fn text(value: &Value) -> String {
        let mut bytes = Vec::new();
        write(value, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn members_are_sorted_at_every_depth_and_nothing_else_is_touched() {
        let value = json!({ "b": [{ "z": 1, "a": null }, [], {}], "ab": "\"\n\u{1f}é", "a b": -1, "a": true });
        assert_eq!(text(&value), r#"{"a":true,"a b":-1,"ab":"\"\n\u001fé","b":[{"a":null,"z":1},[],{}]}"#);
        assert_eq!(text(&json!(["x", 2])), r#"["x",2]"#);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            let members = proptest::collection::vec(("[a-z ]{0,3}", inner.clone()), 0..5);
            let object = members.prop_map(|members| Value::Object(members.into_iter().rev().collect::<Map<_, _>>()));
            prop_oneof![proptest::collection::vec(inner, 0..5).prop_map(Value::from), object]
        })
    }

    proptest! {
        #[test]
        fn what_is_sorted_says_the_same(value in values()) {
            let written = text(&value);
            prop_assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), value.clone());
            prop_assert_eq!(written.len(), value.to_string().len());
        }
    }
}
