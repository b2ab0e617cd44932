//! What windows are kept apart by.

/// What windows are kept apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Everything; its one value is the name of the dimension.
    All,
    /// What was played.
    Title,
    /// Where the viewer is.
    Region,
    /// Which node or CDN delivered.
    Cdn,
    /// Kind of device.
    Device,
    /// Generation of the release that served the session.
    Generation,
    /// Arm of a canary or an experiment.
    Arm,
}

impl Dimension {
    /// Every dimension, in the order windows are reported.
    pub const EVERY: [Self; 7] =
        [Self::All, Self::Title, Self::Region, Self::Cdn, Self::Device, Self::Generation, Self::Arm];

    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Title => "title",
            Self::Region => "region",
            Self::Cdn => "cdn",
            Self::Device => "device",
            Self::Generation => "generation",
            Self::Arm => "arm",
        }
    }

    /// The dimension of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::EVERY.into_iter().find(|dimension| dimension.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::Dimension;

    #[test]
    fn a_name_names_one_dimension() {
        for (place, dimension) in Dimension::EVERY.into_iter().enumerate() {
            assert_eq!(Dimension::from_name(dimension.name()), Some(dimension));
            assert_eq!(dimension as usize, place);
        }
        assert_eq!(Dimension::from_name("planet"), None);
    }
}
