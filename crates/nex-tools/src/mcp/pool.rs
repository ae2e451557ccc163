//! [`McpPool`]: servers are started once and used by many sessions, one after the other.
//!
//! Each spec has a shelf. A lease takes an idle server from it, after a health check, or starts
//! one while there is room, or waits in line. A server that comes back is reset as its spec says.
//! Starts are limited in number across all shelves; a spec that fails to start again and again is
//! tried more and more rarely. Everything that waits has a deadline.

use super::error::McpError;
use super::lease::McpLease;
use super::server::{ListCache, Server};
use super::spec::{Era, McpServerSpec, ResetPolicy};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a pool may do at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PoolConfig {
    /// Servers that start at the same time; starting is mostly CPU of the server's interpreter.
    pub max_starts: usize,
    /// Wait before the second attempt after a failed start; doubled with each further failure.
    pub backoff_ms: u64,
    /// The longest such wait.
    pub max_backoff_ms: u64,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self { max_starts: 4, backoff_ms: 250, max_backoff_ms: 30_000 }
    }
}

/// What a pool has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// Servers that were started.
    pub started: u64,
    /// Leases that got a server which ran before.
    pub reused: u64,
    /// Servers that failed their health check or reset and were ended.
    pub discarded: u64,
    /// Attempts to start that failed.
    pub start_failures: u64,
}

/// Servers for all sessions of a run. Cheap to clone. Dropping the last clone ends all servers
/// in the background; [`McpPool::close`] waits for it.
#[derive(Clone)]
pub struct McpPool {
    inner: Arc<Inner>,
}

struct Inner {
    config: PoolConfig,
    starts: Arc<Semaphore>,
    shelves: Mutex<HashMap<String, Arc<Shelf>>>,
    lists: Arc<ListCache>,
    counters: Arc<Counters>,
    is_closed: Arc<AtomicBool>,
}

#[derive(Default)]
struct Counters {
    started: AtomicU64,
    reused: AtomicU64,
    discarded: AtomicU64,
    start_failures: AtomicU64,
}

/// The servers of one spec.
pub(super) struct Shelf {
    spec: Arc<McpServerSpec>,
    config: PoolConfig,
    starts: Arc<Semaphore>,
    lists: Arc<ListCache>,
    counters: Arc<Counters>,
    is_closed: Arc<AtomicBool>,
    /// One permit for each server that may exist; fair.
    room: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
    shared: tokio::sync::Mutex<Option<Arc<Server>>>,
    history: Mutex<History>,
}

/// A server that nobody uses. It holds no permit: whoever leases it brings one.
struct Idle {
    server: Arc<Server>,
    since: Instant,
}

/// What earlier starts have shown.
#[derive(Default)]
struct History {
    era: Option<Era>,
    failures: u32,
    retry_at: Option<Instant>,
    last_failure: String,
}

impl McpPool {
    /// A pool without servers.
    pub fn new(config: PoolConfig) -> Self {
        let starts = Arc::new(Semaphore::new(config.max_starts.max(1)));
        let inner = Inner {
            config,
            starts,
            shelves: Mutex::default(),
            lists: Arc::default(),
            counters: Arc::default(),
            is_closed: Arc::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// A server of `spec` for one session: an idle one, a new one, or the next that comes free.
    ///
    /// # Errors
    /// It cannot be started, or none came free within the spec's limits.
    pub async fn lease(&self, spec: &McpServerSpec) -> Result<McpLease, McpError> {
        let shelf = self.shelf(spec)?;
        if spec.shared {
            let server = shelf.shared_server().await?;
            return Ok(McpLease::new(server, shelf, None));
        }
        let permit = shelf.wait_for_room().await?;
        let server = match shelf.healthy_idle().await {
            Some(server) => server,
            None => shelf.start().await?,
        };
        Ok(McpLease::new(server, shelf, Some(permit)))
    }

    /// What was done so far.
    pub fn stats(&self) -> PoolStats {
        let counters = &self.inner.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        PoolStats {
            started: read(&counters.started),
            reused: read(&counters.reused),
            discarded: read(&counters.discarded),
            start_failures: read(&counters.start_failures),
        }
    }

    /// Ends all servers that are not leased, and lets no new lease begin. Leased servers end when
    /// their lease does.
    pub async fn close(&self) {
        self.inner.is_closed.store(true, Ordering::Release);
        let shelves: Vec<_> = self.inner.shelves.lock().values().cloned().collect();
        let mut servers = Vec::new();
        for shelf in shelves {
            servers.extend(shelf.idle.lock().drain(..).map(|idle| idle.server));
            servers.extend(shelf.shared.lock().await.take());
        }
        futures_util::future::join_all(servers.iter().map(|server| server.shut_down())).await;
    }

    fn shelf(&self, spec: &McpServerSpec) -> Result<Arc<Shelf>, McpError> {
        if self.inner.is_closed.load(Ordering::Acquire) {
            return Err(McpError::Closed { server: spec.name.clone() });
        }
        let mut shelves = self.inner.shelves.lock();
        let shelf = shelves.entry(spec.key()).or_insert_with(|| {
            let shelf = Arc::new(Shelf {
                spec: Arc::new(spec.clone()),
                config: self.inner.config.clone(),
                starts: Arc::clone(&self.inner.starts),
                lists: Arc::clone(&self.inner.lists),
                counters: Arc::clone(&self.inner.counters),
                is_closed: Arc::clone(&self.inner.is_closed),
                room: Arc::new(Semaphore::new(spec.limits.max_servers.max(1))),
                idle: Mutex::default(),
                shared: tokio::sync::Mutex::default(),
                history: Mutex::default(),
            });
            tokio::spawn(end_idle(Arc::downgrade(&shelf)));
            shelf
        });
        Ok(Arc::clone(shelf))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Shelves may live on in leases; what comes back to them is ended.
        self.is_closed.store(true, Ordering::Release);
        for shelf in self.shelves.get_mut().values() {
            shelf.idle.lock().clear();
            if let Ok(mut shared) = shelf.shared.try_lock() {
                *shared = None;
            }
        }
    }
}

impl Shelf {
    pub(super) fn spec(&self) -> &Arc<McpServerSpec> {
        &self.spec
    }

    async fn wait_for_room(&self) -> Result<OwnedSemaphorePermit, McpError> {
        let limit = Duration::from_millis(self.spec.limits.lease_wait_ms);
        let room = Arc::clone(&self.room).acquire_owned();
        match tokio::time::timeout(limit, room).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(McpError::Closed { server: self.spec.name.clone() }),
            Err(_) => Err(McpError::Busy {
                server: self.spec.name.clone(),
                max_servers: self.spec.limits.max_servers,
                waited_ms: self.spec.limits.lease_wait_ms,
            }),
        }
    }

    /// An idle server that still answers. Reading its list is the check: it shows at once whether
    /// the server lives and whether it still offers the same.
    async fn healthy_idle(&self) -> Option<Arc<Server>> {
        loop {
            let server = self.idle.lock().pop()?.server;
            let limit = self.spec.limits.ping_timeout();
            if !server.is_closed() && matches!(tokio::time::timeout(limit, server.refresh()).await, Ok(Ok(_)))
            {
                self.counters.reused.fetch_add(1, Ordering::Relaxed);
                return Some(server);
            }
            self.counters.discarded.fetch_add(1, Ordering::Relaxed);
            server.kill();
        }
    }

    /// The one server that all leases share; started anew when it is gone.
    pub(super) async fn shared_server(&self) -> Result<Arc<Server>, McpError> {
        let mut shared = self.shared.lock().await;
        if let Some(server) = shared.as_ref().filter(|server| !server.is_closed()) {
            self.counters.reused.fetch_add(1, Ordering::Relaxed);
            return Ok(Arc::clone(server));
        }
        let server = self.start().await?;
        *shared = Some(Arc::clone(&server));
        Ok(server)
    }

    async fn start(&self) -> Result<Arc<Server>, McpError> {
        self.wait_out_backoff().await?;
        let waited_ms = self.spec.limits.lease_wait_ms;
        let turn = tokio::time::timeout(Duration::from_millis(waited_ms), self.starts.acquire()).await;
        let _turn = turn.map_err(|_| McpError::StartQueue { server: self.spec.name.clone(), waited_ms })?;
        let known = self.history.lock().era;
        let started = Server::start(&self.spec, known, &self.lists).await;
        let mut history = self.history.lock();
        match started {
            Ok(server) => {
                *history = History { era: Some(server.era()), ..History::default() };
                self.counters.started.fetch_add(1, Ordering::Relaxed);
                Ok(Arc::new(server))
            }
            Err(error) => {
                let doublings = history.failures.min(16);
                let wait_ms = (self.config.backoff_ms << doublings).min(self.config.max_backoff_ms);
                // The era may have changed with an upgrade; the next attempt probes again.
                history.era = None;
                history.failures += 1;
                history.retry_at = Some(Instant::now() + Duration::from_millis(wait_ms));
                history.last_failure = error.to_string();
                self.counters.start_failures.fetch_add(1, Ordering::Relaxed);
                Err(error)
            }
        }
    }

    /// Waits until a spec that failed to start may be tried again, if that is soon.
    async fn wait_out_backoff(&self) -> Result<(), McpError> {
        let (wait, failures, cause) = {
            let history = self.history.lock();
            let Some(retry_at) = history.retry_at else { return Ok(()) };
            let wait = retry_at.saturating_duration_since(Instant::now());
            (wait, history.failures, history.last_failure.clone())
        };
        if wait > Duration::from_millis(self.spec.limits.lease_wait_ms) {
            let (server, retry_in_ms) = (self.spec.name.clone(), wait.as_millis() as u64);
            return Err(McpError::Backoff { server, failures, retry_in_ms, cause });
        }
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// Takes a server back after a lease: resets it and puts it on the shelf, or ends it.
    pub(super) async fn take_back(&self, server: Arc<Server>, permit: Option<OwnedSemaphorePermit>) {
        if self.spec.shared {
            return;
        }
        let is_fit = !server.is_closed() && !self.is_closed.load(Ordering::Acquire);
        let is_reset = is_fit
            && match &self.spec.reset {
                ResetPolicy::Restart => false,
                ResetPolicy::Reuse => true,
                ResetPolicy::ResetTool(tool) => {
                    let answer = server.call(tool, serde_json::json!({})).await;
                    let is_done = matches!(&answer, Ok(result) if !result.output.is_error);
                    if !is_done {
                        self.counters.discarded.fetch_add(1, Ordering::Relaxed);
                        tracing::warn!(server = %self.spec.name, tool, ?answer, "reset failed; the server is ended");
                    }
                    is_done
                }
            };
        if is_reset {
            self.idle.lock().push(Idle { server, since: Instant::now() });
            // The pool may have been closed in between; then nobody else would end the server.
            if self.is_closed.load(Ordering::Acquire) {
                self.idle.lock().clear();
            }
        } else {
            server.shut_down().await;
        }
        drop(permit);
    }
}

/// Ends servers that were idle for too long, for as long as the shelf exists.
async fn end_idle(shelf: Weak<Shelf>) {
    loop {
        let Some(limit) = shelf.upgrade().map(|shelf| shelf.spec.limits.idle_timeout_ms) else { return };
        let limit = Duration::from_millis(limit);
        tokio::time::sleep((limit / 4).clamp(Duration::from_millis(10), Duration::from_secs(10))).await;
        let Some(shelf) = shelf.upgrade() else { return };
        let mut ended = Vec::new();
        shelf.idle.lock().retain(|idle| {
            let stays = idle.since.elapsed() < limit && !idle.server.is_closed();
            if !stays {
                ended.push(Arc::clone(&idle.server));
            }
            stays
        });
        for server in ended {
            server.shut_down().await;
        }
    }
}
