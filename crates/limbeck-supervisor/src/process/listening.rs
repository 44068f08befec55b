//! The addresses on which a process group listens, from the tables in `/proc` (Linux).

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The state of a listening socket in `/proc/net/tcp`.
const LISTEN_STATE: &str = "0A";

/// Returns the addresses on which a process group listens, sorted. Without `/proc` the list is empty.
pub fn listening_addresses(group: i32) -> Vec<SocketAddr> {
    let sockets = open_sockets(group);
    if sockets.is_empty() {
        return Vec::new();
    }
    let mut found = BTreeSet::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = fs::read_to_string(table).unwrap_or_default();
        found.extend(
            text.lines()
                .skip(1)
                .filter_map(|line| listening_address(line, &sockets)),
        );
    }
    found.into_iter().collect()
}

/// Returns the inodes of the sockets that a process group has open.
fn open_sockets(group: i32) -> BTreeSet<u64> {
    let mut sockets = BTreeSet::new();
    let Ok(processes) = fs::read_dir("/proc") else {
        return sockets;
    };
    for process in processes.flatten() {
        let stat = fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        // The fields after the program's name, which may contain anything: state, parent, group.
        let process_group = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(2)?.parse().ok());
        if process_group != Some(group) {
            continue;
        }
        // The process may have ended, or belong to another user.
        let Ok(files) = fs::read_dir(process.path().join("fd")) else {
            continue;
        };
        for file in files.flatten() {
            let target = fs::read_link(file.path()).unwrap_or_default();
            let text = target.to_string_lossy();
            let inode = text
                .strip_prefix("socket:[")
                .and_then(|rest| rest.strip_suffix(']'));
            sockets.extend(inode.and_then(|number| number.parse::<u64>().ok()));
        }
    }
    sockets
}

/// Returns the local address in a line of the table if its socket listens and is one of `sockets`.
fn listening_address(line: &str, sockets: &BTreeSet<u64>) -> Option<SocketAddr> {
    let mut fields = line.split_whitespace();
    let local = fields.nth(1)?;
    let state = fields.nth(1)?;
    let inode = fields.nth(5)?.parse().ok()?;
    if state != LISTEN_STATE || !sockets.contains(&inode) {
        return None;
    }
    let (address, port) = local.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    // The address consists of 32-bit words in the machine's byte order.
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

    use super::listening_addresses;

    #[test]
    fn finds_listeners_of_its_own_group() {
        let group = rustix::process::getpgrp().as_raw_pid();
        for text in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(text) else {
                continue;
            };
            let address = listener.local_addr().unwrap();
            assert!(listening_addresses(group).contains(&address), "{address}");
            drop(listener);
            assert!(!listening_addresses(group).contains(&address), "{address}");
        }
    }
}
