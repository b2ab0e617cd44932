//! What is in a capsule, and its MessagePack form.

use rmp::decode::{self, Bytes};
use rmp::encode::{self, ByteBuf};
use units::UnixMillis;

use crate::limits;

/// A session on its way to another node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capsule {
    /// Name of the session.
    pub session: String,
    /// Name of the node that sealed it.
    pub node: String,
    /// Generation of the release that served the session.
    pub generation: u64,
    /// When it was sealed, by that node's clock.
    pub issued_at: UnixMillis,
    /// When the session began, by the player's clock.
    pub began_at: UnixMillis,
    /// Who watches.
    pub viewer: Option<String>,
    /// What is watched.
    pub title: Option<String>,
    /// Where the viewer is.
    pub region: Option<String>,
    /// Kind of device.
    pub device: Option<String>,
    /// How many of the session's events are in the state, to tell the newer of two. Not in the body but before it, so 0
    /// where only a body was read.
    pub events: u32,
    /// The saved session, which only the qoe component reads.
    pub state: Vec<u8>,
}

/// Of the order and meaning of the fields; another version is refused, never guessed at.
const VERSION: u64 = 2;

const FIELDS: u32 = 11;

impl Capsule {
    /// The MessagePack form: an array of version, session, node, generation, issued at, began at (both milliseconds
    /// since 1970), viewer, title, region, device (text or nil) and the state (binary).
    pub fn body(&self) -> Vec<u8> {
        let mut bytes = ByteBuf::with_capacity(self.state.len() + 256);
        let reason = "a byte buffer grows as needed";
        encode::write_array_len(&mut bytes, FIELDS).expect(reason);
        encode::write_uint(&mut bytes, VERSION).expect(reason);
        encode::write_str(&mut bytes, &self.session).expect(reason);
        encode::write_str(&mut bytes, &self.node).expect(reason);
        encode::write_uint(&mut bytes, self.generation).expect(reason);
        encode::write_uint(&mut bytes, self.issued_at.get()).expect(reason);
        encode::write_uint(&mut bytes, self.began_at.get()).expect(reason);
        for label in [&self.viewer, &self.title, &self.region, &self.device] {
            match label {
                Some(label) => encode::write_str(&mut bytes, label).expect(reason),
                None => encode::write_nil(&mut bytes).expect(reason),
            }
        }
        encode::write_bin(&mut bytes, &self.state).expect(reason);
        bytes.into_vec()
    }

    /// Reads what [`Capsule::body`] wrote; none for anything else, also for more bytes after it.
    pub fn from_body(body: &[u8]) -> Option<Self> {
        let mut bytes = Bytes::new(body);
        if decode::read_array_len(&mut bytes).ok()? != FIELDS {
            return None;
        }
        if decode::read_int::<u64, _>(&mut bytes).ok()? != VERSION {
            return None;
        }
        let capsule = Self {
            session: name(&mut bytes)?,
            node: name(&mut bytes)?,
            generation: decode::read_int(&mut bytes).ok()?,
            issued_at: UnixMillis::new(decode::read_int(&mut bytes).ok()?),
            began_at: UnixMillis::new(decode::read_int(&mut bytes).ok()?),
            viewer: label(&mut bytes)?,
            title: label(&mut bytes)?,
            region: label(&mut bytes)?,
            device: label(&mut bytes)?,
            events: 0,
            state: {
                let length = decode::read_bin_len(&mut bytes).ok()?;
                take(&mut bytes, length, limits::STATE_BYTES_MAX)?.to_vec()
            },
        };
        bytes.remaining_slice().is_empty().then_some(capsule)
    }
}

fn name(bytes: &mut Bytes<'_>) -> Option<String> {
    let length = decode::read_str_len(bytes).ok()?;
    let name = take(bytes, length, limits::NAME_BYTES_MAX)?;
    std::str::from_utf8(name).ok().map(String::from)
}

/// A name or nil.
fn label(bytes: &mut Bytes<'_>) -> Option<Option<String>> {
    let mut ahead = *bytes;
    if decode::read_nil(&mut ahead).is_ok() {
        *bytes = ahead;
        return Some(None);
    }
    name(bytes).map(Some)
}

fn take<'a>(bytes: &mut Bytes<'a>, length: u32, bytes_max: usize) -> Option<&'a [u8]> {
    let length = usize::try_from(length).ok().filter(|&length| length <= bytes_max)?;
    let (taken, rest) = bytes.remaining_slice().split_at_checked(length)?;
    *bytes = Bytes::new(rest);
    Some(taken)
}
