//! kitty's tab colour, by the socket its user opened (`listen_on`). Never by the terminal itself: kitty answers such a
//! message even when it is asked not to, and the answer would be typed into the shell. It waits for nothing: what the
//! socket does not take at once is not said.

use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketType};

use super::color::{BLACK, Rgb};
use crate::view::View;

/// Where kitty listens: `KITTY_LISTEN_ON=unix:…`, and this window's number. `None` without them, and for a `tcp:` address:
/// that one leaves the machine.
pub fn socket(view: &View) -> Option<(String, u32)> {
    let address = view.text("KITTY_LISTEN_ON")?.strip_prefix("unix:")?.to_string();
    let window = view.text("KITTY_WINDOW_ID")?.parse().ok()?;
    (!address.is_empty()).then_some((address, window))
}

/// Colours the tab of this window, or with `None` gives it its own colours back. Whether the socket took the message.
pub fn color_tab(view: &View, color: Option<Rgb>) -> bool {
    let Some((address, window)) = socket(view) else { return false };
    send(&address, &message(window, color)).is_some()
}

/// The message, as kitty 0.14.2 and later read it.
pub fn message(window: u32, color: Option<Rgb>) -> String {
    let number = |color: Option<Rgb>| color.map_or_else(|| "null".to_string(), |c| c.number().to_string());
    let text = color.map(Rgb::text);
    let dim = color.map(|c| if c.text() == BLACK { c } else { c.mixed(0, 67) });
    format!(
        "\x1bP@kitty-cmd{{\"cmd\":\"set-tab-color\",\"version\":[0,14,2],\"no_response\":true,\"payload\":\
         {{\"match\":\"window_id:{window}\",\"colors\":{{\"active_bg\":{},\"active_fg\":{},\"inactive_bg\":{},\
         \"inactive_fg\":{}}}}}}}\x1b\\",
        number(color),
        number(text),
        number(dim),
        number(text)
    )
}

/// No signal when nobody listens any more. Elsewhere Rust ignores that one from the start.
#[cfg(target_os = "linux")]
const QUIETLY: SendFlags = SendFlags::NOSIGNAL;
#[cfg(not(target_os = "linux"))]
const QUIETLY: SendFlags = SendFlags::empty();

fn send(address: &str, message: &str) -> Option<()> {
    let address = match address.strip_prefix('@') {
        #[cfg(target_os = "linux")]
        Some(name) => SocketAddrUnix::new_abstract_name(name.as_bytes()).ok()?,
        #[cfg(not(target_os = "linux"))]
        Some(_) => return None,
        None => SocketAddrUnix::new(address).ok()?,
    };
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).ok()?;
    rustix::io::ioctl_fionbio(&socket, true).ok()?;
    rustix::net::connect(&socket, &address).ok()?;
    let sent = rustix::net::send(&socket, message.as_bytes(), QUIETLY).ok()?;
    (sent == message.len()).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn red_and_back() {
        assert_eq!(
            message(3, Some(Rgb(0xc0, 0, 0))),
            "\x1bP@kitty-cmd{\"cmd\":\"set-tab-color\",\"version\":[0,14,2],\"no_response\":true,\"payload\":\
             {\"match\":\"window_id:3\",\"colors\":{\"active_bg\":12582912,\"active_fg\":16777215,\
             \"inactive_bg\":8388608,\"inactive_fg\":16777215}}}\x1b\\"
        );
        let back = message(3, None);
        assert_eq!(back.matches(":null").count(), 4, "{back}");
        assert!(serde_json::from_str::<serde_json::Value>(&back[12..back.len() - 2]).is_ok());
    }

    #[test]
    fn only_a_socket_of_this_machine() {
        let at = |address: &str| {
            let vars =
                vec![("KITTY_LISTEN_ON".into(), address.into()), ("KITTY_WINDOW_ID".into(), "7".into())];
            let world = crate::world::World { vars, cwd: None, uid: 0 };
            socket(&View::new(&world))
        };
        assert_eq!(at("unix:/tmp/k"), Some(("/tmp/k".into(), 7)));
        assert_eq!(at("unix:@k"), Some(("@k".into(), 7)));
        for refused in ["tcp:localhost:1", "unix:", "", "/tmp/k"] {
            assert_eq!(at(refused), None, "{refused}");
        }
    }
}
