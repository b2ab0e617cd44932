//! What a capsule holds at most, and the harm each limit stops.

use units::Millis;

/// The longest text. Servers and proxies refuse longer header lines, and a longer one is refused before
/// it is decoded.
pub const TEXT_BYTES_MAX: usize = 4_096;

/// The longest saved session. With all names at their longest the text still fits.
pub const STATE_BYTES_MAX: usize = 2_048;

/// The longest name of a session, node, viewer, title, region or kind of device.
pub const NAME_BYTES_MAX: usize = 128;

/// The oldest capsule that is opened: who comes back a day later begins a new session.
pub const AGE_MAX: Millis = Millis::new(24 * 60 * 60_000);

/// How far ahead the clock of the node that sealed may be.
pub const AHEAD_MAX: Millis = Millis::new(60_000);

/// Keys that open. The releases of a day; every unknown capsule is compared with all of them.
pub const KEYS_MAX: usize = 8;

/// The shortest secret: keys of 256 bits have to come from as much.
pub const SECRET_BYTES_MIN: usize = 32;

const _: () = {
    let header = 1 + 8 + 4 + 12;
    // Array, version, three numbers, the head of the state; a name has a head of two bytes.
    let body = 1 + 1 + 3 * 9 + 3 + STATE_BYTES_MAX + 6 * (2 + NAME_BYTES_MAX);
    assert!((header + body + 16).div_ceil(3) * 4 <= TEXT_BYTES_MAX);
};
