//! Sessions that outlive a request: found by names that cannot be guessed, dropped when idle,
//! bounded in number.

use super::service::Seat;
use parking_lot::Mutex;
use rand::TryRng;
use rand::rngs::SysRng;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The sessions.
pub(super) struct SessionTable {
    sessions: Mutex<HashMap<String, Entry>>,
    max_sessions: usize,
    idle_expiry: Duration,
}

struct Entry {
    seat: Arc<Mutex<Seat>>,
    used: Instant,
}

/// Who knows a session's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A handshake gave it: `Mcp-Session-Id`.
    Handshake,
    /// `open_world` gave it.
    Handle,
}

/// No session can be added.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoSession {
    /// There are as many as may be.
    Full { max_sessions: usize },
    /// The system has no random bytes.
    NoChance(String),
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Handshake => "s-",
            Self::Handle => "w-",
        }
    }
}

impl SessionTable {
    pub(super) fn new(max_sessions: usize, idle_expiry: Duration) -> Self {
        Self { sessions: Mutex::default(), max_sessions, idle_expiry }
    }

    /// Adds a session; gives its name.
    ///
    /// # Errors
    /// [`NoSession`].
    pub(super) fn open(&self, kind: Kind, seat: Seat, now: Instant) -> Result<String, NoSession> {
        // A name is a secret: the system's chance and no seed's.
        let mut secret = [0; 16];
        SysRng.try_fill_bytes(&mut secret).map_err(|cause| NoSession::NoChance(cause.to_string()))?;
        let name = format!("{}{:032x}", kind.prefix(), u128::from_le_bytes(secret));
        let mut sessions = self.sessions.lock();
        if sessions.len() >= self.max_sessions {
            self.drop_idle(&mut sessions, now);
        }
        if sessions.len() >= self.max_sessions {
            return Err(NoSession::Full { max_sessions: self.max_sessions });
        }
        sessions.insert(name.clone(), Entry { seat: Arc::new(Mutex::new(seat)), used: now });
        Ok(name)
    }

    /// The session called `name`, which counts as used now.
    pub(super) fn get(&self, kind: Kind, name: &str, now: Instant) -> Option<Arc<Mutex<Seat>>> {
        let mut sessions = self.sessions.lock();
        let entry = sessions.get_mut(name).filter(|_| name.starts_with(kind.prefix()))?;
        if now.saturating_duration_since(entry.used) >= self.idle_expiry {
            sessions.remove(name);
            return None;
        }
        entry.used = now;
        Some(Arc::clone(&entry.seat))
    }

    /// Ends a session; whether there was one.
    pub(super) fn close(&self, kind: Kind, name: &str) -> bool {
        name.starts_with(kind.prefix()) && self.sessions.lock().remove(name).is_some()
    }

    /// Drops sessions that were not used for long.
    pub(super) fn expire(&self, now: Instant) {
        self.drop_idle(&mut self.sessions.lock(), now);
    }

    fn drop_idle(&self, sessions: &mut HashMap<String, Entry>, now: Instant) {
        sessions.retain(|_, entry| now.saturating_duration_since(entry.used) < self.idle_expiry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::{ServeOptions, service};

    #[test]
    fn sessions_are_bounded_and_expire_when_idle() {
        let world = crate::builtin_world("parcel_desk").expect("it is built in").load().expect("it loads");
        let service = service(world, ServeOptions::default()).expect("it serves");
        let table = SessionTable::new(2, Duration::from_secs(10));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let first = table.open(Kind::Handshake, service.seat(), at(0)).expect("room for two");
        let second = table.open(Kind::Handle, service.seat(), at(0)).expect("room for two");
        let full = NoSession::Full { max_sessions: 2 };
        assert_eq!(table.open(Kind::Handle, service.seat(), at(1)), Err(full));
        assert!(first != second && first.len() == 34);
        // A name of one kind is none of the other.
        assert!(table.get(Kind::Handle, &first, at(1)).is_none());
        assert!(table.get(Kind::Handshake, "s-0", at(1)).is_none());
        assert!(table.get(Kind::Handshake, &first, at(9)).is_some());
        // The second was idle for ten seconds and makes room; the first was used in between.
        let third = table.open(Kind::Handle, service.seat(), at(10)).expect("the idle one made room");
        assert!(table.get(Kind::Handle, &second, at(10)).is_none());
        assert!(table.get(Kind::Handshake, &first, at(18)).is_some());
        assert!(table.close(Kind::Handshake, &first) && !table.close(Kind::Handshake, &first));
        table.expire(at(20));
        assert!(table.sessions.lock().is_empty(), "{third} was idle too");
    }
}
