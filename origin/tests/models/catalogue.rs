//! A small catalogue with habits in it, and the models trained on it.

use std::collections::BTreeMap;

use frontrow_origin::assemble::{Catalogue, ComponentFiles, Identity, Slates};
use frontrow_origin::database::{LicenceWindow, Title, WatchEvent};
use frontrow_origin::models::Models;
use frontrow_origin::train::Options;
use frontrow_origin::train::tower::{self, Learner, Shape};
use kernels::ByteMatrix;
use ranking::{Candidates, Columns, Vectors};
use release::BlendEntry;

/// Titles have even numbers from 100 on.
pub(crate) const TITLES: u32 = 60;

/// The title that is never shown in `us`.
pub(crate) const BLOCKED_IN_US: u32 = 100;

/// Everybody watched by this time, Unix seconds.
pub(crate) const NOW_S: u64 = 1_700_000_000;

pub(crate) fn title(place: u32) -> u32 {
    100 + 2 * (place % TITLES)
}

/// Two regions; viewers walk a ring of titles, every tenth step is a jump.
pub(crate) fn catalogue() -> Catalogue {
    let titles = (0..TITLES).map(|place| Title {
        id: title(place),
        name: format!("Title of place {place}"),
        year: (place % 7 > 0).then_some(1_950 + place as u16),
        maturity: if place % 10 == 3 { 18 } else { 0 },
        genres: vec![["Drama", "Comedy", "News, live"][place as usize % 3].to_owned()],
    });
    let blocked = BTreeMap::from([(BLOCKED_IN_US, LicenceWindow::NEVER)]);
    let regions = [("eu".to_owned(), BTreeMap::new()), ("us".to_owned(), blocked)];
    let region = |viewer: u32| if viewer.is_multiple_of(3) { "us" } else { "eu" };
    let mut events: Vec<WatchEvent> = (0..120)
        .flat_map(|viewer: u32| {
            (0..10 + viewer % 5).map(move |step| WatchEvent {
                at_unix_s: NOW_S - 86_400 * u64::from(40 - step) + u64::from(viewer),
                viewer,
                title: title(viewer * 11 + step + step / 10 * 3),
            })
        })
        .collect();
    events.sort_unstable();
    Catalogue {
        titles: titles.collect(),
        regions: BTreeMap::from(regions),
        viewer_regions: (0..120).map(|viewer| (viewer, region(viewer).to_owned())).collect(),
        events,
        slates: Slates::default(),
    }
}

pub(crate) fn models(catalogue: &Catalogue) -> Models {
    Models::fit(catalogue, &[], &Options::default(), None).unwrap()
}

/// The same with a tower that has learned little, whatever it is worth.
pub(crate) fn models_with_tower(catalogue: &Catalogue) -> Models {
    let models = models(catalogue);
    let shape = Shape { width: 8, heads: 2, hidden: 8, ..Shape::standard(models.everywhere.len()) };
    let tower = Learner::new(shape, tower::Settings::default(), [&[0_u32, 1][..]].into_iter()).tower();
    let vectors = Vectors {
        matrix: ByteMatrix::quantise(8, tower.item_vectors()).unwrap(),
        items: (0..).take(models.everywhere.len()).collect(),
    };
    let columns = Columns { vectors: Some(vectors), ..models.everywhere.columns().clone() };
    let mut training = models.training.clone();
    training.rules.blend = Some(BlendEntry { weight: 0.6, floor: 0.01 });
    training.rules.ranker_pool = 0;
    Models {
        everywhere: Candidates::new(columns).unwrap(),
        ranker: None,
        tower: Some(tower.to_onnx()),
        training,
        ..models
    }
}

/// Begin like components; nothing here runs them.
pub(crate) fn components() -> ComponentFiles {
    let names = ["ranking.wasm", "inference.wasm", "bitrate.wasm", "qoe.wasm"];
    let file = |name: &str| (name.to_owned(), [b"\0asm\x0d\0\x01\0", name.as_bytes()].concat());
    ComponentFiles { files: names.map(file).into() }
}

pub(crate) fn identity(generation: u64) -> Identity {
    Identity {
        generation,
        parent: generation.checked_sub(1).filter(|&parent| parent > 0),
        created_unix_s: NOW_S,
    }
}
