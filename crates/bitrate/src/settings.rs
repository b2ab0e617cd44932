//! research
/// Settings of the flagship.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Values by NAMES.
    pub v: [f64; 32],
}
#[allow(missing_docs)]
pub const NAMES: [&str; 32] = [
    "t0", "t1", "t2", "t3", "pr0", "pr1", "pr2", "pr3", "nu", "s0", "s1", "smax", "disp_half", "gain", "odd0", "odd1", "odd2",
    "odd3", "odd4", "horizon", "cell_s", "term", "levels", "stall_mul", "prior_disp", "term_b", "h", "prior_n", "bias", "gain0", "singles", "growth",
];
impl Settings {
    /// Default.
    pub const SHIPPED: Self = Self {
        v: [
            0.5, 4.0, 15.0, 60.0, 1.0, 1.0, 1.0, 1.0, 2.0, 0.1, 1.0, 1.0, 8.0, 0.6, 0.07, 0.24, 0.38, 0.24, 0.07, 16.0, 2.0, 0.3, 2.0, 1.0,
            0.3, 20.0, 1.0, 1.0, 0.0, 0.0, 6.0, 2.0,
        ],
    };
    /// By name.
    pub fn get(&self, name: &str) -> f64 {
        self.v[NAMES.iter().position(|n| *n == name).unwrap_or(0)]
    }
}
