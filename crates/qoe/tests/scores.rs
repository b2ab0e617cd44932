//! What every score must do, whatever it is given.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use qoe::packed::{
    FIGURES_BYTES, PackedError, SCORES_BYTES, SUMMARY_BYTES, VERSION, Wanted, pack_figures, pack_scores,
    pack_summary, score_batch, unpack_figures, unpack_pair_batch, unpack_score_batch, unpack_scores,
    unpack_summary,
};
use qoe::{
    Codec, Figures, Format, Pictures, SPI_SHIPPED, Scores, Screen, Share, SpiVerdict, Summary, Upscaling,
    mos_v1, picture, score, score_figures, spi_style_v1, upscaling,
};
use quickcheck::{Arbitrary, Gen, quickcheck};
use units::{Kbps, Millis};

/// Any summary, nonsense included; times are cut to 32 bits, as those of a session are.
#[derive(Clone, Debug)]
struct Seen(Summary);

impl Arbitrary for Seen {
    fn arbitrary(g: &mut Gen) -> Self {
        let number = |g: &mut Gen| u32::arbitrary(g) >> (u32::arbitrary(g) % 32);
        let ms = |g: &mut Gen| Millis::new(u64::from(number(g)));
        let share = |g: &mut Gen| f64::from(u32::arbitrary(g) % 1_000_001) / 1e6;
        let some = |g: &mut Gen| bool::arbitrary(g);
        let screens = [Screen::Phone, Screen::Tablet, Screen::Desktop, Screen::Tv];
        Self(Summary {
            startup: some(g).then(|| ms(g)),
            played: ms(g),
            stalled: ms(g),
            paused: ms(g),
            sought: ms(g),
            background: ms(g),
            ads: ms(g),
            stalls: number(g),
            stall_longest: ms(g),
            stall_recent: ms(g),
            stall_ago: some(g).then(|| ms(g)),
            dropped_frames: number(g),
            errors: number(g),
            switches: number(g),
            change_kbps: number(g),
            change_log: f64::from(number(g)) / 1e6,
            bits_played: u64::from(number(g)),
            mean_kbps: Option::arbitrary(g),
            mean_log: some(g).then(|| f64::from(number(g)) / 1e6),
            top_rate: some(g).then(|| Kbps::new(number(g))),
            mean_buffer_ms: Option::arbitrary(g),
            mean_throughput_kbps: some(g).then(|| f64::from(number(g))),
            mean_latency_ms: some(g).then(|| f64::from(number(g))),
            mean_height: some(g).then(|| f64::from(number(g))),
            mean_frame_rate: some(g).then(|| f64::from(number(g))),
            mean_bits_per_pixel: some(g).then(|| f64::from(number(g))),
            pictures: some(g).then(|| Pictures {
                mean: share(g),
                recent: share(g),
                worst: share(g),
                falls: f64::from(number(g)) / 1e6,
            }),
            upscaling: some(g)
                .then(|| Upscaling { mean: f64::from(number(g)) / 1e6, max: f64::from(number(g)) / 1e6 }),
            began: some(g).then(|| Millis::new(u64::arbitrary(g))),
            position: Millis::new(u64::arbitrary(g)),
            position_max: Millis::new(u64::arbitrary(g)),
            duration: some(g).then(|| ms(g)),
            events: number(g),
            lost: number(g),
            repeated: number(g),
            ended: bool::arbitrary(g),
            failed: bool::arbitrary(g),
            screen: some(g).then(|| *g.choose(&screens).unwrap()),
        })
    }
}

/// Any picture.
#[derive(Clone, Debug)]
struct AnyFormat(Format);

impl Arbitrary for AnyFormat {
    fn arbitrary(g: &mut Gen) -> Self {
        let codecs = [Codec::Avc, Codec::Hevc, Codec::Vp9, Codec::Av1, Codec::Vvc, Codec::Other];
        let screens = [Screen::Phone, Screen::Tablet, Screen::Desktop, Screen::Tv];
        Self(Format {
            kbps: u32::arbitrary(g) >> (u32::arbitrary(g) % 32),
            width: u16::arbitrary(g) * u16::from(bool::arbitrary(g)),
            height: u16::arbitrary(g) >> (u32::arbitrary(g) % 16),
            frame_rate_milli: u32::arbitrary(g) % 120_001 * u32::from(bool::arbitrary(g)),
            codec: bool::arbitrary(g).then(|| *g.choose(&codecs).unwrap()),
            screen: bool::arbitrary(g).then(|| *g.choose(&screens).unwrap()),
        })
    }
}

/// The order of 64-bit patterns, so that what is not a number equals itself.
fn same(a: &Scores, b: &Scores) -> bool {
    let packed = |scores: &Scores| {
        let mut bytes = Vec::new();
        pack_scores(scores, &mut bytes);
        bytes
    };
    packed(a) == packed(b)
}

fn mos(seen: &Summary) -> f64 {
    mos_v1(&Figures::from(seen)).unwrap_or(0.0)
}

/// No score is better after than before; a verdict may not become good.
fn never_better(before: &Summary, after: &Summary) -> bool {
    let (before, after) = (score(before), score(after));
    let least = |value: Option<f64>| value.unwrap_or(f64::NEG_INFINITY);
    after.session_v1 <= before.session_v1
        && after.window_v1 <= before.window_v1
        && after.mux_style_v1 <= before.mux_style_v1
        && least(after.mos_v1) <= least(before.mos_v1)
        && least(after.qoe_lin_v1) <= least(before.qoe_lin_v1)
        && least(after.qoe_log_v1) <= least(before.qoe_log_v1)
        && (before.spi_style_v1 == Some(SpiVerdict::Good) || after.spi_style_v1 != Some(SpiVerdict::Good))
}

quickcheck! {
    fn every_score_is_within_its_range(seen: Seen) -> bool {
        let scores = score(&seen.0);
        let percent = |score: f64| (0.0..=100.0).contains(&score);
        percent(scores.session_v1)
            && percent(scores.window_v1)
            && percent(scores.mux_style_v1)
            && scores.mos_v1.is_none_or(|mos| (1.0..=5.0).contains(&mos))
            && scores.qoe_lin_v1.is_none_or(f64::is_finite)
            && scores.qoe_log_v1.is_none_or(f64::is_finite)
            && scores.mos_v1.is_some() == (seen.0.played > Millis::ZERO)
    }

    fn a_longer_startup_never_raises_a_score(seen: Seen, more_ms: u32) -> bool {
        let Some(startup) = seen.0.startup else { return true };
        let startup = Some(startup.saturating_add(Millis::new(u64::from(more_ms))));
        never_better(&seen.0, &Summary { startup, ..seen.0 })
    }

    fn more_stalling_never_raises_a_score(seen: Seen, stalls: u16, more_ms: u32) -> bool {
        let more = |length: Millis| length.saturating_add(Millis::new(u64::from(more_ms)));
        let after = Summary {
            stalls: seen.0.stalls.saturating_add(u32::from(stalls)),
            stalled: more(seen.0.stalled),
            stall_longest: more(seen.0.stall_longest),
            stall_recent: more(seen.0.stall_recent),
            ..seen.0
        };
        never_better(&seen.0, &after)
    }

    fn a_dropped_frame_never_raises_a_score(seen: Seen, frames: u32) -> bool {
        let dropped_frames = seen.0.dropped_frames.saturating_add(frames);
        never_better(&seen.0, &Summary { dropped_frames, ..seen.0 })
    }

    fn a_change_never_raises_a_score(seen: Seen, kbps: u32, log: u16, falls: u16) -> bool {
        let pictures = seen.0.pictures.map(|seen| Pictures { falls: seen.falls + f64::from(falls), ..seen });
        let change_kbps = seen.0.change_kbps.saturating_add(kbps);
        let change_log = seen.0.change_log + f64::from(log);
        never_better(&seen.0, &Summary { pictures, change_kbps, change_log, ..seen.0 })
    }

    fn a_failure_never_raises_a_score(seen: Seen) -> bool {
        never_better(&Summary { failed: false, ..seen.0 }, &Summary { failed: true, ..seen.0 })
    }

    fn better_pictures_never_lower_the_mos(seen: Seen, shares: (u16, u16, u16)) -> bool {
        let Some(pictures) = seen.0.pictures else { return true };
        let more = |share: f64, by: u16| (share + f64::from(by) / 65_535.0).min(1.0);
        let better = Pictures {
            mean: more(pictures.mean, shares.0),
            recent: more(pictures.recent, shares.1),
            worst: more(pictures.worst, shares.2),
            ..pictures
        };
        mos(&seen.0) <= mos(&Summary { pictures: Some(better), ..seen.0 })
    }

    fn more_shown_never_lowers_the_mos(seen: Seen, more_ms: u32) -> bool {
        let played = seen.0.played.saturating_add(Millis::new(u64::from(more_ms)));
        mos(&seen.0) <= mos(&Summary { played, ..seen.0 })
    }

    fn stretching_further_never_raises_the_mux_style(seen: Seen, by: u16) -> bool {
        let Some(seen_at) = seen.0.upscaling else { return true };
        let by = f64::from(by) / 1e3;
        let further = Upscaling { mean: seen_at.mean + by, max: seen_at.max + by };
        score(&Summary { upscaling: Some(further), ..seen.0 }).mux_style_v1 <= score(&seen.0).mux_style_v1
    }

    fn a_picture_of_more_bits_or_a_better_codec_is_no_worse(format: AnyFormat, more_kbps: u32) -> bool {
        let format = Format { kbps: format.0.kbps.max(1), ..format.0 };
        let more = Format { kbps: format.kbps.saturating_add(more_kbps), ..format };
        let newer = Format { codec: Some(Codec::Vvc), ..format };
        picture(&format) <= picture(&more) && picture(&format) <= picture(&newer)
    }

    fn a_smaller_screen_forgives_more(format: AnyFormat) -> bool {
        let on = |screen| picture(&Format { screen: Some(screen), ..format.0 });
        let stretched = |screen| upscaling(&Format { screen: Some(screen), ..format.0 });
        on(Screen::Phone) >= on(Screen::Tablet)
            && on(Screen::Tablet) >= on(Screen::Desktop)
            && on(Screen::Desktop) >= on(Screen::Tv)
            && stretched(Screen::Phone) <= stretched(Screen::Tv)
    }

    fn packed_figures_are_read_as_they_were_written(seen: Seen) -> bool {
        let figures = Figures::from(&seen.0);
        let mut bytes = Vec::new();
        pack_figures(&figures, &mut bytes);
        let mut again = Vec::new();
        pack_figures(&unpack_figures(&bytes).unwrap(), &mut again);
        bytes.len() == FIGURES_BYTES && bytes == again
    }

    fn a_packed_summary_is_read_as_it_was_written(seen: Seen) -> bool {
        let mut bytes = Vec::new();
        pack_summary(&seen.0, &mut bytes);
        let mut again = Vec::new();
        pack_summary(&unpack_summary(&bytes).unwrap(), &mut again);
        bytes.len() == SUMMARY_BYTES && bytes == again
    }

    fn scores_of_a_batch_are_those_of_each(all: Vec<Seen>) -> bool {
        let figures: Vec<Figures> = all.iter().map(|seen| Figures::from(&seen.0)).collect();
        let mut batch = VERSION.to_le_bytes().to_vec();
        figures.iter().for_each(|figures| pack_figures(figures, &mut batch));
        let scores = unpack_score_batch(&score_batch(&batch).unwrap()).unwrap();
        scores.len() == all.len()
            && scores.iter().zip(&figures).all(|(scores, figures)| same(scores, &score_figures(figures)))
            && scores.iter().zip(&all).all(|(scores, seen)| same(scores, &score(&seen.0)))
    }

    fn two_scores_alone_are_those_among_all(all: Vec<Seen>) -> bool {
        let mut batch = Wanted::SessionAndWindow.head().to_vec();
        all.iter().for_each(|seen| pack_figures(&Figures::from(&seen.0), &mut batch));
        let pairs = unpack_pair_batch(&score_batch(&batch).unwrap()).unwrap();
        let bits = |pair: [f64; 2]| pair.map(f64::to_bits);
        let scored = all.iter().map(|seen| score(&seen.0));
        pairs.len() == all.len()
            && pairs.iter().zip(scored).all(|(pair, all)| bits(*pair) == bits([all.session_v1, all.window_v1]))
    }

    fn any_record_is_read_or_refused(bytes: Vec<u8>, bits: u32) -> bool {
        let filled = |length: usize, mask: u32| {
            let mut record: Vec<u8> = bytes.iter().copied().cycle().take(length).collect();
            record.resize(length, 0);
            record[..4].copy_from_slice(&(bits & mask).to_le_bytes());
            record
        };
        let figures = filled(FIGURES_BYTES, 0x1ff);
        let figures_are_sound = unpack_figures(&figures).is_ok_and(|seen| {
            let scores = score_figures(&seen);
            scores.mos_v1.is_none_or(|mos| (1.0..=5.0).contains(&mos))
        });
        // These have no range to check; reading them must not panic.
        _ = unpack_summary(&filled(SUMMARY_BYTES, 0x3_ffff));
        _ = unpack_scores(&filled(SCORES_BYTES, 0x1f));
        _ = score_batch(&bytes);
        figures_are_sound || unpack_figures(&figures) == Err(PackedError::Record)
    }
}

#[test]
fn a_batch_that_does_not_add_up_is_refused() {
    let head = VERSION.to_le_bytes();
    assert_eq!(score_batch(&[]), Err(PackedError::Length(0)));
    assert_eq!(score_batch(&[9, 0, 0, 0]), Err(PackedError::Version(9)));
    assert_eq!(score_batch(&[&head[..], &[0; FIGURES_BYTES - 1]].concat()), Err(PackedError::Length(103)));
    assert_eq!(score_batch(&[&head[..], &[0xff; FIGURES_BYTES]].concat()), Err(PackedError::Record));
    assert_eq!(score_batch(&head).unwrap(), head);
    let pairs = Wanted::SessionAndWindow.head();
    assert_eq!((Wanted::All.head(), pairs), (head, [1, 0, 1, 0]));
    assert_eq!(score_batch(&[1, 0, 2, 0]), Err(PackedError::Version(0x2_0001)));
    assert_eq!(score_batch(&[1, 0, 1, 1]), Err(PackedError::Version(0x101_0001)));
    assert_eq!(score_batch(&[2, 0, 1, 0]), Err(PackedError::Version(0x1_0002)));
    assert_eq!(unpack_pair_batch(&head), Err(PackedError::Version(1)));
    assert_eq!(unpack_pair_batch(&[&pairs[..], &[0; 8]].concat()), Err(PackedError::Length(12)));
    let many = [&head[..], &vec![0; FIGURES_BYTES * 65_537]].concat();
    assert_eq!(score_batch(&many), Err(PackedError::TooMany(65_536)));
}

fn check_picture(kbps: u32, height: u16, from: f64, to: f64) {
    let quality = picture(&Format { kbps, height, ..Format::default() }).map(Share::get).unwrap();
    let quality = f64::from(quality) / 1e6;
    assert!((from..to).contains(&quality), "{kbps} kbit/s at {height} lines: {quality}");
}

/// Near what the usual full-reference measure says of such encodes, over 100.
#[test]
fn known_rungs_get_the_quality_they_are_known_for() {
    check_picture(235, 240, 0.18, 0.30);
    check_picture(560, 384, 0.40, 0.55);
    check_picture(1_050, 480, 0.55, 0.67);
    check_picture(3_000, 720, 0.77, 0.88);
    check_picture(4_300, 1_080, 0.87, 0.94);
    check_picture(7_000, 1_080, 0.92, 0.97);
    // As small as it gets at the rate of a large one: bits do not make up for lines.
    check_picture(7_000, 240, 0.2, 0.3);
    // As large as it gets at the rate of a small one: lines do not make up for bits.
    check_picture(235, 1_080, 0.05, 0.35);
}

#[test]
fn what_is_unknown_of_a_picture_is_assumed() {
    let of = |format: Format| picture(&format).map(Share::get);
    assert_eq!(of(Format::default()), None);
    let best = |kbps| {
        [180, 240, 360, 480, 720, 1_080, 2_160].map(|height| of(Format { kbps, height, ..Format::default() }))
    };
    for kbps in [100, 700, 2_000, 9_000] {
        assert_eq!(of(Format { kbps, ..Format::default() }), best(kbps).into_iter().max().unwrap());
    }
    assert_eq!(of(Format { height: 1_080, ..Format::default() }), Some(870_000));
}

/// Five seconds before a clip of ten left 81 to 86 % of its rating, by its bit rate (60 clips of the Waterloo Streaming QoE
/// Database I: Duanmu and others 2017); before a minute waiting is far milder (Hossfeld and others 2012).
#[test]
fn a_wait_costs_more_before_a_short_clip() {
    let left = |played_ms| {
        let of =
            |ms| mos_v1(&Figures { played_ms, startup_ms: Some(ms), ..Figures::default() }).unwrap() - 1.0;
        of(5_000) / of(0)
    };
    assert!((0.81..=0.86).contains(&left(10_000)), "{}", left(10_000));
    assert!(left(10_000) < left(30_000) && left(30_000) < left(60_000));
    assert!((0.91..=0.92).contains(&left(60_000)), "{}", left(60_000));
    assert_eq!([left(1), left(3_600_000)], [left(10_000), left(60_000)]);
}

#[test]
fn the_spi_style_names_the_first_threshold_missed() {
    let good =
        Figures { played_ms: 60_000, mean_kbps: Some(3_000.0), startup_ms: Some(900), ..Figures::default() };
    let check = |seen: Figures, verdict| assert_eq!(spi_style_v1(&seen, &SPI_SHIPPED), verdict, "{seen:?}");
    check(good, Some(SpiVerdict::Good));
    check(Figures { startup_ms: Some(5_000), ..good }, Some(SpiVerdict::Good));
    check(
        Figures { startup_ms: Some(5_001), failed: true, ended: true, ..good },
        Some(SpiVerdict::SlowStart),
    );
    check(Figures { failed: true, ended: true, stalled_ms: 9_000, ..good }, Some(SpiVerdict::Failed));
    check(Figures { stalled_ms: 606, ..good }, Some(SpiVerdict::Good));
    check(Figures { stalled_ms: 607, mean_kbps: Some(1.0), ..good }, Some(SpiVerdict::Stalled));
    check(Figures { mean_kbps: Some(1_199.0), ..good }, Some(SpiVerdict::LowQuality));
    check(Figures::default(), None);
    check(Figures { ended: true, ..Figures::default() }, Some(SpiVerdict::LeftBeforeStart));
    check(Figures { ended: true, failed: true, ..Figures::default() }, Some(SpiVerdict::FailedToStart));
}

/// The examples of the source's documentation.
#[test]
fn the_mux_style_agrees_with_the_published_examples() {
    let parts = |seen: Figures| qoe::mux_style_v1(&Figures { played_ms: 60_000, ..seen });
    // Success 100, smoothness 100, and the startup: 80 at two seconds, 50 at eight.
    assert_eq!(parts(Figures { startup_ms: Some(2_000), ..Figures::default() }), 280.0 / 3.0);
    assert_eq!(parts(Figures { startup_ms: Some(8_000), ..Figures::default() }), 250.0 / 3.0);
    // 50 % throughout: 85.
    let stretched = parts(Figures { upscaling_millionths: Some([500_000, 500_000]), ..Figures::default() });
    assert!((stretched * 3.0 - 200.0 - 85.0).abs() < 0.5, "{stretched}");
}

#[test]
fn names_of_codecs_and_devices_are_known() {
    let codecs = [("avc1.640028", Codec::Avc), ("hvc1.2.4.L120", Codec::Hevc), ("HEVC", Codec::Hevc)];
    let more = [
        ("vp09.00.10.08", Codec::Vp9),
        ("av01.0.05M", Codec::Av1),
        ("vvc1", Codec::Vvc),
        ("é", Codec::Other),
    ];
    for (name, codec) in codecs.into_iter().chain(more) {
        assert_eq!(Codec::named(name), codec, "{name}");
    }
    assert_eq!(Screen::of_device("TV"), Some(Screen::Tv));
    assert_eq!(Screen::of_device("fridge"), None);
}
