//! A response body that is written while it is read: the writer is polled by the reader, so that no task has to
//! be spawned and none outlives its connection.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Bytes, HttpBody};
use hyper::body::Frame;
use tokio::sync::mpsc;

/// See the module.
pub(super) struct LineBody {
    lines: mpsc::Receiver<Bytes>,
    writer: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl LineBody {
    pub(super) fn new<E>(
        lines: mpsc::Receiver<Bytes>,
        writer: impl Future<Output = Result<(), E>> + Send + 'static,
    ) -> Self {
        // The writer fails only when the reader has gone, and then nobody polls it.
        let writer = async move { drop(writer.await) };
        Self { lines, writer: Some(Box::pin(writer)) }
    }
}

impl HttpBody for LineBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(writer) = &mut self.writer
            && writer.as_mut().poll(cx).is_ready()
        {
            // Dropping it closes the channel: what is queued is still delivered, then the body ends.
            self.writer = None;
        }
        self.lines.poll_recv(cx).map(|line| line.map(|bytes| Ok(Frame::data(bytes))))
    }
}
