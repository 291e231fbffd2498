//! Bytes in JSON.

use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes: a string where they are UTF-8, otherwise `{"b64": "…"}`. Both forms are understood for all.
///
/// ```
/// use wasmsh::protocol::Data;
///
/// assert_eq!(serde_json::to_string(&Data::from(b"a\n".to_vec()))?, r#""a\n""#);
/// assert_eq!(serde_json::to_string(&Data::from(vec![0xff, 0]))?, r#"{"b64":"/wA="}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Data(pub Vec<u8>);

impl From<Vec<u8>> for Data {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&str> for Data {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form<'a> {
    Plain(std::borrow::Cow<'a, str>),
    Encoded { b64: String },
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        bytes::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        bytes::deserialize(deserializer).map(Self)
    }
}

/// The form of [`Data`], for fields that are plain bytes.
pub(crate) mod bytes {
    use super::{Deserialize, Deserializer, Form, STANDARD, Serialize, Serializer};
    use base64::Engine as _;
    use serde::de::Error as _;

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Form::Plain(text.into()),
            Err(_) => Form::Encoded { b64: STANDARD.encode(bytes) },
        }
        .serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        match Form::deserialize(deserializer)? {
            Form::Plain(text) => Ok(text.into_owned().into_bytes()),
            Form::Encoded { b64 } => STANDARD.decode(b64).map_err(D::Error::custom),
        }
    }
}

/// The same for lists.
pub(crate) mod list {
    use super::{Data, Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(list: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(|bytes| Data(bytes.clone())))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
        Ok(Vec::<Data>::deserialize(deserializer)?.into_iter().map(|data| data.0).collect())
    }
}

/// Cuts a stream of bytes so that a character is not divided between two pieces.
#[derive(Default)]
pub(super) struct Cutter(Vec<u8>);

impl Cutter {
    /// The next piece, which may be empty.
    pub(super) fn next(&mut self, bytes: &[u8]) -> Data {
        let mut piece = std::mem::take(&mut self.0);
        piece.extend_from_slice(bytes);
        if let Err(error) = std::str::from_utf8(&piece)
            && error.error_len().is_none()
        {
            self.0 = piece.split_off(error.valid_up_to());
        }
        Data(piece)
    }

    /// What is left at the end.
    pub(super) fn rest(self) -> Data {
        Data(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_not_divided() {
        let mut cutter = Cutter::default();
        let text = "a\u{20ac}b".as_bytes();
        assert_eq!(cutter.next(&text[..2]).0, b"a");
        assert_eq!(cutter.next(&text[2..3]).0, b"");
        assert_eq!(cutter.next(&text[3..]).0, "\u{20ac}b".as_bytes());
        assert_eq!(cutter.next(b"\xff\xe2").0, b"\xff\xe2");
        assert_eq!(cutter.next(b"\xe2\x82").0, b"");
        assert_eq!(cutter.rest().0, b"\xe2\x82");
    }

    #[test]
    fn both_forms_are_understood() {
        let data: Vec<Data> = serde_json::from_str(r#"["a", {"b64": "/wA="}]"#).unwrap();
        assert_eq!(data, [Data(b"a".to_vec()), Data(vec![0xff, 0])]);
        assert!(serde_json::from_str::<Data>(r#"{"b64": "*"}"#).is_err());
    }
}
