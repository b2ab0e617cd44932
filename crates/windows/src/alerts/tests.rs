//! Tests of the alerts, beside them for their length.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

use qoe::{AlertRule, Bound, Hysteresis, Metric, Reading, Severity};
use quickcheck::{Arbitrary, Gen, quickcheck};
use units::{Millis, UnixMillis};

use super::{Alerts, AlertsError, Change, State, Turn};
use crate::{Dimension, Totals, Window, limits};

fn rule(metric: Metric, bound: Bound, severity: Severity, hysteresis: Hysteresis) -> AlertRule {
    AlertRule::new(metric, bound, severity).unwrap().with(hysteresis).unwrap()
}

/// The seed's thresholds.
fn table(hysteresis: Hysteresis) -> Vec<AlertRule> {
    [
        (Metric::Qoe, Bound::Below(70.0), Severity::Warning),
        (Metric::RebufferRatio, Bound::Above(0.02), Severity::Critical),
        (Metric::StartupP95Ms, Bound::Above(3_000.0), Severity::Warning),
        (Metric::ErrorRate, Bound::Above(0.01), Severity::Critical),
        (Metric::ViewersDrop, Bound::Above(0.5), Severity::Critical),
    ]
    .map(|(metric, bound, severity)| rule(metric, bound, severity, hysteresis))
    .into()
}

fn alerts() -> Alerts {
    Alerts::new(table(Hysteresis::default())).unwrap()
}

/// A window of a title without a fault, the `number`th.
fn window(number: u64, sessions: u64) -> Window {
    let mut totals = Totals {
        sessions,
        played: Millis::new(sessions * 300_000),
        rate_sum: sessions * 300_000 * 6_000,
        rated: Millis::new(sessions * 300_000),
        buffer_sum: sessions * 20_000,
        buffers: sessions,
        ..Totals::default()
    };
    totals.startup.add(500);
    let start = UnixMillis::new(number * limits::WINDOW.get());
    Window { start, dimension: Dimension::Title, value: Box::from("heat"), totals }
}

fn stalling(number: u64, sessions: u64) -> Window {
    let mut window = window(number, sessions);
    // 6 % of the time: 40 of 100 points less, so that only the ratio is beyond its bound.
    window.totals.stalled = Millis::new(sessions * 18_000);
    window.totals.rate_sum *= 2;
    window
}

fn turns(changes: &[Change]) -> Vec<(Turn, Metric)> {
    changes.iter().map(|change| (change.turn, change.alert.metric)).collect()
}

fn end(number: u64) -> UnixMillis {
    UnixMillis::new((number + 1) * limits::WINDOW.get())
}

#[test]
fn players_that_tell_no_rates_and_no_buffers_raise_no_alert_about_them() {
    let silent = |number: u64| {
        let mut window = window(number, 100);
        (window.totals.rate_sum, window.totals.rated) = (0, Millis::ZERO);
        (window.totals.buffer_sum, window.totals.buffers) = (0, 0);
        window
    };
    assert!(silent(1).totals.figures().window_v1.unwrap() <= 70.0, "the seed's score takes them for 0");
    let mut alerts = alerts();
    assert!((1..10).all(|number| alerts.judge(&silent(number)).is_empty()));
}

#[test]
fn a_bad_window_raises_and_a_good_one_clears() {
    let mut alerts = alerts();
    assert_eq!(alerts.judge(&window(1, 20)), []);
    let raised = alerts.judge(&stalling(2, 20));
    assert_eq!(turns(&raised), [(Turn::Raised, Metric::Qoe), (Turn::Raised, Metric::RebufferRatio)]);
    assert_eq!((raised[1].at, raised[1].alert.since), (end(2), end(2)));
    assert!((raised[1].alert.reading - 18.0 / 318.0).abs() < 1e-12);
    // The worst first.
    let current: Vec<_> = alerts.current().iter().map(|alert| (alert.severity, alert.metric)).collect();
    assert_eq!(current, [(Severity::Critical, Metric::RebufferRatio), (Severity::Warning, Metric::Qoe)]);
    assert_eq!(alerts.judge(&stalling(3, 20)), []);
    let cleared = alerts.judge(&window(4, 20));
    assert_eq!(turns(&cleared), [(Turn::Cleared, Metric::Qoe), (Turn::Cleared, Metric::RebufferRatio)]);
    assert_eq!(cleared[1].alert.since, end(2));
    assert_eq!(alerts.current(), []);
}

#[test]
fn startup_and_errors_raise_theirs() {
    let mut alerts = alerts();
    let mut late = window(1, 200);
    late.totals.failed = 3;
    (0..100).for_each(|_| late.totals.startup.add(3_200));
    late.totals.rate_sum *= 2;
    let raised = turns(&alerts.judge(&late));
    assert!(raised.contains(&(Turn::Raised, Metric::StartupP95Ms)), "{raised:?}");
    assert!(raised.contains(&(Turn::Raised, Metric::ErrorRate)), "{raised:?}");
}

#[test]
fn losing_half_of_the_viewers_raises_an_alert() {
    let mut alerts = alerts();
    assert_eq!(alerts.judge(&window(1, 100)), []);
    assert_eq!(alerts.judge(&window(2, 50)), []); // Half is not more than half.
    let mut leaving = window(3, 50);
    leaving.totals.ended = 26;
    assert_eq!(turns(&alerts.judge(&leaving)), [(Turn::Raised, Metric::ViewersDrop)]);
    assert_eq!(turns(&alerts.judge(&window(4, 24))), [(Turn::Cleared, Metric::ViewersDrop)]);
    // A window between that is not known is no loss.
    assert_eq!(alerts.judge(&window(6, 1)), []);
}

#[test]
fn a_title_that_nobody_plays_any_more_has_lost_all_viewers_and_is_forgotten() {
    let mut alerts = alerts();
    assert_eq!(alerts.judge_closed(&[window(1, 100)], end(1)), []);
    let gone = alerts.judge_closed(&[], end(2));
    assert_eq!(turns(&gone), [(Turn::Raised, Metric::ViewersDrop)]);
    assert_eq!((gone[0].at, gone[0].alert.reading), (end(2), 1.0));
    for number in 3..=12 {
        assert_eq!(alerts.judge_closed(&[], end(number)), []);
    }
    assert_eq!(alerts.len(), 1);
    assert_eq!(turns(&alerts.judge_closed(&[], end(13))), [(Turn::Cleared, Metric::ViewersDrop)]);
    assert!(alerts.is_empty());
    assert_eq!(alerts.current(), []);
}

#[test]
fn windows_closed_together_are_judged_one_after_the_other() {
    let mut one = alerts();
    let windows = [window(1, 100), stalling(2, 100), window(4, 10)];
    let together = one.judge_closed(&windows, end(4));
    let mut other = alerts();
    let mut apart = other.judge_closed(&windows[..1], end(1));
    apart.extend(other.judge_closed(&windows[1..2], end(2)));
    apart.extend(other.judge_closed(&[], end(3)));
    apart.extend(other.judge_closed(&windows[2..], end(4)));
    assert_eq!(together, apart);
    assert_eq!(turns(&apart)[2], (Turn::Raised, Metric::ViewersDrop));
}

#[test]
fn too_few_sessions_raise_nothing() {
    let few = Hysteresis { sessions_min: 10, ..Hysteresis::default() };
    let mut alerts = Alerts::new(table(few)).unwrap();
    assert_eq!(alerts.judge(&stalling(1, 9)), []);
    assert_eq!(turns(&alerts.judge(&stalling(2, 10))).len(), 2);
    // Nor do they clear anything.
    assert_eq!(alerts.judge(&window(3, 9)), []);
    assert_eq!(alerts.current().len(), 2);
}

#[test]
fn the_same_window_twice_is_judged_once() {
    let twice = Hysteresis { raise_after: 2, ..Hysteresis::default() };
    let mut alerts = Alerts::new(table(twice)).unwrap();
    assert_eq!(alerts.judge(&stalling(1, 20)), []);
    assert_eq!(alerts.judge(&stalling(1, 20)), []);
    assert_eq!(alerts.judge(&stalling(0, 20)), []);
    assert_eq!(alerts.judge(&stalling(2, 20)).len(), 2);
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut alerts = alerts();
    let of = |value: usize, number| Window { value: format!("title-{value}").into(), ..stalling(number, 20) };
    for value in 0..limits::WATCHED_MAX + 5 {
        alerts.judge(&of(value, 1));
    }
    assert_eq!((alerts.len(), alerts.untracked()), (limits::WATCHED_MAX, 5));
    alerts.advance(end(1 + limits::ABSENT_MAX));
    assert!(alerts.is_empty());
    assert_eq!(alerts.judge(&of(limits::WATCHED_MAX + 1, 20)).len(), 2);
    let many = table(Hysteresis::default()).into_iter().cycle().take(limits::ALERT_RULES_MAX + 1).collect();
    assert_eq!(Alerts::new(many).unwrap_err(), AlertsError::TooManyRules { rules: 33 });
}

/// A reading of a figure with the bound 70 that clears at 75.
#[derive(Clone, Copy, Debug)]
struct Read(Reading);

impl Arbitrary for Read {
    fn arbitrary(g: &mut Gen) -> Self {
        Self(match u8::arbitrary(g) % 4 {
            0 => Reading::Unknown,
            1 => Reading::Bad(69.0),
            2 => Reading::Between(72.0),
            _ => Reading::Good(80.0),
        })
    }
}

fn turned(readings: &[Read], raise_after: u8, clear_after: u8) -> Vec<Option<Turn>> {
    let hysteresis = Hysteresis { clear: Some(75.0), raise_after, clear_after, sessions_min: 0 };
    let rule = rule(Metric::Qoe, Bound::Below(70.0), Severity::Warning, hysteresis);
    let mut state = State::default();
    let turn = |read: &Read| state.step(&rule, read.0, UnixMillis::default()).map(|(turn, _, _)| turn);
    readings.iter().map(turn).collect()
}

/// The last `count` known readings up to `index` are there and all pass.
fn ran(readings: &[Read], index: usize, count: u8, passes: fn(Reading) -> bool) -> bool {
    let known = readings[..=index].iter().rev().filter(|read| read.0 != Reading::Unknown);
    let run: Vec<bool> = known.take(usize::from(count)).map(|read| passes(read.0)).collect();
    run.len() == usize::from(count) && run.into_iter().all(|passed| passed)
}

quickcheck! {
    fn an_alert_turns_only_after_its_windows_in_a_row(readings: Vec<Read>, raise: u8, clear: u8) -> bool {
        let (raise, clear) = (raise % 4 + 1, clear % 4 + 1);
        let turns = turned(&readings, raise, clear);
        turns.iter().enumerate().all(|(index, turn)| match turn {
            None => true,
            Some(Turn::Raised) => ran(&readings, index, raise, |read| matches!(read, Reading::Bad(_))),
            Some(Turn::Cleared) => ran(&readings, index, clear, |read| matches!(read, Reading::Good(_))),
        })
    }

    fn within_the_band_nothing_turns(readings: Vec<Read>, band: Vec<bool>) -> bool {
        let between = |known| Read(if known { Reading::Between(72.0) } else { Reading::Unknown });
        let all: Vec<Read> = readings.iter().copied().chain(band.into_iter().map(between)).collect();
        turned(&all, 1, 1)[readings.len()..].iter().all(Option::is_none)
    }

    fn turns_alternate(readings: Vec<Read>, raise: u8, clear: u8) -> bool {
        let turns: Vec<Turn> = turned(&readings, raise % 3 + 1, clear % 3 + 1).into_iter().flatten().collect();
        turns.iter().enumerate().all(|(index, turn)| (*turn == Turn::Raised) == (index % 2 == 0))
    }

    fn unknown_figures_change_nothing(readings: Vec<Read>, raise: u8, clear: u8) -> bool {
        let (raise, clear) = (raise % 3 + 1, clear % 3 + 1);
        let known: Vec<Read> = readings.iter().copied().filter(|read| read.0 != Reading::Unknown).collect();
        let turns = |readings: &[Read]| turned(readings, raise, clear).into_iter().flatten().collect::<Vec<_>>();
        turns(&readings) == turns(&known)
    }
}
