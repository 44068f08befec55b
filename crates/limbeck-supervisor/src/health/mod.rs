//! The health endpoints, on a thread and an address of their own, so that nothing else keeps them waiting.

mod metrics;
mod page;
mod report;
mod routes;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::sleep;

pub use metrics::Metrics;
pub use page::{Audience, Drawn, Page};

use crate::board::Board;

/// How many connections are kept. One more, and the oldest is closed: whoever only holds connections open keeps
/// nobody from asking.
const CONNECTIONS: usize = 128;

/// How many connections the system keeps for us until we take them. Of more than that it says nothing, and a client
/// tries again after a second.
const WAITING: u32 = 1024;

/// How long a client may take for the head of its request, and how long a connection may last.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(30));

/// How long after a connection that could not be taken, as when files run out.
const PAUSE: Duration = Duration::from_millis(50);

/// A running server; it ends with this value.
#[derive(Debug)]
pub struct HealthServer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl HealthServer {
    /// Takes the address and starts to answer.
    ///
    /// # Errors
    /// The operating system's: the address is in use, or not this machine's.
    pub fn start(
        address: SocketAddr,
        board: Board,
        metrics: Metrics,
        page: Page,
    ) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(1)
            .build()?;
        let shown = Shown {
            board,
            metrics,
            page,
        };
        let listener = {
            let _inside = runtime.enter();
            listen(address)?
        };
        let address = listener.local_addr()?;
        let thread = std::thread::Builder::new()
            .name("health".into())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = serve(listener, shown) => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it answers.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for HealthServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // A thread that has ended by itself needs no telling.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What is shown.
#[derive(Debug, Clone)]
struct Shown {
    board: Board,
    metrics: Metrics,
    page: Page,
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A supervisor that was just ended has connections that the system remembers.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

async fn serve(listener: TcpListener, shown: Shown) {
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        open.retain(|connection| !connection.is_finished());
        if open.len() == CONNECTIONS
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        let task = tokio::spawn(answer(stream, peer.ip(), shown.clone()));
        open.push_back(task.abort_handle());
    }
}

async fn answer(stream: TcpStream, peer: IpAddr, shown: Shown) {
    let shown = &shown;
    let service = service_fn(|request| async move {
        Ok::<_, Infallible>(routes::respond(&request, peer, shown).await)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE.0)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    // A client that breaks off, or is too slow, has no answer to get.
    let _ = tokio::time::timeout(PATIENCE.1, connection).await;
}
