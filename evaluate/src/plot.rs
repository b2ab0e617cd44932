//! A session as a picture: what the link brought, what was chosen, how full the buffer was.

use std::fmt::Write;

use crate::score::Played;
use crate::trace::Trace;
use crate::video::Video;

const WIDTH: f64 = 960.0;
const PANEL: f64 = 220.0;
const MARGIN: f64 = 56.0;
const COLOURS: [&str; 8] =
    ["#0b6e4f", "#c8553d", "#2d3a8c", "#b58900", "#7b2d8b", "#1b98a8", "#6b705c", "#d6336c"];

/// Draws the sessions of several policies over one trace as an SVG document.
pub(crate) fn svg(video: &Video, trace: &Trace, sessions: &[(String, Vec<Played>)]) -> String {
    let lines: Vec<_> = sessions.iter().map(|(name, played)| (name, timeline(video, played))).collect();
    let end_s = lines.iter().flat_map(|(_, line)| line.last()).map(|at| at.start_s).fold(1.0, f64::max);
    let level_s = lines.iter().flat_map(|(_, line)| line).map(|at| at.level_s).fold(1.0, f64::max);
    let link = link(trace, end_s);
    let top_mbps = video.mbps(video.rungs() - 1);
    // A link far faster than the ladder would press the rungs flat.
    let mbps_max = link.iter().map(|(_, mbps)| *mbps).fold(top_mbps, f64::max).min(2.0 * top_mbps);

    let height = 2.0 * PANEL + 3.0 * MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\"><title>{}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        WIDTH + 2.0 * MARGIN,
        escaped(&trace.name)
    );
    let rates = Panel { top: MARGIN, end_s, max: mbps_max };
    let levels = Panel { top: 2.0 * MARGIN + PANEL, end_s, max: level_s };
    rates.frame(&mut out, "Mbit/s");
    levels.frame(&mut out, "buffer, s");
    rates.steps(&mut out, "#bbb", &link);
    for (index, (name, line)) in lines.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        rates.steps(&mut out, colour, &line.iter().map(|at| (at.start_s, at.mbps)).collect::<Vec<_>>());
        levels.steps(&mut out, colour, &line.iter().map(|at| (at.start_s, at.level_s)).collect::<Vec<_>>());
        let x = MARGIN + 130.0 * index as f64;
        let _ = writeln!(out, "<text x=\"{x}\" y=\"24\" fill=\"{colour}\">{}</text>", escaped(name));
    }
    out.push_str("</svg>\n");
    out
}

/// A chunk at the time its request went out.
struct At {
    start_s: f64,
    mbps: f64,
    level_s: f64,
}

fn timeline(video: &Video, played: &[Played]) -> Vec<At> {
    let chunk_s = f64::from(video.chunk_ms) / 1e3;
    let (mut start_s, mut level_s) = (0.0, 0.0);
    let mut line = Vec::new();
    for Played { rung, fetched } in played {
        line.push(At { start_s, mbps: video.mbps(*rung), level_s });
        let filled_s = (level_s - fetched.took_ms / 1e3).max(0.0) + chunk_s;
        let waited_s = filled_s - fetched.level_ms / 1e3;
        start_s += fetched.took_ms / 1e3 + waited_s;
        level_s = fetched.level_ms / 1e3;
    }
    line
}

/// The trace up to `end_s`, as often as it repeats.
fn link(trace: &Trace, end_s: f64) -> Vec<(f64, f64)> {
    let mut at_s = 0.0;
    let mut steps = Vec::new();
    for segment in trace.segments().iter().cycle() {
        if at_s > end_s {
            break;
        }
        steps.push((at_s, segment.mbps));
        at_s += segment.seconds;
    }
    steps
}

struct Panel {
    top: f64,
    end_s: f64,
    max: f64,
}

impl Panel {
    fn frame(&self, out: &mut String, label: &str) {
        let _ = writeln!(
            out,
            "<rect x=\"{MARGIN}\" y=\"{}\" width=\"{WIDTH}\" height=\"{PANEL}\" fill=\"none\" stroke=\"#444\"/>\n\
             <text x=\"{MARGIN}\" y=\"{}\">{label}, up to {:.1}; time up to {:.0} s</text>",
            self.top,
            self.top - 6.0,
            self.max,
            self.end_s
        );
    }

    fn steps(&self, out: &mut String, colour: &str, steps: &[(f64, f64)]) {
        let mut path = String::new();
        for (at_s, value) in steps {
            let x = MARGIN + WIDTH * at_s / self.end_s;
            let y = self.top + PANEL * (1.0 - value.min(self.max) / self.max);
            let _ =
                if path.is_empty() { write!(path, "M{x:.1} {y:.1}") } else { write!(path, "H{x:.1}V{y:.1}") };
        }
        let _ = writeln!(out, "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>");
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
