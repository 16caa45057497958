//! SHA-1 and SHA-256, by which pulumi and docker name their files. For file names only: nothing is protected by them.

/// The SHA-256 of `bytes` in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    let mut state: [u32; 8] = [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];
    let constants = round_constants();
    for block in padded(bytes).chunks_exact(64) {
        let mut w = [0_u32; 64];
        words(block, &mut w);
        for i in 16..64 {
            let (a, b) = (w[i - 15], w[i - 2]);
            let near = a.rotate_right(7) ^ a.rotate_right(18) ^ (a >> 3);
            let far = b.rotate_right(17) ^ b.rotate_right(19) ^ (b >> 10);
            w[i] = w[i - 16].wrapping_add(near).wrapping_add(w[i - 7]).wrapping_add(far);
        }
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
        for (word, constant) in w.into_iter().zip(constants) {
            let mixed = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
            let chosen = (e & f) ^ (!e & g);
            let first = h.wrapping_add(mixed).wrapping_add(chosen).wrapping_add(constant).wrapping_add(word);
            let turned = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
            let most = (a & b) ^ (a & c) ^ (b & c);
            (h, g, f, e) = (g, f, e, d.wrapping_add(first));
            (d, c, b, a) = (c, b, a, first.wrapping_add(turned).wrapping_add(most));
        }
        add(&mut state, &[a, b, c, d, e, f, g, h]);
    }
    hexadecimal(&state)
}

/// The SHA-1 of `bytes` in hexadecimal digits.
pub fn sha1(bytes: &[u8]) -> String {
    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded(bytes).chunks_exact(64) {
        let mut w = [0_u32; 80];
        words(block, &mut w);
        for i in 16..80 {
            w[i] = (w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16]).rotate_left(1);
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (i, word) in w.into_iter().enumerate() {
            let (mixed, constant) = match i / 20 {
                0 => ((b & c) | (!b & d), 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let next = a.rotate_left(5).wrapping_add(mixed).wrapping_add(e);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next.wrapping_add(constant).wrapping_add(word));
        }
        add(&mut state, &[a, b, c, d, e]);
    }
    hexadecimal(&state)
}

/// The fractions of the cube roots of the first 64 primes, reckoned in whole numbers: no table to mistype.
fn round_constants() -> [u32; 64] {
    let mut out = [0; 64];
    let primes = (2_u128..).filter(|n| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0));
    for (slot, prime) in out.iter_mut().zip(primes) {
        // The cube root of the prime, times 2^32: the largest number whose cube is not above prime * 2^96.
        let (mut low, mut high) = (0_u128, 1 << 36);
        while high - low > 1 {
            let middle = (low + high) / 2;
            if middle * middle * middle <= prime << 96 { low = middle } else { high = middle }
        }
        *slot = (low & 0xffff_ffff) as u32;
    }
    out
}

fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    out.push(0x80);
    out.resize((out.len() + 8).next_multiple_of(64) - 8, 0);
    out.extend((bytes.len() as u64 * 8).to_be_bytes());
    out
}

fn words(block: &[u8], out: &mut [u32]) {
    for (word, bytes) in out.iter_mut().zip(block.chunks_exact(4)) {
        *word = bytes.iter().fold(0, |word, byte| (word << 8) | u32::from(*byte));
    }
}

fn add(state: &mut [u32], round: &[u32]) {
    for (kept, new) in state.iter_mut().zip(round) {
        *kept = kept.wrapping_add(*new);
    }
}

fn hexadecimal(state: &[u32]) -> String {
    state.iter().map(|word| format!("{word:08x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standard() {
        let long = "a".repeat(119);
        for (text, one, two) in [
            (
                "",
                "da39a3ee5e6b4b0d3255bfef95601890afd80709",
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                "abc",
                "a9993e364706816aba3e25717850c26c9cd0d89d",
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            (
                long.as_str(),
                "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56",
                "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb",
            ),
        ] {
            assert_eq!((sha1(text.as_bytes()).as_str(), sha256(text.as_bytes()).as_str()), (one, two));
        }
    }
}
