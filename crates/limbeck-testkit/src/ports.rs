//! Ports that no other test gets.

use std::fs::{self, File, OpenOptions};
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::process::user_id;

/// The ports to choose from. The kernel takes the ports of outgoing connections from 32768 on, so none of these is
/// lost to a connection between its reservation and its use.
const FIRST: u16 = 15_000;
const COUNT: u16 = 16_000;

/// The lock files of this process's ports. The kernel unlocks them when the process ends.
static RESERVED: Mutex<Vec<File>> = Mutex::new(Vec::new());

/// Reserves a port on which nothing listens. No other test of this machine gets it while this process runs.
///
/// A lock file per port holds the reservation: PostgreSQL and others can't listen on port 0, so the number has to be
/// known before the server starts, and a port that was only found free could be gone by then.
pub fn reserve_port() -> u16 {
    // Processes start at different places, so that their searches are short.
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = std::process::id().wrapping_mul(7919) % u32::from(COUNT);
    let start = u16::try_from(start).expect("a small number");
    let folder = std::env::temp_dir().join(format!("limbeck-test-ports-{}", user_id()));
    fs::create_dir_all(&folder).expect("a folder");
    for _ in 0..COUNT {
        let offset = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(start) % COUNT;
        let port = FIRST + offset;
        let lock = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join(port.to_string()))
            .expect("a lock file");
        if lock.try_lock().is_err() {
            continue;
        }
        if is_free(port) {
            RESERVED.lock().expect("no panic").push(lock);
            return port;
        }
    }
    panic!("no free port from {FIRST} on");
}

/// Returns `true` if a server can listen on the port. Another program, or a server of an earlier test, may use it.
fn is_free(port: u16) -> bool {
    let all = TcpListener::bind(("0.0.0.0", port)).is_ok();
    // A machine without IPv6 has no such address.
    let v6 = match TcpListener::bind(("::1", port)) {
        Ok(_) => true,
        Err(error) => error.kind() != std::io::ErrorKind::AddrInUse,
    };
    all && v6
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::TcpListener;

    use super::{is_free, reserve_port};

    #[test]
    fn reserves_each_port_once() {
        let ports: Vec<u16> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..25).map(|_| reserve_port()).collect::<Vec<_>>()))
                .collect();
            threads
                .into_iter()
                .flat_map(|thread| thread.join().expect("no panic"))
                .collect()
        });
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 100);
    }

    #[test]
    fn a_port_that_a_program_listens_on_is_not_free() {
        let port = reserve_port();
        assert!(is_free(port));
        for address in ["127.0.0.1", "::1"] {
            let Ok(listener) = TcpListener::bind((address, port)) else {
                continue;
            };
            assert!(!is_free(port), "{address}");
            drop(listener);
        }
    }
}
