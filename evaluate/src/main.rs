//! research main
mod error; mod files; mod limits; mod optimum; mod player; mod score; mod session; mod trace; mod video;
use rayon::prelude::*;
use bitrate::{Policy, Settings, NAMES};
use std::path::Path;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let video = video::read(Path::new(&args[2])).unwrap();
    let protocol = player::Protocol { buffer_max_ms: 60000.0, rtt_ms: 80.0 };
    let mut settings = Settings::SHIPPED;
    for kv in &args[4..] { if let Some((k,v)) = kv.split_once('=') { let i = NAMES.iter().position(|n| *n==k).unwrap_or_else(|| panic!("{k}")); settings.v[i]=v.parse().unwrap(); } }
    for folder in args[1].split(',') {
        let traces = trace::read_folder(Path::new(folder)).unwrap();
        let part = if args[3].contains("train") { 0 } else if args[3].contains("val") { 1 } else { 2 };
        let traces: Vec<_> = traces.into_iter().enumerate().filter(|(i,_)| part==2 || i%2==part).map(|x| x.1).collect();
        let run = |policy: Policy| { let t=std::time::Instant::now(); let f: Vec<score::Figures> = traces.par_iter().map(|t| score::of_session(&video, &session::play(&video, t, protocol, policy, &settings))).collect(); let m = score::mean(&f); println!("{:?} {:.4} log {:.3} stall% {:.3} kbps {:.0} sw {:.1} p5 {:.3} {:.2}s", policy, m.qoe_lin, m.qoe_log, m.stall_percent, m.kbps, m.switches, m.p5_qoe_lin, t.elapsed().as_secs_f64()); };
        println!("{folder} {}", traces.len());
        if args[3].contains("base") { for p in [Policy::Throughput, Policy::Bola, Policy::RobustMpc] { run(p) } }
        run(Policy::Flagship);
        if args[3].contains("opt") { for cell in [200.0,100.0,50.0] { let t=std::time::Instant::now(); let o: Vec<f64> = traces.par_iter().map(|t| optimum::qoe_lin(&video, t, protocol, cell)).collect(); println!("optimum {cell} {:.4} {:.1}s", o.iter().sum::<f64>()/o.len() as f64, t.elapsed().as_secs_f64()); } }
    }
}
