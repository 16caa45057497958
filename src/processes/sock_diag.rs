//! The kernel's own list of sockets, asked for over netlink (sock_diag): addresses, times to the millisecond, counters.
//! No root, and no process is touched. What it refuses: to believe a length that a message states about itself.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, sockopt};

use super::Tcp;
use crate::idle::Socket;

/// One socket of the local sort, and the one it is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    pub inode: u64,
    pub peer: Option<u64>,
}

/// More sockets than this are not looked at.
const MOST: usize = 200_000;

const BY_FAMILY: u16 = 20;
/// `TCPDIAG_GETSOCK`, from before requests named a family.
const BOTH_FAMILIES: u16 = 18;
/// `INET_DIAG_INFO`: the clocks and counters come along.
const WITH_INFO: u8 = 1 << 1;
const REQUEST_DUMP: u16 = 0x301;
const DONE: u16 = 3;
const ERROR: u16 = 2;
const HEADER: usize = 16;

const ESTABLISHED: u8 = 1;
const CLOSE_WAIT: u8 = 8;
const LISTEN: u8 = 10;

/// Every TCP socket that listens or is connected.
///
/// # Errors
/// What the system says, where it has no sock_diag or forbids it.
pub fn tcp() -> io::Result<Vec<Tcp>> {
    let states = 1_u32 << ESTABLISHED | 1 << CLOSE_WAIT | 1 << LISTEN;
    let mut found = Vec::new();
    // Asked the older way the kernel walks its table, all of it, once for both families, and not once for each.
    let mut body = vec![0_u8, 0, 0, WITH_INFO];
    body.resize(52, 0);
    body.extend(states.to_ne_bytes());
    body.resize(60, 0);
    let both = dump(BOTH_FAMILIES, &body, |message| {
        if found.len() < MOST {
            found.extend(tcp_of(message));
        }
    });
    if both.is_ok() {
        return Ok(found);
    }
    found.clear();
    for family in [2_u8, 10] {
        let mut body = vec![family, 6, WITH_INFO, 0]; // TCP
        body.extend(states.to_ne_bytes());
        body.resize(56, 0);
        dump(BY_FAMILY, &body, |message| {
            if found.len() < MOST {
                found.extend(tcp_of(message));
            }
        })?;
    }
    Ok(found)
}

/// Every connected local socket.
///
/// # Errors
/// As [`tcp`].
pub fn local() -> io::Result<Vec<Local>> {
    let mut found = Vec::new();
    let mut body = vec![1_u8, 0, 0, 0];
    body.extend((1_u32 << ESTABLISHED).to_ne_bytes());
    body.extend(0_u32.to_ne_bytes());
    body.extend(4_u32.to_ne_bytes()); // UDIAG_SHOW_PEER
    body.resize(24, 0);
    dump(BY_FAMILY, &body, |message| {
        let Some(inode) = u32_at(message, 4) else { return };
        let peer = attribute(message, 16, 2).and_then(|value| u32_at(value, 0)).map(u64::from);
        if found.len() < MOST {
            found.push(Local { inode: inode.into(), peer });
        }
    })?;
    Ok(found)
}

/// Sends one request and hands every message of the answer to `each`.
fn dump(kind: u16, body: &[u8], mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let socket = open()?;
    let mut request = Vec::with_capacity(HEADER + body.len());
    request.extend(u32::try_from(HEADER + body.len()).unwrap_or(0).to_ne_bytes());
    request.extend(kind.to_ne_bytes());
    request.extend(REQUEST_DUMP.to_ne_bytes());
    request.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    request.extend(body);
    rustix::net::send(&socket, &request, SendFlags::empty())?;
    let mut buffer = vec![0_u8; 64 * 1024];
    loop {
        let (length, _) = rustix::net::recv(&socket, &mut buffer[..], RecvFlags::empty())?;
        let mut rest = buffer.get(..length).unwrap_or_default();
        if rest.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        while let (Some(length), Some(kind)) = (u32_at(rest, 0), u16_at(rest, 4)) {
            let length = length as usize;
            if length < HEADER || length > rest.len() {
                return Err(io::ErrorKind::InvalidData.into());
            }
            match kind {
                DONE => return Ok(()),
                ERROR => {
                    let code = u32_at(rest, HEADER).map_or(0, |code| code.cast_signed().wrapping_neg());
                    return Err(io::Error::from_raw_os_error(code));
                }
                _ => each(&rest[HEADER..length]),
            }
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
    }
}

fn open() -> io::Result<OwnedFd> {
    let kind = SocketType::DGRAM;
    let socket = rustix::net::socket_with(
        AddressFamily::NETLINK,
        kind,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(Duration::from_secs(1)))?;
    Ok(socket)
}

fn tcp_of(message: &[u8]) -> Option<Tcp> {
    let (family, state) = (*message.first()?, *message.get(1)?);
    let address = |at: usize, port: usize| -> Option<SocketAddr> {
        let bytes: [u8; 16] = message.get(at..at + 16)?.try_into().ok()?;
        let ip = match family {
            2 => IpAddr::V4(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3])),
            _ => Ipv6Addr::from(bytes).to_canonical(),
        };
        let port = message.get(port..port + 2)?;
        Some(SocketAddr::new(ip, u16::from_be_bytes([port[0], port[1]])))
    };
    // The id begins at 4: two ports, two addresses, the interface, the cookie.
    let cookie = u64::from(u32_at(message, 44)?) | u64::from(u32_at(message, 48)?) << 32;
    let info = attribute(message, 72, 2).unwrap_or_default();
    let wire = Socket {
        cookie,
        sent_ago: u32_at(info, 44).unwrap_or(0).into(),
        received_ago: u32_at(info, 52).unwrap_or(0).into(),
        acked: u64_at(info, 120).unwrap_or(0),
        received: u64_at(info, 128).unwrap_or(0),
        segments_in: u32_at(info, 152).unwrap_or(0).into(),
        segments_out: u32_at(info, 156).unwrap_or(0).into(),
    };
    Some(Tcp {
        id: u32_at(message, 68)?.into(),
        uid: u32_at(message, 64)?,
        listening: state == LISTEN,
        local: address(8, 4)?,
        peer: address(24, 6)?,
        wire,
    })
}

/// The value of the attribute of this kind among those that begin at `at`.
fn attribute(message: &[u8], at: usize, wanted: u16) -> Option<&[u8]> {
    let mut rest = message.get(at..)?;
    while let (Some(length), Some(kind)) = (u16_at(rest, 0), u16_at(rest, 2)) {
        let length = usize::from(length);
        if length < 4 || length > rest.len() {
            return None;
        }
        if kind == wanted {
            return rest.get(4..length);
        }
        rest = rest.get(length.next_multiple_of(4)..)?;
    }
    None
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_connection_of_ours_and_both_its_ends() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let client = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        rustix::net::connect(&client, &at).unwrap();
        let (_server, peer) = listener.accept().unwrap();
        let found = tcp().unwrap();
        assert!(found.iter().any(|s| s.listening && s.local == at));
        let ours = found.iter().find(|s| s.local == peer && s.peer == at).unwrap();
        assert_eq!(ours.uid, rustix::process::getuid().as_raw());
        assert!(found.iter().any(|s| s.local == at && s.peer == peer));
    }

    #[test]
    fn finds_both_families_at_once() {
        let gone = std::net::TcpListener::bind("[::1]:0").unwrap().local_addr().ok();
        let listeners = ["127.0.0.1:0", "[::1]:0"].map(|at| std::net::TcpListener::bind(at).unwrap());
        let found = tcp().unwrap();
        for listener in &listeners {
            let at = listener.local_addr().unwrap();
            assert_eq!(found.iter().filter(|socket| socket.listening && socket.local == at).count(), 1);
        }
        // The control: what does not listen any more is not found.
        assert!(!found.iter().any(|socket| Some(socket.local) == gone));
    }

    #[test]
    fn finds_the_peer_of_a_local_socket() {
        use std::os::fd::AsRawFd;
        let (one, other) = std::os::unix::net::UnixStream::pair().unwrap();
        let inode = |fd: i32| {
            let link = std::fs::read_link(format!("/proc/self/fd/{fd}")).unwrap();
            link.to_string_lossy()
                .trim_start_matches("socket:[")
                .trim_end_matches(']')
                .parse::<u64>()
                .unwrap()
        };
        let (one, other) = (inode(one.as_raw_fd()), inode(other.as_raw_fd()));
        assert!(local().unwrap().contains(&Local { inode: one, peer: Some(other) }));
    }

    #[test]
    fn a_message_cut_anywhere_is_no_socket() {
        let mut message = vec![2, 1, 0, 0];
        message.resize(72, 7);
        message.extend([8, 0, 2, 0, 1, 2, 3, 4]);
        for cut in 0..72 {
            assert_eq!(tcp_of(&message[..cut]), None);
        }
        assert!(tcp_of(&message).is_some());
        assert_eq!(attribute(&[3, 0, 2, 0], 0, 2), None);
        assert_eq!(attribute(&[200, 0, 2, 0], 0, 2), None);
    }
}
