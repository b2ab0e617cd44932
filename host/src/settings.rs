//! What a running node takes from its configuration, replaced as a whole by a reload.

use std::path::Path;
use std::time::Duration;

use wire::steering::SteeringFile;
use wire::{LadderFile, Refusal, RulesFile};

use crate::config::{CmsdKeys, Config, ConfigError, parse_toml, read_text};
use crate::limits;

/// The settings that a reload can change, ready to use.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The region of requests that name none.
    pub region: String,
    /// The renditions offered to a player that names none; kbps strictly rising.
    pub ladder: LadderFile,
    /// The tables of network speed to picture height.
    pub rules: RulesFile,
    /// Pages of other hosts that may ask.
    pub cors_origins: Vec<String>,
    /// Which delivery networks players are steered to; none without a table.
    pub steering: Option<SteeringFile>,
    /// What answers about bit rates say in `CMSD-Dynamic`.
    pub cmsd: CmsdKeys,
    /// Pause between two looks at the origin.
    pub poll: Duration,
    /// Without a good look for so long the answers are marked stale.
    pub stale_after: Duration,
    /// Wait for a free invocation.
    pub queue: Duration,
    /// Time for a request's body.
    pub body: Duration,
    /// Time for what is in flight at the end.
    pub drain: Duration,
    /// Life of a kept answer.
    pub answer_ttl: Duration,
    /// A session without events for so long is closed.
    pub session_idle: Duration,
    /// Decisions logged a second.
    pub decisions_per_s: u64,
}

impl Settings {
    /// Reads the ladder and the rules that the configuration names, and checks them.
    pub fn build(config: &Config) -> Result<Self, ConfigError> {
        let ladder: LadderFile = parse_toml(&read_text(&config.ladder)?, &config.ladder)?;
        check_ladder(&ladder, &config.ladder)?;
        let rules: RulesFile = parse_toml(&read_text(&config.rules)?, &config.rules)?;
        check_rules(&rules, &config.rules)?;
        let steering = config.steering.as_deref().map(steering).transpose()?;
        Ok(Self {
            steering,
            region: config.region.clone(),
            ladder,
            rules,
            cors_origins: config.public.cors_origins.clone(),
            cmsd: config.public.cmsd,
            poll: Duration::from_secs(config.origin.poll_s),
            stale_after: Duration::from_secs(config.origin.stale_after_s),
            queue: Duration::from_millis(config.limits.queue_ms),
            body: Duration::from_millis(config.limits.body_ms),
            drain: Duration::from_millis(config.limits.drain_ms),
            answer_ttl: Duration::from_secs(config.limits.answer_ttl_s),
            session_idle: Duration::from_secs(config.limits.session_idle_s),
            decisions_per_s: config.limits.decisions_per_s,
        })
    }

    /// Whether a page of this origin may ask from a browser.
    pub fn allows_page(&self, origin: &[u8]) -> bool {
        self.cors_origins.iter().any(|allowed| allowed == "*" || allowed.as_bytes() == origin)
    }
}

fn steering(path: &Path) -> Result<SteeringFile, ConfigError> {
    let file: SteeringFile = parse_toml(&read_text(path)?, path)?;
    let refuse =
        |error: Refusal| ConfigError::NotRising { path: path.to_path_buf(), message: error.to_string() };
    file.validate().map_err(refuse)?;
    Ok(file)
}

fn check_ladder(ladder: &LadderFile, path: &Path) -> Result<(), ConfigError> {
    let refuse = |message: String| Err(ConfigError::NotRising { path: path.to_path_buf(), message });
    let rungs = &ladder.rungs;
    if rungs.is_empty() || rungs.len() > rungs_max() {
        return refuse(format!("a ladder has 1 to {} rungs, not {}", rungs_max(), rungs.len()));
    }
    if let Some(rung) = rungs.iter().find(|rung| rung.kbps == 0 || rung.height == 0) {
        return refuse(format!("rung {:?} has no bit rate or height", rung.id));
    }
    match rungs.windows(2).find(|pair| pair[0].kbps >= pair[1].kbps) {
        Some(pair) => refuse(format!("rung {:?} is not above the one below it", pair[1].id)),
        None => Ok(()),
    }
}

fn rungs_max() -> usize {
    wire::limits::RUNGS_MAX
}

fn check_rules(rules: &RulesFile, path: &Path) -> Result<(), ConfigError> {
    let refuse = |message: String| Err(ConfigError::NotRising { path: path.to_path_buf(), message });
    let tables = rules.regions.iter().map(|(name, table)| (name.as_str(), table));
    for (name, table) in tables.chain([("default", &rules.default)]) {
        if table.len() > limits::RULES_MAX {
            return refuse(format!("{name} has more than {} lines", limits::RULES_MAX));
        }
        if table.iter().any(|rule| !rule.mbps_min.is_finite() || rule.mbps_min < 0.0 || rule.height == 0) {
            return refuse(format!("{name} has a speed that is negative or endless, or no height"));
        }
        if table.windows(2).any(|pair| pair[0].mbps_min >= pair[1].mbps_min) {
            return refuse(format!("the speeds of {name} do not rise"));
        }
    }
    Ok(())
}
