//! Waiting for a descriptor with tokio. The only file below the supervisor, probes aside, that knows tokio; the
//! keeper does not use it.

#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use tokio::io::unix::{AsyncFd, AsyncFdReadyMutGuard};
use tokio::io::{Interest, Ready};

/// Something with a descriptor, registered with the runtime's reactor for as long as it lives.
#[derive(Debug)]
pub struct Watched<T: AsFd>(AsyncFd<Inner<T>>);

#[derive(Debug)]
struct Inner<T>(T);

impl<T: AsFd> AsRawFd for Inner<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl<T: AsFd> Watched<T> {
    /// Registers `inner`. Must be called within a runtime.
    pub fn new(inner: T) -> io::Result<Self> {
        // SAFETY: `AsFd` lends a descriptor that stays open and the same for as long as `inner` lives, and
        // `AsyncFd` owns `inner` and deregisters before it drops it.
        let registered = unsafe { AsyncFd::register(Inner(inner)) };
        Ok(Self(registered.map_err(|error| error.into_parts().1)?))
    }

    /// What is watched.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.0.get_mut().0
    }

    /// What is watched.
    pub fn get(&self) -> &T {
        &self.0.get_ref().0
    }

    /// Returns once the descriptor may be readable (or is broken). Does not forget it.
    pub async fn readable(&self) -> io::Result<()> {
        self.0.readable().await.map(drop)
    }

    /// Waits until the descriptor becomes ready for `interest`, forgets that it was, and says what it was.
    /// Try again *after* this: what becomes ready in between is not lost.
    pub async fn next_ready(&mut self, interest: Interest) -> io::Result<Ready> {
        let mut guard: AsyncFdReadyMutGuard<'_, _> = self.0.ready_mut(interest).await?;
        let ready = guard.ready();
        guard.clear_ready();
        Ok(ready)
    }
}
