//! Systems that have no sock_diag: they are said to tell nothing of their sockets. (A reader of `lsof` for macOS is not
//! written yet; without one no connection is found there, and nothing claims that none is open.)

use std::io;
use std::net::SocketAddr;

use crate::idle::Socket;

/// One TCP socket of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tcp {
    pub inode: u64,
    pub uid: u32,
    pub listening: bool,
    pub local: SocketAddr,
    pub peer: SocketAddr,
    pub wire: Socket,
}

/// One socket of the local sort, and the one it is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    pub inode: u64,
    pub peer: Option<u64>,
}

/// Every TCP socket that listens or is connected.
///
/// # Errors
/// Always.
pub fn tcp() -> io::Result<Vec<Tcp>> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Every connected local socket.
///
/// # Errors
/// Always.
pub fn local() -> io::Result<Vec<Local>> {
    Err(io::ErrorKind::Unsupported.into())
}
