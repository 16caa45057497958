//! Which connections are open on this machine, whose they are and what they point at. It reads what the kernel and the
//! processes tell of themselves; it opens no connection, and looks into no other user's process.

pub mod kinds;
pub mod look;
pub mod master;
pub mod resolve;
pub mod tunnels;
