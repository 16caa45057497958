//! What stands in for a cluster where none runs: it speaks only what `kubectl port-forward` needs to say "Forwarding
//! from", which is discovery, one pod, and the upgrade to SPDY/3.1; then it answers SPDY's pings and nothing else. The
//! kubectl in front of it is the real one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

/// Serves on a loopback port until the test's process ends; the port.
pub fn kube_api() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream));
        }
    });
    port
}

fn serve(stream: TcpStream) -> Option<()> {
    let mut out = stream.try_clone().ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_owned();
            if line.is_empty() {
                break;
            }
            head.push(line);
        }
        let path = head.first()?.split(' ').nth(1)?.split('?').next()?.to_owned();
        let field = |name: &str| {
            head.iter().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        if path.ends_with("/portforward") {
            if field("upgrade").is_none_or(|to| !to.eq_ignore_ascii_case("SPDY/3.1")) {
                // A newer kubectl asks for a websocket first, and falls back.
                answer(
                    &mut out,
                    "400 Bad Request",
                    &json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 400 }),
                )?;
                continue;
            }
            let protocol = field("x-stream-protocol-version").unwrap_or_default();
            let text = format!(
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: {protocol}\r\n\r\n"
            );
            out.write_all(text.as_bytes()).ok()?;
            return pings(reader, out);
        }
        match object(&path) {
            Some(value) => answer(&mut out, "200 OK", &value)?,
            None => answer(
                &mut out,
                "404 Not Found",
                &json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404 }),
            )?,
        }
    }
}

fn answer(out: &mut TcpStream, status: &str, value: &Value) -> Option<()> {
    let body = value.to_string();
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    out.write_all(text.as_bytes()).ok()
}

fn object(path: &str) -> Option<Value> {
    Some(match path {
        "/api" => json!({ "kind": "APIVersions", "versions": ["v1"] }),
        "/apis" => json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [] }),
        "/api/v1" => json!({
            "kind": "APIResourceList", "groupVersion": "v1", "resources": [{
                "name": "pods", "singularName": "pod", "namespaced": true, "kind": "Pod", "verbs": ["get", "list"],
                "shortNames": ["po"],
            }],
        }),
        path if path.starts_with("/api/v1/namespaces/default/pods/") => json!({
            "kind": "Pod", "apiVersion": "v1",
            "metadata": { "name": path.rsplit('/').next()?, "namespace": "default" },
            "spec": { "containers": [{ "name": "web", "image": "web" }] },
            "status": { "phase": "Running" },
        }),
        _ => return None,
    })
}

/// Reads frames, each of 8 bytes and a length in the last three of them, and gives every ping back.
fn pings(mut reader: BufReader<TcpStream>, mut out: TcpStream) -> Option<()> {
    loop {
        let mut frame = [0; 8];
        reader.read_exact(&mut frame).ok()?;
        let length = u32::from_be_bytes([0, frame[5], frame[6], frame[7]]) as usize;
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        if frame[..4] == [0x80, 3, 0, 6] {
            out.write_all(&[&frame[..], &body].concat()).ok()?;
        }
    }
}
