//! The health server. It has its own thread and runtime, so that a migration can't delay a response.

mod metrics;
mod page;
mod report;
mod routes;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::sleep;

pub use metrics::Metrics;
pub use page::{Page, PageAccess, RenderedPage};

use crate::state::SharedState;

/// The number of open connections. The next connection closes the oldest one, so that idle clients can't lock out others.
const MAX_CONNECTIONS: usize = 128;

/// The number of connections that the system queues until the server accepts them. The system drops further attempts
/// silently, and their clients retry after a second.
const BACKLOG: u32 = 1024;

/// The time that a client has to send the head of its request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum duration of a connection.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);

/// The pause after a connection that could not be accepted, for example because the process has too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A running health server. Dropping it stops the server.
#[derive(Debug)]
pub struct HealthServer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl HealthServer {
    /// Binds the address and starts to serve. Blocks until the address is bound.
    ///
    /// # Errors
    /// Returns the operating system's error if the address can't be bound: it is in use, not an address of this
    /// machine, or a privileged port.
    pub fn start(
        address: SocketAddr,
        state: SharedState,
        metrics: Metrics,
        page: Page,
    ) -> io::Result<Self> {
        let endpoints = Endpoints {
            state,
            metrics,
            page,
        };
        let (stop, stopped) = oneshot::channel();
        let (bound, result) = mpsc::sync_channel(1);
        // The thread makes and drops the runtime: the caller may be inside another runtime, where dropping one panics.
        let thread =
            std::thread::Builder::new()
                .name("health".into())
                .spawn(move || match bind(address) {
                    Ok((runtime, listener, address)) => {
                        // The caller waits for the result.
                        let _ = bound.send(Ok(address));
                        runtime.block_on(async {
                            tokio::select! {
                                () = serve(listener, endpoints) => {}
                                _ = stopped => {}
                            }
                        });
                    }
                    Err(error) => {
                        let _ = bound.send(Err(error));
                    }
                })?;
        let address = result
            .recv()
            .map_err(|_| io::Error::other("the health server's thread ended"))??;
        Ok(Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Returns the bound address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for HealthServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may have ended already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The data that the endpoints serve.
#[derive(Debug, Clone)]
struct Endpoints {
    state: SharedState,
    metrics: Metrics,
    page: Page,
}

/// Returns a runtime, its listener, and the bound address.
fn bind(address: SocketAddr) -> io::Result<(Runtime, TcpListener, SocketAddr)> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()?;
    let listener = {
        let _entered = runtime.enter();
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        // The system keeps connections of a supervisor that has just ended for a while.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)?
    };
    let address = listener.local_addr()?;
    Ok((runtime, listener, address))
}

async fn serve(listener: TcpListener, endpoints: Endpoints) {
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        open.retain(|connection| !connection.is_finished());
        if open.len() == MAX_CONNECTIONS
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        let task = tokio::spawn(serve_connection(stream, peer.ip(), endpoints.clone()));
        open.push_back(task.abort_handle());
    }
}

async fn serve_connection(stream: TcpStream, peer: IpAddr, endpoints: Endpoints) {
    let endpoints = &endpoints;
    let service = service_fn(|request| async move {
        Ok::<_, Infallible>(routes::respond(&request, peer, endpoints).await)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(stream), service);
    // A client that disconnects or is too slow gets no response.
    let _ = tokio::time::timeout(CONNECTION_TIMEOUT, connection).await;
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::{SocketAddr, TcpListener};

    use super::{HealthServer, Metrics, Page, PageAccess, RenderedPage};
    use crate::state::SharedState;

    /// Starts a server inside a runtime, as the launcher does.
    fn start(address: SocketAddr) -> std::io::Result<HealthServer> {
        let page = Page::new(PageAccess::Off, |_, _| RenderedPage::default());
        HealthServer::start(address, SharedState::default(), Metrics::default(), page)
    }

    #[tokio::test]
    async fn returns_the_error_of_an_address_that_cannot_be_bound() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let used = listener.local_addr().unwrap();
        // An address for documentation, which no machine has.
        let foreign = SocketAddr::from(([192, 0, 2, 1], 0));
        for (address, expected) in [
            (used, ErrorKind::AddrInUse),
            (foreign, ErrorKind::AddrNotAvailable),
        ] {
            let error = start(address).expect_err("no server");
            assert_eq!(error.kind(), expected, "{address}");
        }
        drop(listener);
        let server = start(used).expect("a server");
        assert_eq!(server.address(), used);
    }
}
