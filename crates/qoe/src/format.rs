//! How good a picture is that is shown without a stall.
//!
//! An own closed form of three published effects, fitted by eye to known ladders and to no rated set:
//!
//! - *Coding.* Quality is a saturating function of the logarithm of the bits a pixel (Weber and Fechner;
//!   rate-distortion curves of every per-title encoding study): `x / (x + 1)` with `x` a power of the bits
//!   a pixel. Half is reached at 0.018 bits and 0.92 at 0.11 in H.264 at 720 lines and 30 frames a second.
//!   Larger pictures need fewer bits a pixel for the same quality (the rule of the power 3/4), more frames
//!   a second cost less than their number (half, on a log scale), newer codecs need fewer bits.
//! - *Size.* Stretching to the screen costs sharpness, by the share of its pixels that are there: nothing at
//!   full height, a seventh at two thirds, a third at 4/9, three quarters at 2/9, near the tops of the curves
//!   that make the convex hulls of per-title encoding (Netflix 2015). What counts is the height that a viewer
//!   of this screen can resolve.
//! - *Motion.* Below 30 frames a second motion breaks up, by a weak power law.
//!
//! Where the size is unknown, the best that the bit rate allows is assumed, for that is how ladders are
//! made; where the bit rate is unknown, a usual one for the size.

/// The share of something, in millionths: an exact number that every machine adds up alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    /// All of it.
    pub const WHOLE: Self = Self(1_000_000);

    /// From millionths, at most the whole.
    #[inline]
    pub fn new(millionths: u32) -> Self {
        Self(millionths.min(Self::WHOLE.0))
    }

    /// In millionths.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Rounds a number of 0 to 1; what is beyond is cut off, what is not a number is nothing.
    fn of(share: f64) -> Self {
        Self::new((share * 1e6 + 0.5) as u32)
    }
}

/// How the picture was coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// H.264.
    Avc,
    /// H.265.
    Hevc,
    /// VP9.
    Vp9,
    /// AV1.
    Av1,
    /// H.266.
    Vvc,
    /// Another; counts as H.264.
    Other,
}

impl Codec {
    /// The codec of an RFC 6381 `codecs` entry (`avc1.640028`, `hvc1.…`) or of a usual name.
    pub fn named(name: &str) -> Self {
        const NAMES: [(&str, Codec); 16] = [
            ("avc", Codec::Avc),
            ("h264", Codec::Avc),
            ("x264", Codec::Avc),
            ("h.264", Codec::Avc),
            ("hevc", Codec::Hevc),
            ("hvc", Codec::Hevc),
            ("hev", Codec::Hevc),
            ("h265", Codec::Hevc),
            ("x265", Codec::Hevc),
            ("h.265", Codec::Hevc),
            ("vp9", Codec::Vp9),
            ("vp09", Codec::Vp9),
            ("av1", Codec::Av1),
            ("av01", Codec::Av1),
            ("vvc", Codec::Vvc),
            ("h266", Codec::Vvc),
        ];
        let is = |start: &str| {
            name.as_bytes()
                .get(..start.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(start.as_bytes()))
        };
        NAMES.iter().find(|(start, _)| is(start)).map_or(Self::Other, |(_, codec)| *codec)
    }

    /// Bits of H.264 that one bit of this codec is worth, after the comparisons of their makers and
    /// of large services: about 35 to 40 % fewer bits for HEVC and VP9, half for AV1, more for VVC.
    fn efficiency(self) -> f64 {
        match self {
            Self::Avc | Self::Other => 1.0,
            Self::Hevc => 1.6,
            Self::Vp9 => 1.5,
            Self::Av1 => 1.9,
            Self::Vvc => 2.3,
        }
    }
}

/// What it is watched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Screen {
    /// In a hand.
    Phone,
    /// In two hands.
    Tablet,
    /// On a desk.
    Desktop,
    /// Across a room.
    Tv,
}

impl Screen {
    /// The screen of a device's name; none for a name that says nothing of it.
    pub fn of_device(device: &str) -> Option<Self> {
        const NAMES: [(&str, Screen); 12] = [
            ("phone", Screen::Phone),
            ("mobile", Screen::Phone),
            ("android", Screen::Phone),
            ("ios", Screen::Phone),
            ("tablet", Screen::Tablet),
            ("ipad", Screen::Tablet),
            ("desktop", Screen::Desktop),
            ("web", Screen::Desktop),
            ("browser", Screen::Desktop),
            ("laptop", Screen::Desktop),
            ("pc", Screen::Desktop),
            ("tv", Screen::Tv),
        ];
        NAMES.iter().find(|(name, _)| device.eq_ignore_ascii_case(name)).map(|(_, screen)| *screen)
    }

    /// Lines that a viewer can resolve at the usual distance; more are not seen. A hand holds 6 inches at
    /// 35 cm, a television of 50 inches is 2.5 m away and HD or UHD.
    fn lines(self) -> f64 {
        match self {
            Self::Phone => 600.0,
            Self::Tablet => 900.0,
            Self::Desktop => 1_080.0,
            Self::Tv => 1_440.0,
        }
    }
}

/// What is known of the pictures shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// Bit rate in kbit/s; zero is unknown.
    pub kbps: u32,
    /// Pixels in a line; zero is unknown, and that of 16:9.
    pub width: u16,
    /// Lines; zero is unknown.
    pub height: u16,
    /// Frames in a thousand seconds; zero is unknown, and 30 a second.
    pub frame_rate_milli: u32,
    /// How it was coded; H.264 when unknown.
    pub codec: Option<Codec>,
    /// What it is watched on; a desktop when unknown.
    pub screen: Option<Screen>,
}

impl Format {
    /// Pixels of a picture; none without its height.
    #[inline]
    pub fn pixels(&self) -> Option<u64> {
        if self.height == 0 {
            return None;
        }
        let height = u64::from(self.height);
        let width = if self.width == 0 { height * 16 / 9 } else { u64::from(self.width) };
        Some(height * width)
    }

    /// Bits a pixel in millionths, at 30 frames a second where they are unknown.
    #[inline]
    pub fn bits_per_pixel_millionths(&self) -> Option<u64> {
        let frames = self.pixels()? as f64 * frames(self);
        // A conversion stops at the largest number: one pixel a thousand seconds.
        (self.kbps > 0).then(|| (f64::from(self.kbps) * 1e9 / frames + 0.5) as u64)
    }

    fn lines(&self) -> f64 {
        self.screen.unwrap_or(Screen::Desktop).lines()
    }
}

/// How good the picture is, 0 (nothing to see) to 1 (the original); none where neither bit rate nor
/// height are known. Never falls with a higher bit rate.
pub fn picture(format: &Format) -> Option<Share> {
    let height = f64::from(format.height);
    let quality = match (format.kbps, format.height) {
        (0, 0) => return None,
        (0, _) => CODING_USUAL * sharpness(height, format.lines()),
        (_, 0) => LADDER_LINES
            .iter()
            .map(|lines| coding(format, lines * lines * (16.0 / 9.0)) * sharpness(*lines, format.lines()))
            .fold(0.0, f64::max),
        _ => coding(format, format.pixels()? as f64) * sharpness(height, format.lines()),
    };
    Some(Share::of(quality * motion(format)))
}

/// How far the picture is stretched to the lines of its screen, in millionths: 1,000,000 is to twice the
/// height. None without a height.
#[inline]
pub fn upscaling(format: &Format) -> Option<u32> {
    if format.height == 0 {
        return None;
    }
    let stretched = format.lines() / f64::from(format.height) - 1.0;
    // A picture of one line would be stretched a thousandfold; a conversion stops at the largest number.
    Some(if stretched > 0.0 { (stretched * 1e6 + 0.5) as u32 } else { 0 })
}

/// The quality of coding at its own size, 0 to 1.
fn coding(format: &Format, pixels: f64) -> f64 {
    let frames = frames(format);
    let bits = f64::from(format.kbps) * 1_000.0 / (pixels * frames);
    let worth = format.codec.unwrap_or(Codec::Avc).efficiency();
    let size = libm::sqrt(libm::sqrt(pixels / PIXELS_720));
    let needed = libm::sqrt(frames / 30.0);
    let x = libm::pow(bits * worth * size * needed / BITS_PER_PIXEL_HALF, CODING_STEEPNESS);
    if x < 1e12 { x / (1.0 + x) } else { 1.0 }
}

/// What is left of the sharpness after stretching `height` to `lines`, 0 to 1.
fn sharpness(height: f64, lines: f64) -> f64 {
    let share = height / lines;
    if share >= 1.0 {
        return 1.0;
    }
    let pixels = share * share;
    (1.0 + SHARPNESS_BEND) * pixels / (pixels + SHARPNESS_BEND)
}

/// What is left of smooth motion, 0 to 1.
fn motion(format: &Format) -> f64 {
    let share = frames(format) / 30.0;
    // 23.976 and 25 frames are how films are made: no loss.
    if share >= 0.79 { 1.0 } else { libm::pow(share / 0.79, MOTION_POWER) }
}

/// Frames a second.
fn frames(format: &Format) -> f64 {
    if format.frame_rate_milli == 0 { 30.0 } else { f64::from(format.frame_rate_milli) / 1_000.0 }
}

/// Where half of the quality is left, in bits a pixel of H.264 at 720 lines and 30 frames a second.
const BITS_PER_PIXEL_HALF: f64 = 0.018;

/// How fast quality saturates: a power of the bits.
const CODING_STEEPNESS: f64 = 1.35;

/// Of coding at the bit rates that services use.
const CODING_USUAL: f64 = 0.87;

/// The smaller, the less stretching hurts.
const SHARPNESS_BEND: f64 = 0.15;

/// Half the frames leave about four fifths.
const MOTION_POWER: f64 = 0.35;

const PIXELS_720: f64 = 1_280.0 * 720.0;

/// The heights that ladders are made of.
const LADDER_LINES: [f64; 7] = [180.0, 240.0, 360.0, 480.0, 720.0, 1_080.0, 2_160.0];
