//! Lines of a table in PostgreSQL's binary form of COPY, written straight into memory.
//!
//! The form: a signature, then for each line the number of its fields and for each field its length and its bytes, all
//! big endian, then -1. Made by a thread that has nothing else to do, so that the connection only passes bytes on.

use bytes::{BufMut, Bytes, BytesMut};

use crate::database::{Day, Moment};

/// What stands before the first line: signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// What stands behind the last line.
const TRAILER: &[u8] = &(-1_i16).to_be_bytes();

/// Lines of one table, in the order of the frames they are of.
#[derive(Debug, Default)]
pub(super) struct Lines {
    bytes: BytesMut,
    count: usize,
    // Bytes and lines up to the end of each frame.
    frames: Vec<(usize, usize)>,
}

impl Lines {
    /// Begins a line.
    pub(super) fn line(&mut self, fields: i16) -> Line<'_> {
        self.count += 1;
        self.bytes.put_i16(fields);
        Line { bytes: &mut self.bytes, left: fields }
    }

    /// Notes that the lines of a frame are complete.
    pub(super) fn end_frame(&mut self) {
        self.frames.push((self.bytes.len(), self.count));
    }

    /// Takes the lines of a frame back that turned out unsound.
    pub(super) fn forget_frame(&mut self) {
        let (bytes, count) = self.frames.last().copied().unwrap_or_default();
        self.bytes.truncate(bytes);
        self.count = count;
    }

    /// Lines of all frames but the first ones.
    pub(super) fn count_after(&self, frames: usize) -> usize {
        self.count - self.before(frames).1
    }

    /// The same as bytes: what is to be copied, in parts; none when there are no lines.
    pub(super) fn parts_after(&self, frames: usize) -> Vec<Bytes> {
        if self.count_after(frames) == 0 {
            return Vec::new();
        }
        // A part is copied once more by the client; a large one would wait until all of it is.
        const PART_BYTES: usize = 1 << 18;
        let lines = self.bytes[self.before(frames).0..].chunks(PART_BYTES).map(Bytes::copy_from_slice);
        let edge = |bytes: &'static [u8]| std::iter::once(Bytes::from_static(bytes));
        edge(HEADER).chain(lines).chain(edge(TRAILER)).collect()
    }

    fn before(&self, frames: usize) -> (usize, usize) {
        frames.checked_sub(1).and_then(|last| self.frames.get(last).copied()).unwrap_or_default()
    }
}

/// A line that is being written; it must get as many fields as it was begun with.
#[derive(Debug)]
pub(super) struct Line<'a> {
    bytes: &'a mut BytesMut,
    left: i16,
}

impl Line<'_> {
    pub(super) fn day(&mut self, day: Day) {
        self.field(4);
        self.bytes.put_i32(day.postgres_d());
    }

    pub(super) fn moment(&mut self, moment: Moment) {
        self.field(8);
        self.bytes.put_i64(moment.postgres_us());
    }

    pub(super) fn text(&mut self, text: &str) {
        // Texts of messages have a few dozen characters.
        self.field(i32::try_from(text.len()).unwrap_or(i32::MAX));
        self.bytes.put_slice(text.as_bytes());
    }

    pub(super) fn maybe_text(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.none(),
        }
    }

    /// Milliseconds and counters stay far below; a nonsensical one is kept at the end of the range.
    pub(super) fn wide(&mut self, number: impl Into<u64>) {
        self.field(8);
        self.bytes.put_i64(i64::try_from(number.into()).unwrap_or(i64::MAX));
    }

    pub(super) fn maybe_wide(&mut self, number: Option<impl Into<u64>>) {
        match number {
            Some(number) => self.wide(number),
            None => self.none(),
        }
    }

    /// As [`Line::wide`], in four bytes.
    pub(super) fn narrow(&mut self, number: impl Into<u64>) {
        self.field(4);
        self.bytes.put_i32(i32::try_from(number.into()).unwrap_or(i32::MAX));
    }

    pub(super) fn maybe_narrow(&mut self, number: Option<impl Into<u64>>) {
        match number {
            Some(number) => self.narrow(number),
            None => self.none(),
        }
    }

    pub(super) fn small(&mut self, number: u8) {
        self.field(2);
        self.bytes.put_i16(i16::from(number));
    }

    pub(super) fn double(&mut self, number: f64) {
        self.field(8);
        self.bytes.put_f64(number);
    }

    pub(super) fn maybe_double(&mut self, number: Option<f64>) {
        match number {
            Some(number) => self.double(number),
            None => self.none(),
        }
    }

    pub(super) fn maybe_single(&mut self, number: Option<f32>) {
        match number {
            Some(number) => {
                self.field(4);
                self.bytes.put_f32(number);
            }
            None => self.none(),
        }
    }

    pub(super) fn flag(&mut self, flag: bool) {
        self.field(1);
        self.bytes.put_u8(u8::from(flag));
    }

    /// An array of `integer`.
    pub(super) fn narrow_array(&mut self, numbers: &[u16]) {
        self.array(numbers.len(), INT4, 8);
        for number in numbers {
            self.bytes.put_i32(4);
            self.bytes.put_i32(i32::from(*number));
        }
    }

    /// An array of `bigint`.
    pub(super) fn wide_array(&mut self, numbers: &[u64]) {
        self.array(numbers.len(), INT8, 12);
        for number in numbers {
            self.bytes.put_i32(8);
            self.bytes.put_i64(i64::try_from(*number).unwrap_or(i64::MAX));
        }
    }

    /// Dimensions, whether there are nulls, the type, and for the one dimension its length and first index.
    fn array(&mut self, length: usize, of: i32, bytes_each: usize) {
        let dimensions = i32::from(length > 0);
        let bytes = 12 + 8 * dimensions as usize + length * bytes_each;
        // A sketch has a thousand buckets at most.
        self.field(i32::try_from(bytes).unwrap_or(i32::MAX));
        self.bytes.put_i32(dimensions);
        self.bytes.put_i32(0);
        self.bytes.put_i32(of);
        if length > 0 {
            self.bytes.put_i32(i32::try_from(length).unwrap_or(i32::MAX));
            self.bytes.put_i32(1);
        }
    }

    fn none(&mut self) {
        self.field(-1);
    }

    fn field(&mut self, bytes: i32) {
        self.left -= 1;
        self.bytes.put_i32(bytes);
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        // The server would refuse the whole copy; a test that writes any line finds it first.
        debug_assert_eq!(self.left, 0, "a line has the fields it was begun with");
    }
}

/// Of `pg_type`.
const INT4: i32 = 23;
const INT8: i32 = 20;
