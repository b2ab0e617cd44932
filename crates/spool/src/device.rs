//! What the writer asks of the operating system, so that a test can let it fail.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Seek, SeekFrom, Write};
use std::path::Path;

/// Makes and removes files of one folder.
pub(crate) trait Device: Send {
    /// A new, empty file.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>>;
    /// A file that is there, to be written over; and its length.
    fn open(&self, path: &Path) -> io::Result<(Box<dyn Output>, u64)>;
    /// Gives a file of the folder another name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes the names in the folder last.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// A file that is written from its beginning to its end.
pub(crate) trait Output: Send {
    /// Writes some of the parts, the first byte at `at`; returns how many bytes.
    fn write(&mut self, at: u64, parts: &[IoSlice<'_>]) -> io::Result<usize>;
    /// Returns when all that was written survives a power cut.
    fn sync(&mut self) -> io::Result<()>;
    /// Takes back what is behind `bytes`.
    fn cut(&mut self, bytes: u64) -> io::Result<()>;
}

/// The real one.
pub(crate) struct Disk;

impl Device for Disk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn Output>> {
        Ok(Box::new(OpenOptions::new().write(true).create_new(true).open(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<(Box<dyn Output>, u64)> {
        let file = OpenOptions::new().write(true).open(path)?;
        let bytes = file.metadata()?.len();
        Ok((Box::new(file), bytes))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

impl Output for File {
    fn write(&mut self, at: u64, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.seek(SeekFrom::Start(at))?;
        self.write_vectored(parts)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }
}
