//! Eight bytes at once in one word. A crate that is built for size gets no such loops from the compiler, and a
//! kubeconfig can be long.

/// The high bit of each byte.
pub const HIGH: u64 = each(0x80);

/// A word of eight times the same byte.
pub const fn each(byte: u8) -> u64 {
    0x0101_0101_0101_0101 * byte as u64
}

/// The high bits of those bytes that lie between two others; all of them are below 128.
pub const fn within(bytes: u64, from: u8, to: u8) -> u64 {
    // Nothing is carried from one byte into the next: each sum is below 256.
    (bytes + each(0x80 - from)) & !(bytes + each(0x7f - to)) & HIGH
}
