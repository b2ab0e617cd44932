//! Where instances write, as the kernel sees it: huge pages are of use only under what nobody writes to.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::process::Command;

use ::inference::Shortlist;
use ranking::{Candidates, Columns};
use release::CandidateFile;

use crate::large_models::{FEATURES, large_ranker, large_tower};
use crate::shipped::{region, runtime, try_prepare_models};
use crate::tower::{candidates, request};

const PAGE_BYTES: u64 = 4 << 10;
const HUGE_PAGE_BYTES: u64 = 2 << 20;

/// wasmtime 48, `pagemap.rs`: runs of written pages that are put back rather than dropped.
const RUNS_MAX: usize = 32;

const IMAGE: &str = "/memfd:wasm-memory-image";

/// What a process maps of the images that instances start from.
fn images() -> Vec<std::ops::Range<u64>> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let address = |text| u64::from_str_radix(text, 16).unwrap();
    maps.lines()
        .filter(|line| line.contains(IMAGE))
        .map(|line| {
            let (start, rest) = line.split_once('-').unwrap();
            address(start)..address(rest.split_once(' ').unwrap().0)
        })
        .collect()
}

/// Offsets of the pages that are a process' own copies, in bytes.
fn written(image: &std::ops::Range<u64>) -> Vec<u64> {
    // Linux, Documentation/admin-guide/mm/pagemap.rst: bit 63 a page is present, bit 61 it is a file's.
    let mut entries = vec![0; usize::try_from((image.end - image.start) / PAGE_BYTES * 8).unwrap()];
    File::open("/proc/self/pagemap")
        .unwrap()
        .read_exact_at(&mut entries, image.start / PAGE_BYTES * 8)
        .unwrap();
    let (entries, _) = entries.as_chunks::<8>();
    let is_own = |entry: &[u8; 8]| u64::from_le_bytes(*entry) >> 61 & 0b101 == 0b100;
    (0..)
        .step_by(PAGE_BYTES as usize)
        .zip(entries)
        .filter(|(_, entry)| is_own(entry))
        .map(|(at, _)| at)
        .collect()
}

/// Bytes of an image in pages of nothing but zeros.
fn zero_bytes(image: &std::ops::Range<u64>) -> u64 {
    let mut bytes = vec![0; usize::try_from(image.end - image.start).unwrap()];
    File::open("/proc/self/mem").unwrap().read_exact_at(&mut bytes, image.start).unwrap();
    let pages = bytes.chunks_exact(usize::try_from(PAGE_BYTES).unwrap());
    pages.filter(|page| page.iter().all(|&byte| byte == 0)).count() as u64 * PAGE_BYTES
}

/// Bytes of each image that a process has mapped by huge pages.
fn huge_bytes() -> Vec<u64> {
    let smaps = fs::read_to_string("/proc/self/smaps").unwrap();
    let mappings = smaps.split_inclusive("VmFlags:").filter(|mapping| mapping.contains(IMAGE));
    mappings
        .map(|mapping| {
            let line = mapping.lines().find_map(|line| line.strip_prefix("ShmemPmdMapped:")).unwrap();
            line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
        })
        .collect()
}

/// Bytes of what images were copied from: mapped, and in memory.
fn sources_bytes() -> [u64; 2] {
    let smaps = fs::read_to_string("/proc/self/smaps").unwrap();
    let bytes = |mapping: &str, name: &str| {
        let line = mapping.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    };
    let sources = smaps
        .split_inclusive("VmFlags:")
        .filter(|mapping| mapping.lines().any(|line| line.contains(" r--p ") && line.ends_with(".cwasm")));
    sources.fold([0, 0], |[mapped, resident], mapping| {
        [mapped + bytes(mapping, "Size:"), resident + bytes(mapping, "Rss:")]
    })
}

/// Whether this kernel places images so that they can lie on huge pages (6.7 and later), and does it when asked to.
fn can_be_huge() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split('.').map_while(|number| number.parse::<u32>().ok());
    let is_new = (numbers.next(), numbers.next()) >= (Some(6), Some(7));
    let setting = fs::read_to_string("/sys/kernel/mm/transparent_hugepage/shmem_enabled");
    is_new && setting.is_ok_and(|setting| !setting.contains("[deny]"))
}

/// Runs a test again alone in a process, where every image is its own; false where that is done.
fn is_alone(name: &str) -> bool {
    const ALONE: &str = "FRONTROW_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let alone = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("memory::{name}")])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&alone.stdout);
    assert!(alone.status.success() && said.contains("1 passed"), "{said}");
    false
}

/// Ten thousand titles with a row of two hundred: 6 MB of a file, and as much of tables.
fn many_candidates() -> Vec<u8> {
    let mut columns = Columns::default();
    columns.row_offsets.push(0);
    for title in 0..10_000_u32 {
        columns.title_ids.push(title + 1);
        columns.popularity.push(1.0);
        columns.maturity_years.push(0);
        columns.years.push(2_000);
        columns.genres.push(1);
        columns.window_from_s.push(0);
        columns.window_until_s.push(u64::MAX);
        for entry in 0..200 {
            columns.row_indexes.push(entry * 50 + title % 50);
            columns.row_weights.push(1);
        }
        columns.row_offsets.push((title + 1) * 200);
        columns.row_scales_log2.push(0);
    }
    let candidates = Candidates::new(columns).unwrap();
    CandidateFile { region: region(), genres: Vec::new(), candidates }.encode()
}

#[test]
fn the_files_of_a_load_leave_no_zeros_between_its_tables() {
    if !is_alone("the_files_of_a_load_leave_no_zeros_between_its_tables") {
        return;
    }
    let file = many_candidates();
    let generation = try_prepare_models(runtime(), &file, [None, None], 0).unwrap();
    generation.recommend(&region(), &request(&[], 8)).unwrap();
    let sizes: Vec<[u64; 2]> =
        images().iter().map(|image| [zero_bytes(image), image.end - image.start]).collect();
    let [zeros, all] = *sizes.iter().max_by_key(|[_, all]| *all).unwrap();
    assert!(all > file.len() as u64, "its tables");
    // The ends of the first and the last huge page, and what dlmalloc leaves between.
    assert!(zeros < 2 * HUGE_PAGE_BYTES, "{zeros} of {all} bytes are zeros, the file has {}", file.len());
}

#[test]
fn what_calls_write_lies_in_the_first_huge_page_and_tables_on_others() {
    if !can_be_huge() {
        // Past the test runner, who would keep it to himself.
        let said = "this kernel does not move images onto huge pages: where they lie was not looked at\n";
        io::stderr().write_all(said.as_bytes()).unwrap();
        return;
    }
    if !is_alone("what_calls_write_lies_in_the_first_huge_page_and_tables_on_others") {
        return;
    }
    let (tower, ranker) = (large_tower(), large_ranker());
    let own = ::inference::Models::load(Some(&ranker), Some(&tower)).unwrap();
    let vectors = candidates(|vectors| vectors.matrix = own.tower().unwrap().items().clone());
    let generation = try_prepare_models(runtime(), &vectors, [Some(&ranker), Some(&tower)], 12).unwrap();
    let history: Vec<u32> = (0..12).collect();
    let user = generation.encode(&history).unwrap();
    let features = vec![0.5; 40 * FEATURES];
    let items: Vec<u32> = (0..40).collect();
    for _ in 0..3 {
        generation.recommend(&region(), &request(&history, 8)).unwrap();
        generation.infer(&Shortlist { viewer: &user, items: &items, features: &features }).unwrap();
    }
    let images = images();
    assert!(images.len() >= 2, "the ranking's and the models'");
    for image in &images {
        assert!(image.start.is_multiple_of(HUGE_PAGE_BYTES), "it begins with the memory");
        let (first, behind): (Vec<u64>, Vec<u64>) =
            written(image).into_iter().partition(|at| *at < HUGE_PAGE_BYTES);
        assert!(!first.is_empty(), "its stack at least");
        // Of more runs than these wasmtime forgets the rest when it puts an instance back, and we would not see them.
        let runs = 1 + first.windows(2).filter(|pair| pair[1] != pair[0] + PAGE_BYTES).count();
        assert!(runs < RUNS_MAX && behind.is_empty(), "{behind:?} of {} bytes", image.end - image.start);
    }
    let [mapped, resident] = sources_bytes();
    assert!(resident * 4 < mapped, "{resident} of {mapped} bytes that images were copied from are in memory");
    let huge = huge_bytes();
    // So few titles find room in the first huge page; the second is there for its end.
    let has_tables = |image: &std::ops::Range<u64>| image.end - image.start > 2 * HUGE_PAGE_BYTES;
    assert!(images.iter().any(has_tables));
    assert!(images.iter().zip(&huge).all(|(image, bytes)| *bytes > 0 || !has_tables(image)), "{huge:?}");
}
