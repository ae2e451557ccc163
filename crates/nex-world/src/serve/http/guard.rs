//! Who may speak to us: the names in `Host` and `Origin`.

use crate::serve::HttpOptions;
use axum::http::{HeaderMap, StatusCode, header};
use std::net::{IpAddr, SocketAddr};

/// Refuses a request that a page of another site may have made.
///
/// # Errors
/// 421 for a foreign `Host`, 403 for a foreign `Origin`.
pub(super) fn check(
    headers: &HeaderMap,
    addr: SocketAddr,
    options: &HttpOptions,
) -> Result<(), (StatusCode, &'static str)> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().filter(|_| hosts.next().is_none()).and_then(|host| host.to_str().ok());
    if !host.is_some_and(|host| is_own_host(host, addr, options)) {
        return Err((StatusCode::MISDIRECTED_REQUEST, "the Host is none of this server's"));
    }
    for origin in headers.get_all(header::ORIGIN) {
        if !origin.to_str().is_ok_and(|origin| is_own_origin(origin, addr, options)) {
            return Err((StatusCode::FORBIDDEN, "the Origin may not use this server"));
        }
    }
    Ok(())
}

fn is_own_host(host: &str, addr: SocketAddr, options: &HttpOptions) -> bool {
    let is_allowed =
        |name: &str| options.allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(name));
    is_allowed(host) || name_of(host).is_some_and(|name| is_allowed(name) || is_this_machine(name, addr))
}

fn is_own_origin(origin: &str, addr: SocketAddr, options: &HttpOptions) -> bool {
    if options.allowed_origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)) {
        return true;
    }
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.and_then(name_of).is_some_and(|name| is_this_machine(name, addr))
}

/// A host without its port; `None` where it is neither with one nor without.
fn name_of(authority: &str) -> Option<&str> {
    let (name, rest) = match authority.strip_prefix('[') {
        Some(inner) => inner.split_once(']')?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok() && port.bytes().all(|byte| byte.is_ascii_digit());
    (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port)).then_some(name)
}

/// Loopback, or the very address that is listened at.
fn is_this_machine(name: &str, addr: SocketAddr) -> bool {
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    match name.parse::<IpAddr>() {
        Ok(ip) => ip.is_loopback() || (ip == addr.ip() && !ip.is_unspecified()),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forged_names_are_told_from_our_own() {
        let options = HttpOptions {
            allowed_hosts: vec!["worlds.example".to_owned()],
            allowed_origins: vec!["https://app.example".to_owned()],
            ..HttpOptions::default()
        };
        let addr: SocketAddr = "192.0.2.7:8080".parse().expect("it is an address");
        let hosts = [
            ("localhost", true),
            ("LOCALHOST:8080", true),
            ("127.0.0.1:1", true),
            ("127.8.8.8", true),
            ("[::1]:8080", true),
            ("[::1]", true),
            ("192.0.2.7:8080", true),
            ("worlds.example", true),
            ("Worlds.Example:443", true),
            ("evil.example", false),
            ("evil.example:8080", false),
            ("localhost.evil.example", false),
            ("localhost:8080.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("evil.example#localhost", false),
            ("user@localhost", false),
            ("0.0.0.0", false),
            ("192.0.2.8", false),
            ("localhost:", false),
            ("localhost:+80", false),
            ("", false),
        ];
        for (host, expected) in hosts {
            assert_eq!(is_own_host(host, addr, &options), expected, "host {host}");
        }
        let origins = [
            ("http://localhost:3000", true),
            ("https://127.0.0.1", true),
            ("http://[::1]:5", true),
            ("https://app.example", true),
            ("http://app.example", false),
            ("https://app.example:444", false),
            ("https://evil.example", false),
            ("null", false),
            ("file://localhost", false),
            ("localhost", false),
            ("http://localhost.evil.example", false),
            ("", false),
        ];
        for (origin, expected) in origins {
            assert_eq!(is_own_origin(origin, addr, &options), expected, "origin {origin}");
        }
    }
}
