//! The character devices of `/dev`, with Linux's numbers.

/// What a device does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Device {
    /// Takes everything, gives nothing.
    Null,
    /// Takes everything, gives NUL bytes.
    Zero,
    /// As `Zero`, but has never any space left.
    Full,
    /// Gives random bytes, takes everything.
    Random,
    /// The controlling terminal: there is none.
    Tty,
}

/// `makedev(3)` for small numbers.
const fn number(major: u64, minor: u64) -> u64 {
    major << 8 | minor
}

impl Device {
    /// The nodes of `/dev`: name, `st_rdev`.
    pub(crate) const NODES: [(&str, u64); 6] = [
        ("null", number(1, 3)),
        ("zero", number(1, 5)),
        ("full", number(1, 7)),
        ("random", number(1, 8)),
        ("urandom", number(1, 9)),
        ("tty", number(5, 0)),
    ];

    /// The driver of this number.
    pub(crate) fn from_number(device: u64) -> Option<Device> {
        let (name, _) = Self::NODES.iter().find(|(_, number)| *number == device)?;
        Some(match *name {
            "null" => Device::Null,
            "zero" => Device::Zero,
            "full" => Device::Full,
            "random" | "urandom" => Device::Random,
            _ => Device::Tty,
        })
    }
}
