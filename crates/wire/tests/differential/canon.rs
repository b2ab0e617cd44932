//! What was read, in the one form that both sides are compared in.

use serde_json::{Map, Value, json};
use wire::cmcd::{Cmcd, CustomValue, Event, Key, Kind, ObjectType, State, StreamType, StreamingFormat};
use wire::cmsd::{Dynamic, Static};

/// Lists as `[value, type]`, tokens as strings (of custom keys as `{token}`), paths decoded.
pub(crate) fn of(report: &Cmcd<'_>) -> Value {
    let is_list = report.version() != 1;
    let mut canon = Map::new();
    for key in Key::ALL.iter().copied().filter(|key| report.has(*key)) {
        let value = match key.kind() {
            Kind::Integer { .. } => json!(report.integer(key)),
            Kind::Flag => json!(report.flag(key)),
            Kind::Decimal => number(i64::from(report.playback_rate_milli())),
            Kind::Text { .. } => json!(report.text(key)),
            Kind::Token => json!(token(report, key)),
            Kind::Numbers { .. } => {
                let pairs = report.numbers(key).iter();
                let pairs: Vec<_> = pairs.map(|n| json!([n.value, n.of.map(ObjectType::token)])).collect();
                if is_list { json!(pairs) } else { pairs[0][0].clone() }
            }
            Kind::Strings if key == Key::Ec => json!(report.errors()),
            Kind::Strings if is_list => {
                json!(report.next().iter().map(|next| json!([next.path, next.range])).collect::<Vec<_>>())
            }
            Kind::Strings => json!(report.next()[0].path),
        };
        canon.insert(key.name().to_owned(), value);
    }
    for custom in report.custom() {
        let value = match &custom.value {
            CustomValue::Text(text) => json!(text),
            CustomValue::Token(token) => json!({ "token": token }),
            CustomValue::Integer(number) => json!(number),
            CustomValue::Milli(milli) => number(*milli),
            CustomValue::Flag(flag) => json!(flag),
        };
        canon.insert(custom.name.clone().into_owned(), value);
    }
    Value::Object(canon)
}

fn token(report: &Cmcd<'_>, key: Key) -> Option<&'static str> {
    match key {
        Key::E => report.event().map(Event::token),
        Key::Sta => report.state().map(State::token),
        Key::Ot => report.object_type().map(ObjectType::token),
        Key::Sf => report.format().map(StreamingFormat::token),
        _ => report.stream().map(StreamType::token),
    }
}

/// Thousandths as JavaScript tells them: whole numbers without a point.
pub(crate) fn number(milli: i64) -> Value {
    if milli % 1_000 == 0 { json!(milli / 1_000) } else { json!(milli as f64 / 1_000.0) }
}

pub(crate) fn of_static(fixed: &Static) -> Value {
    let mut canon = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            canon.insert(name.to_owned(), value);
        }
    };
    put("at", json!(fixed.available_at_unix_ms));
    put("br", json!(fixed.kbps));
    put("d", json!(fixed.duration_ms));
    put("ht", json!(fixed.held_ms));
    put("n", json!(fixed.name));
    put("nor", json!(fixed.next));
    put("nrr", json!(fixed.next_range));
    put("ot", json!(fixed.object_type.map(ObjectType::token)));
    put("sf", json!(fixed.format.map(StreamingFormat::token)));
    put("st", json!(fixed.stream.map(StreamType::token)));
    put("su", json!(fixed.is_startup.then_some(true)));
    Value::Object(canon)
}

pub(crate) fn of_dynamic(dynamic: &Dynamic) -> Value {
    let hops = dynamic.hops.iter().map(|hop| {
        let mut canon = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                canon.insert(name.to_owned(), value);
            }
        };
        put("du", json!(hop.is_under_duress.then_some(true)));
        put("etp", json!(hop.throughput_kbps));
        put("mb", json!(hop.max_kbps));
        put("rd", json!(hop.response_delay_ms));
        put("rtt", json!(hop.rtt_ms));
        json!([hop.name, canon])
    });
    Value::Array(hops.collect())
}
