//! `export`: what a tower that somebody else trains may learn from.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::assemble::Catalogue;
use crate::cli::ExportArgs;
use crate::context::Context;
use crate::error::OriginError;
use crate::gate::Holdout;

pub(super) async fn run(context: &Context, args: &ExportArgs) -> Result<String, OriginError> {
    let catalogue = Catalogue::read(&context.database().await?).await?;
    let file = args.file.clone();
    let writing = tokio::task::spawn_blocking(move || {
        let failed = |source| OriginError::File { what: "write", path: file.clone(), source };
        write(&catalogue, &file).map_err(failed)
    });
    let (viewers, views) = writing.await.map_err(|_| OriginError::Panicked)??;
    Ok(format!("{views} views of {viewers} viewers in {}", args.file.display()))
}

/// Returns how many viewers and views there are.
fn write(catalogue: &Catalogue, path: &Path) -> std::io::Result<(usize, usize)> {
    let mut file = BufWriter::new(File::create(path)?);
    let histories = catalogue.histories();
    let learned = Holdout::of(histories.len()).exported(histories);
    for (viewer, watched) in &learned {
        write!(file, "{viewer}")?;
        watched.iter().try_for_each(|title| write!(file, " {title}"))?;
        writeln!(file)?;
    }
    file.flush()?;
    Ok((learned.len(), learned.values().map(Vec::len).sum()))
}
