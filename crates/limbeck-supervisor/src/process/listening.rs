//! At which addresses the processes of a group listen, as the system's tables have it (Linux).

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The state of a listening socket in the system's tables.
const LISTENS: &str = "0A";

/// The addresses, in order; none where the system has no such tables.
pub fn listening(group: i32) -> Vec<SocketAddr> {
    let sockets = sockets_of(group);
    if sockets.is_empty() {
        return Vec::new();
    }
    let mut found = BTreeSet::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = fs::read_to_string(table).unwrap_or_default();
        found.extend(
            text.lines()
                .skip(1)
                .filter_map(|line| entry(line, &sockets)),
        );
    }
    found.into_iter().collect()
}

/// The sockets that the processes of a group have open, by their numbers.
fn sockets_of(group: i32) -> BTreeSet<u64> {
    let mut sockets = BTreeSet::new();
    let Ok(processes) = fs::read_dir("/proc") else {
        return sockets;
    };
    for process in processes.flatten() {
        let stat = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        // Behind the program's name, which may hold anything: state, parent, group.
        let number = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(2)?.parse().ok());
        if number != Some(group) {
            continue;
        }
        // A process that has just ended, or somebody else's, has no files to read.
        let Ok(files) = fs::read_dir(process.path().join("fd")) else {
            continue;
        };
        for file in files.flatten() {
            let target = fs::read_link(file.path()).unwrap_or_default();
            let text = target.to_string_lossy();
            let inner = text
                .strip_prefix("socket:[")
                .and_then(|rest| rest.strip_suffix(']'));
            sockets.extend(inner.and_then(|number| number.parse::<u64>().ok()));
        }
    }
    sockets
}

/// The local address of a line, when it listens and is one of the sockets.
fn entry(line: &str, sockets: &BTreeSet<u64>) -> Option<SocketAddr> {
    let mut fields = line.split_whitespace();
    let local = fields.nth(1)?;
    let state = fields.nth(1)?;
    let inode = fields.nth(5)?.parse().ok()?;
    if state != LISTENS || !sockets.contains(&inode) {
        return None;
    }
    let (address, port) = local.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    // Words in the machine's byte order.
    let words: Option<Vec<[u8; 4]>> = (0..address.len() / 8)
        .map(|word| {
            let text = address.get(word * 8..word * 8 + 8)?;
            Some(u32::from_str_radix(text, 16).ok()?.to_ne_bytes())
        })
        .collect();
    let address = match *words? {
        [word] => IpAddr::V4(Ipv4Addr::from(word)),
        [a, b, c, d] => {
            let bytes: [u8; 16] = [a, b, c, d].concat().try_into().ok()?;
            IpAddr::V6(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(address, port))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::TcpListener;

    use super::listening;

    #[test]
    fn our_own_listeners_are_found() {
        let group = rustix::process::getpgrp().as_raw_pid();
        for place in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(place) else {
                continue;
            };
            let address = listener.local_addr().unwrap();
            assert!(listening(group).contains(&address), "{address}");
            drop(listener);
            assert!(!listening(group).contains(&address), "{address}");
        }
    }
}
