//! `logs -f`: what the logs hold, then what is added to them, until it is stopped. Works on the files alone: over
//! rotations, truncation, restarts of services and of tspm itself, and for logs that do not exist yet.
//!
//! inotify says *that* something happened in a folder; what, is found by looking at the files. So no event is
//! interpreted, and one that is lost costs nothing but time.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use notify::event::ModifyKind;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::cursor::Until;
use super::merge::Merge;
use super::read::{Line, Query, cursors, discover, keep_last};
use super::stamp;

/// Where inotify has no room for us (`fs.inotify.max_user_watches`), files are looked at this often.
const POLL: Duration = Duration::from_millis(250);

/// What is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One log, which need not exist yet.
    File {
        /// The name its lines carry.
        name: String,
        /// The file being written.
        path: PathBuf,
    },
    /// Every log in a folder, also those that appear later; the folder itself need not exist yet.
    Dir(PathBuf),
}

/// Following logs.
#[derive(Debug)]
pub struct Follow;

impl Follow {
    /// Calls `sink`, on a thread of its own, with the lines that `query` asks for and then with every new one that it
    /// accepts. `sink` may block; nothing is lost by it, the files are read later. (`query.last` is about what is there
    /// at the start; 0: only what is new. A log added later is read from its beginning. `query.previous` means nothing.)
    pub fn start(
        targets: Vec<Target>,
        query: Query,
        sink: impl FnMut(Line) + Send + 'static,
    ) -> io::Result<FollowHandle> {
        let (wakes, woken) = mpsc::channel();
        let events = wakes.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if let Some(wake) = wake(&event) {
                // Nobody listens any more: the follower was stopped.
                let _ = events.send(wake);
            }
        });
        let follower = Follower {
            watcher: watcher.ok(),
            watched: HashSet::new(),
            targets,
            followed: HashSet::new(),
            merge: Merge::default(),
            query: Query { previous: false, ..query },
            sink,
        };
        let thread = std::thread::Builder::new().name("follow".to_owned()).spawn(move || follower.run(&woken))?;
        Ok(FollowHandle { wakes, thread: Some(thread) })
    }
}

/// The handle. Dropping it stops the following without waiting for `sink` to return.
#[derive(Debug)]
pub struct FollowHandle {
    /// Unbounded; the follower takes everything that is there at once.
    wakes: Sender<Wake>,
    thread: Option<JoinHandle<()>>,
}

impl FollowHandle {
    /// Follows one more; one that is followed already makes no difference.
    pub fn add(&self, target: Target) {
        // Gone only if `sink` panicked.
        let _ = self.wakes.send(Wake::Add(target));
    }

    /// Stops, and waits until `sink` is called no more.
    pub fn stop(mut self) {
        let _ = self.wakes.send(Wake::Stop);
        if let Some(thread) = self.thread.take() {
            // `sink` panicked: its message is out, and nothing follows any more either way.
            let _ = thread.join();
        }
    }
}

impl Drop for FollowHandle {
    fn drop(&mut self) {
        let _ = self.wakes.send(Wake::Stop);
    }
}

#[derive(Debug)]
enum Wake {
    /// Something was written.
    Written,
    /// Something appeared.
    Appeared,
    /// These vanished or were renamed: watches on them and on what was below them are void.
    Gone(Vec<PathBuf>),
    Add(Target),
    Stop,
}

fn wake(event: &notify::Result<notify::Event>) -> Option<Wake> {
    match event {
        Ok(event) => match event.kind {
            // Our own reading is one.
            EventKind::Access(_) => None,
            EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_)) => Some(Wake::Written),
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => Some(Wake::Gone(event.paths.clone())),
            EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Other => {
                Some(Wake::Appeared)
            }
        },
        Err(_) => Some(Wake::Appeared),
    }
}

struct Follower<F> {
    watcher: Option<RecommendedWatcher>,
    watched: HashSet<PathBuf>,
    targets: Vec<Target>,
    followed: HashSet<PathBuf>,
    merge: Merge,
    query: Query,
    sink: F,
}

impl<F: FnMut(Line)> Follower<F> {
    fn run(mut self, woken: &Receiver<Wake>) {
        self.look();
        let now_on = Query { last: None, since_ns: None, ..self.query.clone() };
        let last = std::mem::replace(&mut self.query, now_on).last;
        if let Some(last) = last {
            for line in keep_last(&mut self.merge, last, stamp::now_ns()) {
                (self.sink)(line);
            }
        }
        loop {
            while let Some(line) = self.merge.next_line() {
                (self.sink)(line);
            }
            if self.wait(woken).is_break() {
                return;
            }
        }
    }

    /// Waits for something to happen and takes everything that did.
    fn wait(&mut self, woken: &Receiver<Wake>) -> std::ops::ControlFlow<()> {
        let first = if self.watcher.is_some() {
            woken.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            woken.recv_timeout(POLL)
        };
        let first = match first {
            Ok(wake) => wake,
            Err(RecvTimeoutError::Timeout) => Wake::Appeared,
            Err(RecvTimeoutError::Disconnected) => return std::ops::ControlFlow::Break(()),
        };
        let mut look = false;
        for wake in std::iter::once(first).chain(woken.try_iter()) {
            match wake {
                Wake::Written => {}
                Wake::Appeared => look = true,
                Wake::Gone(paths) => {
                    look = true;
                    self.watched.retain(|dir| !paths.iter().any(|path| dir.starts_with(path)));
                }
                Wake::Add(target) => {
                    look = true;
                    if !self.targets.contains(&target) {
                        self.targets.push(target);
                    }
                }
                Wake::Stop => return std::ops::ControlFlow::Break(()),
            }
        }
        if look {
            self.look();
        }
        std::ops::ControlFlow::Continue(())
    }

    /// Watches what is to be watched, and follows logs that are new. First the watch, then the look: what happens in
    /// between is both found and announced.
    fn look(&mut self) {
        let mut files = Vec::new();
        for target in self.targets.clone() {
            match target {
                Target::File { name, path } => {
                    self.watch_with_parent(path.parent().unwrap_or(Path::new("/")));
                    files.push((name, path));
                }
                Target::Dir(dir) => {
                    self.watch_with_parent(&dir);
                    files.extend(discover(&dir));
                }
            }
        }
        files.retain(|(_, path)| self.followed.insert(path.clone()));
        // A log that cannot be read now may be readable later.
        let (merge, problems) = cursors(&files, &self.query, Until::Stopped);
        self.merge.absorb(merge);
        for (path, _) in problems {
            self.followed.remove(&path);
        }
    }

    /// Watches `dir`, and the folder it is in: who has a removed file open (a supervisor whose logs were deleted) keeps
    /// the kernel from saying that the folder is gone, but not from saying that it was taken out of the other one.
    fn watch_with_parent(&mut self, dir: &Path) {
        self.watch(dir);
        if let Some(parent) = dir.parent() {
            self.watch(parent);
        }
    }

    /// Watches `dir`, or as long as it does not exist, the nearest folder above it that does.
    fn watch(&mut self, dir: &Path) {
        loop {
            let Some(nearest) = dir.ancestors().find(|dir| dir.is_dir()) else {
                return;
            };
            if self.watched.contains(nearest) {
                return;
            }
            let Some(watcher) = &mut self.watcher else {
                return;
            };
            match watcher.watch(nearest, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    self.watched.insert(nearest.to_owned());
                }
                // It vanished just now.
                Err(_) if !nearest.is_dir() => continue,
                Err(_) => {
                    self.watcher = None;
                    return;
                }
            }
            // The one below it may have come just before the watch.
            if dir.ancestors().find(|dir| dir.is_dir()) == Some(nearest) {
                return;
            }
        }
    }
}
