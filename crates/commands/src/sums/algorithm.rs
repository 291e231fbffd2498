//! What is computed over the bytes of a file: the digests of RustCrypto, and the three old checksums.

use blake2::Blake2bVar;
use blake2::digest::{Update, VariableOutput};
use digest::DynDigest;
use wasmsh_os::{Errno, Input};

/// A digest that can be chosen.
pub(super) struct Algorithm {
    /// As `cksum -a` names it.
    pub(super) name: &'static str,
    /// As the lines of `--tag` name it.
    pub(super) tag: &'static str,
    pub(super) make: Make,
}

/// How to begin one.
pub(super) enum Make {
    Bsd,
    SystemV,
    Crc,
    Digest(fn() -> Box<dyn DynDigest>),
    /// BLAKE2b, whose length can be chosen.
    Blake,
}

/// The algorithms, in the order of messages.
pub(super) static ALGORITHMS: [Algorithm; 11] = [
    Algorithm { name: "bsd", tag: "BSD", make: Make::Bsd },
    Algorithm { name: "sysv", tag: "SYSV", make: Make::SystemV },
    Algorithm { name: "crc", tag: "CRC", make: Make::Crc },
    Algorithm { name: "md5", tag: "MD5", make: Make::Digest(|| Box::new(md5::Md5::default())) },
    Algorithm { name: "sha1", tag: "SHA1", make: Make::Digest(|| Box::new(sha1::Sha1::default())) },
    Algorithm { name: "sha224", tag: "SHA224", make: Make::Digest(|| Box::new(sha2::Sha224::default())) },
    Algorithm { name: "sha256", tag: "SHA256", make: Make::Digest(|| Box::new(sha2::Sha256::default())) },
    Algorithm { name: "sha384", tag: "SHA384", make: Make::Digest(|| Box::new(sha2::Sha384::default())) },
    Algorithm { name: "sha512", tag: "SHA512", make: Make::Digest(|| Box::new(sha2::Sha512::default())) },
    Algorithm { name: "blake2b", tag: "BLAKE2b", make: Make::Blake },
    Algorithm { name: "sm3", tag: "SM3", make: Make::Digest(|| Box::new(sm3::Sm3::default())) },
];

/// The longest digest of BLAKE2b, in bytes.
pub(super) const LONGEST: usize = 64;

impl Algorithm {
    /// Whether it is a checksum that no list can hold.
    pub(super) fn is_old(&self) -> bool {
        matches!(self.make, Make::Bsd | Make::SystemV | Make::Crc)
    }

    /// The bytes of a digest, of the length that it has by itself.
    pub(super) fn size(&self) -> usize {
        match self.make {
            Make::Digest(make) => make().output_size(),
            _ => LONGEST,
        }
    }
}

enum Hasher {
    Digest(Box<dyn DynDigest>),
    // It is large, and seldom needed.
    Blake(Box<Blake2bVar>),
}

/// The digest of what `input` holds, in hexadecimal digits; `size` bytes where that can be chosen.
pub(super) async fn digest(input: &mut Input, algorithm: &Algorithm, size: usize) -> Result<String, Errno> {
    let mut hasher = match algorithm.make {
        Make::Digest(make) => Hasher::Digest(make()),
        _ => Hasher::Blake(Box::new(Blake2bVar::new(size).map_err(|_| Errno::Invalid)?)),
    };
    loop {
        let block = input.fill().await?;
        if block.is_empty() {
            break;
        }
        match &mut hasher {
            Hasher::Digest(hasher) => hasher.update(block),
            Hasher::Blake(hasher) => hasher.update(block),
        }
        let count = block.len();
        input.consume(count);
    }
    let bytes = match hasher {
        Hasher::Digest(hasher) => hasher.finalize(),
        Hasher::Blake(hasher) => {
            let mut bytes = vec![0; size].into_boxed_slice();
            hasher.finalize_variable(&mut bytes).map_err(|_| Errno::Invalid)?;
            bytes
        }
    };
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The 16-bit checksum of the BSDs, which turns to the right before each byte, or of System V, which is the sum of all
/// bytes; and the number of bytes.
pub(super) async fn sum(input: &mut Input, system_v: bool) -> Result<(u16, u64), Errno> {
    let (mut bsd, mut total, mut size) = (0_u16, 0_u32, 0_u64);
    loop {
        let block = input.fill().await?;
        if block.is_empty() {
            break;
        }
        for &byte in block {
            bsd = bsd.rotate_right(1).wrapping_add(u16::from(byte));
            total = total.wrapping_add(u32::from(byte));
        }
        let count = block.len();
        size += count as u64;
        input.consume(count);
    }
    let folded = (total & 0xffff) + (total >> 16);
    Ok((if system_v { ((folded & 0xffff) + (folded >> 16)) as u16 } else { bsd }, size))
}

/// The CRC of POSIX `cksum`, and the number of bytes. It is the one of `crc32fast` with all bits in the other order.
/// What cannot be read (any more) is the end, as GNU takes it: a directory is empty.
pub(super) async fn posix_crc(input: &mut Input) -> (u32, u64) {
    let mut hasher = crc32fast::Hasher::new_with_initial(u32::MAX);
    let mut size = 0_u64;
    let mut turned = Vec::new();
    while let Ok(block) = input.fill().await {
        if block.is_empty() {
            break;
        }
        turned.clear();
        turned.extend(block.iter().map(|byte| byte.reverse_bits()));
        hasher.update(&turned);
        let count = block.len();
        size += count as u64;
        input.consume(count);
    }
    // The length follows, its lowest byte first, without its leading zeros.
    let mut length = size;
    while length != 0 {
        hasher.update(&[(length as u8).reverse_bits()]);
        length >>= 8;
    }
    (hasher.finalize().reverse_bits(), size)
}
