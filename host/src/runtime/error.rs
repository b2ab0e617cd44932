//! Why a release was not prepared, and why an invocation gave no answer.

use super::{bitrate, inference, qoe, ranking};

/// Why the runtime could not start.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// A setting is outside its range.
    #[error("{name} must be {expected}")]
    SettingOutOfRange {
        /// The setting.
        name: &'static str,
        /// Its range.
        expected: &'static str,
    },
    /// wasmtime refused this machine or these settings.
    #[error("the engine does not start: {0}")]
    Engine(#[source] wasmtime::Error),
    /// The cache folder could not be made private, or its key not be read.
    #[error("the cache folder is not usable: {0}")]
    Cache(#[from] std::io::Error),
}

impl RuntimeError {
    /// A stable name for logs and exit messages.
    pub fn code(&self) -> &'static str {
        match self {
            Self::SettingOutOfRange { .. } => "setting-out-of-range",
            Self::Engine(_) => "engine",
            Self::Cache(_) => "cache-folder",
        }
    }
}

/// Why a release's files were refused; nothing of the release is used then.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// There is no region to answer for.
    #[error("the release has no region")]
    NoRegion,
    /// Two candidate sets claim one region.
    #[error("the region {0} has two candidate sets")]
    RegionTwice(String),
    /// A component is over the limit.
    #[error("{component} has {bytes} bytes, more than {bytes_max}")]
    TooLarge {
        /// Which component.
        component: Part,
        /// What it has.
        bytes: usize,
        /// What is allowed.
        bytes_max: usize,
    },
    /// Not a component, or one that the engine or the snapshot refuses.
    #[error("{component} is not a usable component: {source}")]
    Malformed {
        /// Which component.
        component: Part,
        /// What the engine said.
        source: wasmtime::Error,
    },
    /// A component asks for an authority that the host does not give.
    #[error("{component} imports {import}")]
    ImportRefused {
        /// Which component.
        component: Part,
        /// What it asked for.
        import: String,
    },
    /// A component lacks an export of its world, or has it with another type.
    #[error("{component} does not fit its world: {source}")]
    WrongWorld {
        /// Which component.
        component: Part,
        /// What the engine said.
        source: wasmtime::Error,
    },
    /// A component failed while it took its files.
    #[error("{component} failed while it loaded: {source}")]
    LoadFailed {
        /// Which component.
        component: Part,
        /// How.
        source: InvokeError,
    },
    /// The candidate set, the factor model or the rules were refused by the ranking component.
    #[error("the ranking files of {region} were refused: {source:?}")]
    RankingRefused {
        /// Whose candidate set it was.
        region: String,
        /// What the component said.
        source: ranking::LoadError,
    },
    /// An ONNX model was refused by the inference component.
    #[error("a model was refused: {0:?}")]
    ModelsRefused(inference::LoadError),
    /// The host cannot read the candidate set whose answers it has to check.
    #[error("the candidate set of {region} is malformed: {reason}")]
    CandidatesMalformed {
        /// Whose candidate set it was.
        region: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The compiled form could not be written to or read from the cache folder.
    #[error("the compiled form could not be kept: {0}")]
    Cache(#[from] std::io::Error),
}

impl PrepareError {
    /// A stable name for logs, metrics and exit messages.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRegion => "no-region",
            Self::RegionTwice(_) => "region-twice",
            Self::TooLarge { .. } => "component-too-large",
            Self::Malformed { .. } => "component-malformed",
            Self::ImportRefused { .. } => "import-refused",
            Self::WrongWorld { .. } => "wrong-world",
            Self::LoadFailed { source, .. } => source.code(),
            Self::RankingRefused { source, .. } => match source {
                ranking::LoadError::CandidatesMalformed(_) => "candidates-malformed",
                ranking::LoadError::FactorsMalformed(_) => "factors-malformed",
                ranking::LoadError::RuleOutOfRange(_) => "rule-out-of-range",
            },
            Self::ModelsRefused(source) => match source {
                inference::LoadError::TooLarge(_) => "ranker-too-large",
                inference::LoadError::Malformed(_) => "ranker-malformed",
                inference::LoadError::Signature(_) => "ranker-signature",
                inference::LoadError::Tower(_) => "tower-malformed",
            },
            Self::CandidatesMalformed { .. } => "candidates-malformed",
            Self::Cache(_) => "cache-folder",
        }
    }
}

/// A component of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Orders candidates.
    Ranking,
    /// Runs the ranker.
    Inference,
    /// Decides bit rates.
    Bitrate,
    /// Folds and scores sessions.
    Qoe,
}

impl Part {
    /// Its name in a manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ranking => "ranking",
            Self::Inference => "inference",
            Self::Bitrate => "bitrate",
            Self::Qoe => "qoe",
        }
    }
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the {} component", self.name())
    }
}

/// Why an invocation gave no answer. Its instance is gone; the next one is not disturbed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum InvokeError {
    /// The generation has no candidate set for this region.
    #[error("no candidates for this region")]
    UnknownRegion,
    /// All instances of the pool are in use: come back later.
    #[error("no instance is free")]
    Overloaded,
    /// It ran longer than it may.
    #[error("the deadline passed")]
    Deadline,
    /// It asked for more memory than it may have; carries the limit in bytes.
    #[error("more than {0} bytes of memory were asked for")]
    OutOfMemory(usize),
    /// It stopped with a trap; carries what the engine said.
    #[error("trap: {0}")]
    Trap(String),
    /// It answered what cannot be true.
    #[error("nonsense: {0}")]
    Nonsense(Nonsense),
    /// The ranking component refused the question.
    #[error("refused: {0:?}")]
    Ranking(ranking::Error),
    /// The inference component refused the features.
    #[error("refused: {0:?}")]
    Inference(inference::Error),
    /// The bitrate component refused the input.
    #[error("refused: {0:?}")]
    Bitrate(bitrate::Error),
    /// The qoe component refused the state or the events.
    #[error("refused: {0:?}")]
    Qoe(qoe::Error),
}

impl InvokeError {
    /// A stable name for answers, logs and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownRegion => "region-unknown",
            Self::Overloaded => "overloaded",
            Self::Deadline => "deadline",
            Self::OutOfMemory(_) => "out-of-memory",
            Self::Trap(_) => "trap",
            Self::Nonsense(_) => "nonsense-answer",
            Self::Ranking(error) => ranking_code(error),
            Self::Inference(error) => inference_code(error),
            Self::Bitrate(error) => bitrate_code(error),
            Self::Qoe(error) => match error {
                qoe::Error::StateMalformed => "state-malformed",
                qoe::Error::TooManyEvents(_) => "too-many-events",
                qoe::Error::PackedVersion(_) => "packed-version",
                qoe::Error::PackedLength(_) => "packed-length",
                qoe::Error::PackedTooMany(_) => "packed-too-many",
                qoe::Error::PackedRecord => "packed-record",
            },
        }
    }

    /// Whether the caller's input was the reason, rather than the component or the node.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::UnknownRegion | Self::Bitrate(_) | Self::Qoe(_) => true,
            Self::Ranking(error) => {
                !matches!(error, ranking::Error::NotLoaded | ranking::Error::Inference(_))
            }
            Self::Inference(error) => !matches!(
                error,
                inference::Error::NotLoaded | inference::Error::NotFinite(_) | inference::Error::Failed(_)
            ),
            Self::Overloaded | Self::Deadline | Self::OutOfMemory(_) | Self::Trap(_) | Self::Nonsense(_) => {
                false
            }
        }
    }
}

fn ranking_code(error: &ranking::Error) -> &'static str {
    match error {
        ranking::Error::NotLoaded => "not-loaded",
        ranking::Error::KOutOfRange(_) => "k-out-of-range",
        ranking::Error::HistoryTooLong(_) => "history-too-long",
        ranking::Error::TooManyPairs(_) => "too-many-pairs",
        ranking::Error::PairsUneven(_) => "pairs-uneven",
        ranking::Error::NoFactors => "no-factors",
        ranking::Error::Vector(_) => "vector",
        ranking::Error::InProgressTooLong(_) => "in-progress-too-long",
        ranking::Error::ShareOutOfRange(_) => "share-out-of-range",
        ranking::Error::Inference(_) => "ranker-failed",
    }
}

fn inference_code(error: &inference::Error) -> &'static str {
    match error {
        inference::Error::NotLoaded => "not-loaded",
        inference::Error::Viewer(_) => "viewer-refused",
        inference::Error::Ragged(_) => "features-ragged",
        inference::Error::TooManyRows(_) => "too-many-rows",
        inference::Error::NotFinite(_) => "logit-not-finite",
        inference::Error::Failed(_) => "ranker-failed",
        inference::Error::UnknownItem(_) => "item-unknown",
        inference::Error::NoItems => "no-items",
        inference::Error::State => "state-malformed",
    }
}

fn bitrate_code(error: &bitrate::Error) -> &'static str {
    match error {
        bitrate::Error::LadderEmpty => "ladder-empty",
        bitrate::Error::LadderTooLong(_) => "ladder-too-long",
        bitrate::Error::LadderNotRising(_) => "ladder-not-rising",
        bitrate::Error::RungZero(_) => "rung-zero",
        bitrate::Error::RuleNotRising(_) => "rule-not-rising",
        bitrate::Error::TooMany(_) => "too-many",
        bitrate::Error::BufferTooSmall => "buffer-too-small",
        bitrate::Error::SizesIncomplete => "sizes-incomplete",
        bitrate::Error::SizeZero(_) => "size-zero",
        bitrate::Error::WeightOutOfRange => "weight-out-of-range",
        bitrate::Error::PackedVersion(_) => "packed-version",
        bitrate::Error::PackedCut(_) => "packed-cut",
        bitrate::Error::PackedTooMany(_) => "packed-too-many",
    }
}

/// What was wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Nonsense {
    /// More, or other than, what was asked for.
    #[error("the answer has {got} entries, {allowed} are possible")]
    Length {
        /// What came.
        got: usize,
        /// What may come.
        allowed: usize,
    },
    /// Entry `index` is not below the one before it.
    #[error("entry {index} is out of order")]
    Unsorted {
        /// Where.
        index: usize,
    },
    /// A title is there twice.
    #[error("title {title} is there twice")]
    Duplicate {
        /// Which.
        title: u32,
    },
    /// A title that the region's candidate set does not have.
    #[error("title {title} is not in the candidate set")]
    UnknownTitle {
        /// Which.
        title: u32,
    },
    /// A title that was watched or excluded.
    #[error("title {title} was watched or excluded")]
    Excluded {
        /// Which.
        title: u32,
    },
    /// A title to continue that nobody has begun.
    #[error("title {title} is continued and was not in progress")]
    NotBegun {
        /// Which.
        title: u32,
    },
    /// A number is not finite, or outside its range.
    #[error("number {index} is not finite or outside its range")]
    Number {
        /// Its place in the answer.
        index: usize,
    },
    /// A rung that the ladder does not have.
    #[error("rung {rung} is outside the ladder")]
    Rung {
        /// Which.
        rung: u32,
    },
    /// A saved state over the limit; carries its length in bytes.
    #[error("the state has {0} bytes")]
    StateTooLarge(usize),
}
