//! Writing a store.

use super::error::StoreError;
use super::line;
use super::recover::{OpenReport, recover, sync_dir};
use super::segment;
use fs2::FileExt;
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Segments end here unless told otherwise.
const DEFAULT_SEGMENT_BYTES: u64 = 256 << 20;
/// A thread keeps its buffer between records up to this size.
const KEPT_BUFFER_BYTES: usize = 1 << 20;

/// How a store writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// A segment that would grow beyond this is ended and a new one begun.
    pub max_segment_bytes: u64,
    /// When records reach the disk itself.
    pub durability: Durability,
}

impl Default for StoreOptions {
    /// Segments of 256 MiB, synced once a second.
    fn default() -> Self {
        Self {
            max_segment_bytes: DEFAULT_SEGMENT_BYTES,
            durability: Durability::Interval(Duration::from_secs(1)),
        }
    }
}

/// When records reach the disk itself. Whatever is chosen, a record survives the death of this
/// process as soon as `append` returns; this is about power cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When the operating system likes.
    Never,
    /// After every so many records.
    EveryN(u32),
    /// With the first record after so long.
    Interval(Duration),
    /// Before each `append` returns.
    Always,
}

/// An append-only store of `T`, open for writing. Shared by reference between threads.
pub struct Store<T> {
    dir: PathBuf,
    options: StoreOptions,
    tail: Mutex<Tail>,
    /// Held until drop: the operating system frees it with the process, however that ends.
    _lock: File,
    record: PhantomData<fn(&T)>,
}

/// The segment being written.
struct Tail {
    number: u32,
    path: PathBuf,
    file: File,
    /// Bytes of whole lines in it.
    length_bytes: u64,
    /// A failed write may have left part of a line behind `length_bytes`.
    is_torn: bool,
    unsynced_records: u32,
    last_sync: Instant,
}

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl<T: Serialize + DeserializeOwned> Store<T> {
    /// Opens the store in `dir` for writing, with the default options; see [`Store::open_with`].
    ///
    /// # Errors
    /// As [`Store::open_with`].
    pub fn open(dir: impl AsRef<Path>) -> Result<(Self, OpenReport), StoreError> {
        Self::open_with(dir, StoreOptions::default())
    }

    /// Opens the store in `dir` for writing, creating it if need be. Every line is checked: a torn
    /// last line is cut, damaged lines are moved to quarantine, and the report says so.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another process writes here; [`StoreError::NewerVersion`] if a
    /// newer Nex wrote here (nothing is changed then); [`StoreError::Io`].
    pub fn open_with(dir: impl AsRef<Path>, options: StoreOptions) -> Result<(Self, OpenReport), StoreError> {
        let dir = dir.as_ref().to_owned();
        fs::create_dir_all(&dir).map_err(StoreError::io("create", &dir))?;
        let lock = lock(&dir)?;
        let report = recover(&dir)?;
        let number = segment::list(&dir)?.last().map_or(1, |(number, _)| *number);
        let tail = Tail::open(&dir, number)?;
        Ok((Self { dir, options, tail: Mutex::new(tail), _lock: lock, record: PhantomData }, report))
    }

    /// Adds `record`; when this returns, it survives the death of this process. From any thread;
    /// serialising happens outside the lock.
    ///
    /// # Errors
    /// The record does not serialise, is larger than [`super::MAX_RECORD_BYTES`], or the disk
    /// fails. Earlier records stay whole; the store can be used on.
    pub fn append(&self, record: &T) -> Result<(), StoreError> {
        let mut buffer = BUFFER.take();
        let result = line::encode(record, &mut buffer).and_then(|()| self.write(&buffer));
        if buffer.capacity() <= KEPT_BUFFER_BYTES {
            BUFFER.set(buffer);
        }
        result
    }

    /// Makes all records so far survive a power cut. (`append` leaves nothing in memory, so there
    /// is no `flush`.)
    ///
    /// # Errors
    /// The disk fails.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.tail.lock().sync()
    }

    /// The store's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn write(&self, line: &[u8]) -> Result<(), StoreError> {
        let mut tail = self.tail.lock();
        let length = line.len() as u64;
        if tail.length_bytes > 0 && tail.length_bytes + length > self.options.max_segment_bytes {
            tail.cut_torn()?;
            if self.options.durability != Durability::Never {
                tail.sync()?;
            }
            *tail = Tail::open(&self.dir, tail.number + 1)?;
        }
        tail.write(line)?;
        tail.unsynced_records += 1;
        let is_due = match self.options.durability {
            Durability::Never => false,
            Durability::EveryN(n) => tail.unsynced_records >= n,
            // Time decides when to sync, never what is written.
            Durability::Interval(interval) => tail.last_sync.elapsed() >= interval,
            Durability::Always => true,
        };
        if is_due { tail.sync() } else { Ok(()) }
    }
}

impl<T> Drop for Store<T> {
    fn drop(&mut self) {
        let tail = self.tail.get_mut();
        // What cannot be cut or synced now is found by the next `open`.
        let _ = tail.cut_torn();
        if self.options.durability != Durability::Never {
            let _ = tail.sync();
        }
    }
}

impl Tail {
    fn open(dir: &Path, number: u32) -> Result<Self, StoreError> {
        let path = segment::path_of(dir, number);
        let is_new = !path.exists();
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(StoreError::io("open", &path))?;
        let length_bytes = file.metadata().map_err(StoreError::io("open", &path))?.len();
        if is_new {
            sync_dir(dir)?;
        }
        let last_sync = Instant::now();
        Ok(Self { number, path, file, length_bytes, is_torn: false, unsynced_records: 0, last_sync })
    }

    fn write(&mut self, line: &[u8]) -> Result<(), StoreError> {
        self.cut_torn()?;
        if let Err(error) = self.file.write_all(line) {
            self.is_torn = true;
            // The disk may be full; then the next append, or the next open, cuts.
            let _ = self.cut_torn();
            return Err(StoreError::io("append to", &self.path)(error));
        }
        self.length_bytes += line.len() as u64;
        Ok(())
    }

    fn cut_torn(&mut self) -> Result<(), StoreError> {
        if self.is_torn {
            self.file
                .set_len(self.length_bytes)
                .map_err(StoreError::io("cut the torn tail of", &self.path))?;
            self.is_torn = false;
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        if self.unsynced_records > 0 {
            self.file.sync_data().map_err(StoreError::io("sync", &self.path))?;
            self.unsynced_records = 0;
        }
        self.last_sync = Instant::now();
        Ok(())
    }
}

/// How often, and after what pause, a lock that is held is tried again before its holder is named.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Takes the store's lock and writes our process id into it, for whoever comes second.
fn lock(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join("store.lock");
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .open(&path)
        .map_err(StoreError::io("open", &path))?;
    // A child process that is being started holds copies of this program's files, and so of a lock that
    // was just given back, until it runs its own program: such a lock passes.
    let mut locked = FileExt::try_lock_exclusive(&file);
    for _ in 0..LOCK_TRIES {
        let is_held = locked.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        if !is_held {
            break;
        }
        std::thread::sleep(LOCK_PAUSE);
        locked = FileExt::try_lock_exclusive(&file);
    }
    match locked {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            let mut holder = String::new();
            let _ = (&file).take(64).read_to_string(&mut holder);
            let holder = match holder.trim() {
                "" => "another process".to_owned(),
                id => format!("process {id}"),
            };
            return Err(StoreError::Locked { dir: dir.to_owned(), holder });
        }
        Err(error) => return Err(StoreError::io("lock", &path)(error)),
    }
    // Only for the message above; the lock itself does not depend on it.
    let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
    Ok(file)
}
