//! The values of columns, as bytes to hash and as places to resume a copy at.

/// A column of a key.
pub(super) trait KeyPart {
    /// The value itself if all engines sort its type alike; otherwise one that sorts before all
    /// others.
    fn floor(self) -> Self;
}

impl KeyPart for i16 {
    fn floor(self) -> i16 {
        self
    }
}

impl KeyPart for i32 {
    fn floor(self) -> i32 {
        self
    }
}

impl KeyPart for i64 {
    fn floor(self) -> i64 {
        self
    }
}

impl KeyPart for String {
    fn floor(self) -> String {
        String::new()
    }
}

/// Encodes a column's value so that different rows have different bytes.
pub(super) trait Encode {
    fn encode(&self, to: &mut Vec<u8>);
}

impl Encode for i64 {
    fn encode(&self, to: &mut Vec<u8>) {
        to.extend(self.to_be_bytes());
    }
}

impl Encode for i32 {
    fn encode(&self, to: &mut Vec<u8>) {
        i64::from(*self).encode(to);
    }
}

impl Encode for i16 {
    fn encode(&self, to: &mut Vec<u8>) {
        i64::from(*self).encode(to);
    }
}

impl Encode for bool {
    fn encode(&self, to: &mut Vec<u8>) {
        to.push(u8::from(*self));
    }
}

impl Encode for Vec<u8> {
    fn encode(&self, to: &mut Vec<u8>) {
        to.extend((self.len() as u64).to_be_bytes());
        to.extend(self);
    }
}

impl Encode for String {
    fn encode(&self, to: &mut Vec<u8>) {
        to.extend((self.len() as u64).to_be_bytes());
        to.extend(self.as_bytes());
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self, to: &mut Vec<u8>) {
        self.is_some().encode(to);
        if let Some(value) = self {
            value.encode(to);
        }
    }
}
