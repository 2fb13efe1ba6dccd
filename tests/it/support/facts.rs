//! Waiting for what a file says: workloads write facts to files, and inotify says when.

use std::fs;
use std::mem::MaybeUninit;
use std::path::Path;

use rustix::event::PollFlags;
use rustix::fs::inotify;

use super::patience::Deadline;

/// Blocks until `holds` is true of what `path` contains (nothing while there is no such file) and gives that back.
/// Panics when patience ends, with the content.
pub(crate) fn wait_file(path: &Path, what: &str, holds: impl Fn(&str) -> bool) -> String {
    let deadline = Deadline::start();
    let watch = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK).expect("inotify");
    let folder = path.parent().expect("a file is in a folder");
    let events = inotify::WatchFlags::MODIFY
        | inotify::WatchFlags::CREATE
        | inotify::WatchFlags::MOVED_TO
        | inotify::WatchFlags::CLOSE_WRITE;
    inotify::add_watch(&watch, folder, events).unwrap_or_else(|problem| panic!("{}: {problem}", folder.display()));
    loop {
        let bytes = fs::read(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        if holds(&text) {
            return text.into_owned();
        }
        assert!(
            deadline.poll(&watch, PollFlags::IN),
            "{} never had {what}; it has:\n{text}",
            path.file_name().unwrap_or_default().display()
        );
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&watch, &mut buffer);
        while reader.next().is_ok() {}
    }
}
