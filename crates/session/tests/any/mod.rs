//! Events of all sorts.

use quickcheck::{Arbitrary, Gen};
use session::{Codec, Event, KINDS, Screen};
use units::{Kbps, Millis, UnixMillis};

/// When generated sessions begin.
pub(crate) const BEGIN_MS: u64 = 1_700_000_000_000;

/// Any event; most of them close to each other in time, the rest at absurd ones. A third is numbered.
#[derive(Clone, Debug)]
pub(crate) struct Any(pub(crate) Event);

impl Arbitrary for Any {
    fn arbitrary(g: &mut Gen) -> Self {
        const CODECS: [Codec; 6] =
            [Codec::Avc, Codec::Hevc, Codec::Vp9, Codec::Av1, Codec::Vvc, Codec::Other];
        let is_absurd = u8::arbitrary(g) < 16;
        let at = if is_absurd { u64::arbitrary(g) } else { BEGIN_MS + u64::arbitrary(g) % 100_000 };
        let ms =
            |length: Option<u64>| length.map(|ms| Millis::new(if is_absurd { ms } else { ms % 100_000 }));
        let screens = [Screen::Phone, Screen::Tablet, Screen::Desktop, Screen::Tv];
        let rarely = |g: &mut Gen| u8::arbitrary(g) < 50;
        Self(Event {
            at: UnixMillis::new(at),
            kind: *g.choose(&KINDS).unwrap(),
            sequence: (u8::arbitrary(g) < 85).then(|| u32::from(u8::arbitrary(g))),
            position: ms(Option::arbitrary(g)),
            duration: ms(Option::arbitrary(g)),
            rate: Option::arbitrary(g).map(Kbps::new),
            top_rate: rarely(g).then(|| Kbps::new(u32::arbitrary(g))),
            throughput: Option::arbitrary(g).map(Kbps::new),
            buffer: ms(Option::arbitrary(g)),
            latency: ms(Option::arbitrary(g)),
            startup: rarely(g).then(|| u64::arbitrary(g)).map(|ms| Millis::new(ms % 20_000)),
            stalled: rarely(g).then(|| u64::arbitrary(g)).map(|ms| Millis::new(ms % 100_000)),
            stalled_more: rarely(g).then(|| u64::arbitrary(g)).map(|ms| Millis::new(ms % 9_000)),
            buffering_events: Option::arbitrary(g),
            dropped_frames: Option::arbitrary(g),
            width: Option::arbitrary(g),
            height: Option::arbitrary(g),
            frame_rate_milli: Option::arbitrary(g),
            codec: rarely(g).then(|| *g.choose(&CODECS).unwrap()),
            screen: rarely(g).then(|| *g.choose(&screens).unwrap()),
        })
    }
}
