//! One session in a world: its state, its virtual clock, and what was called.
//!
//! `call` is the only way to act. A refusal is a reply with `is_error`, never an `Err`; there is
//! no I/O, no wall clock and no chance but the seed's, so the same calls give the same bytes.

mod arguments;
mod chance;
mod change;
mod execute;
mod record;
mod reply;
mod search;

use crate::error::GenerateError;
use crate::expr::{Env, Frame};
use crate::history::CallHistory;
use crate::schema::Schema;
use crate::spec::{DynamicsSpec, LatencySpec, RateLimitSpec};
use crate::state::State;
use crate::state::hash::StateHash;
use crate::text::Language;
use crate::world::{Operation, World};
use chance::Chance;
pub(crate) use chance::latencies_ms;
pub use record::{CallRecord, Fault, Outcome, SessionExport};
use record::{LogEntry, LoggedArgs};
pub use reply::OpReply;
use reply::{Refusal, Reply};
use serde_json::Value as Json;
use std::collections::VecDeque;
use std::sync::Arc;

/// Calls that one session serves.
const MAX_CALLS: u32 = 1_000_000;

/// How a session differs from the world's own ways.
#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    /// The language of generated words.
    pub language: Language,
    /// Dynamics in place of the world's and its operations', key by key.
    pub dynamics: DynamicsSpec,
    /// No latency and no faults at all, whatever world and `dynamics` say.
    pub calm: bool,
    /// Tools take their latency in real time too, by waiting; for shows and for load tests.
    pub real_latency: bool,
    /// The state to begin with; generated from the seed where it is not given.
    pub state: Option<State>,
}

/// One session in a world.
#[derive(Clone, Debug)]
pub struct WorldSession {
    world: Arc<World>,
    seed: u64,
    language: Language,
    real_latency: bool,
    state: State,
    /// The state before the last write, where stale reads can happen.
    previous: Option<State>,
    keeps_previous: bool,
    history: CallHistory,
    log: Vec<LogEntry>,
    /// Virtual milliseconds since the start.
    clock_ms: u64,
    /// Beside the world's operations.
    dynamics: Arc<[Dynamics]>,
    /// Times of served calls, for the world's rate limit and then each operation's own.
    windows: Vec<VecDeque<u64>>,
    frame: Scratch,
}

/// Locals reused from call to call; a clone starts with fresh ones.
#[derive(Debug, Default)]
struct Scratch(Frame);

impl Clone for Scratch {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// An operation's dynamics with everything settled.
#[derive(Clone, Debug)]
struct Dynamics {
    latency: Option<LatencySpec>,
    transient_fault: f64,
    is_down: bool,
    /// The limit and which window counts for it.
    rate_limit: Option<(RateLimitSpec, usize)>,
    truncate: f64,
    verbose: f64,
    stale_read: f64,
}

/// A session at one moment, to go back to.
#[derive(Clone, Debug)]
pub struct Snapshot {
    session: WorldSession,
}

impl WorldSession {
    /// A session whose state comes from `seed`, unless `options` bring one.
    ///
    /// # Errors
    /// [`GenerateError`]: no state can be made from this seed.
    pub fn new(world: Arc<World>, seed: u64, options: SessionOptions) -> Result<Self, GenerateError> {
        let state = match options.state {
            Some(state) => state,
            None => world.initial_state(seed, options.language)?,
        };
        let dynamics: Vec<Dynamics> = world
            .operations
            .iter()
            .map(|operation| {
                if options.calm {
                    Dynamics::calm()
                } else {
                    Dynamics::settle(operation, &world.dynamics, &options.dynamics, seed)
                }
            })
            .collect();
        let windows = vec![VecDeque::new(); world.operations.len() + 1];
        Ok(Self {
            seed,
            language: options.language,
            real_latency: options.real_latency,
            state,
            previous: None,
            keeps_previous: dynamics.iter().any(|dynamics| dynamics.stale_read > 0.0),
            history: CallHistory::default(),
            log: Vec::new(),
            clock_ms: 0,
            dynamics: dynamics.into(),
            windows,
            frame: Scratch::default(),
            world,
        })
    }

    /// Calls an operation by name. `arguments` is an object; null counts as an empty one.
    pub fn call(&mut self, operation: &str, arguments: &Json) -> OpReply {
        let at_ms = self.clock_ms;
        let index = self.log.len() as u32;
        let world = Arc::clone(&self.world);
        let mut entry = LogEntry::new(index, at_ms);
        let reply = match world.operation(operation) {
            _ if index >= MAX_CALLS => {
                return OpReply::refused(
                    index,
                    Refusal::new("call_limit", format!("a session serves {MAX_CALLS} calls")),
                );
            }
            None => {
                entry.unknown = Some((operation.to_owned(), arguments.clone()));
                let known = world.operations.iter().map(|known| known.name.as_str());
                let hint = crate::suggest::did_you_mean(operation, known);
                Err(Refusal::new("unknown_operation", format!("there is no operation `{operation}`{hint}")))
            }
            Some(operation) => self.serve(&world, operation, arguments, &mut entry),
        };
        let reply = OpReply::new(reply, &entry, self.world.schema());
        entry.error = reply.error.clone();
        self.log.push(entry);
        reply
    }

    fn serve(
        &mut self,
        world: &World,
        operation: &Operation,
        arguments: &Json,
        entry: &mut LogEntry,
    ) -> Result<Reply, Refusal> {
        entry.operation = Some(operation.index);
        let dynamics = self.dynamics[usize::from(operation.index)].clone();
        let chance = Chance::draw(self.seed, entry.index);
        entry.latency_ms = dynamics.latency.map_or(0, |latency| chance.latency_ms(latency));
        self.clock_ms += u64::from(entry.latency_ms);
        if let Err(refusal) = self.admit(&dynamics, &chance, entry) {
            entry.args = LoggedArgs::Raw(arguments.clone());
            return Err(refusal);
        }
        let stale = match &self.previous {
            Some(previous) if !operation.kind.is_write() && chance.stale < dynamics.stale_read => {
                Some(previous.clone())
            }
            _ => None,
        };
        if stale.is_some() {
            entry.faults.push(Fault::StaleRead);
        }
        let read_from = stale.as_ref().unwrap_or(&self.state);
        let parsed = match arguments::parse(world, operation, arguments, read_from) {
            Ok(parsed) => parsed,
            Err(refusal) => {
                entry.args = LoggedArgs::Raw(arguments.clone());
                return Err(refusal);
            }
        };
        let now = world.now + (self.clock_ms / 1000) as i64;
        let before = (self.keeps_previous && operation.kind.is_write()).then(|| self.state.clone());
        let frame = &mut self.frame.0;
        frame.reset(operation.slots);
        for (at, value) in parsed.values.iter().enumerate() {
            frame.set(at as u16, value.clone());
        }
        entry.args = LoggedArgs::Typed(Arc::clone(&parsed.values), parsed.cursor);
        let truncate_to = (chance.truncate < dynamics.truncate).then_some(chance.short_page);
        let result = match &stale {
            Some(stale) => {
                let env = Env { schema: &world.schema, state: stale, now, calls: &self.history };
                execute::read(world, operation, &parsed, env, frame, truncate_to)
            }
            None => execute::run(
                execute::Run {
                    world,
                    operation,
                    parsed: &parsed,
                    seed: self.seed,
                    language: self.language,
                    now,
                    calls: &self.history,
                },
                &mut self.state,
                frame,
                truncate_to,
            ),
        };
        let mut done = result?;
        entry.violations = std::mem::take(&mut done.violations);
        entry.has_changed = done.has_changed;
        if done.is_truncated {
            entry.faults.push(Fault::Truncated);
        }
        if chance.verbose < dynamics.verbose {
            entry.faults.push(Fault::Verbose);
            done.add_noise(&chance, world);
        }
        if done.has_changed
            && let Some(before) = before
        {
            self.previous = Some(before);
        }
        self.history.push(operation.index, parsed.values);
        Ok(done)
    }

    /// Whether the call is served at all: outages, rate limits, transient faults.
    fn admit(&mut self, dynamics: &Dynamics, chance: &Chance, entry: &mut LogEntry) -> Result<(), Refusal> {
        if dynamics.is_down {
            entry.faults.push(Fault::Outage);
            return Err(Refusal::new(
                "service_down",
                "this operation is out of service until further notice".to_owned(),
            ));
        }
        if let Some((limit, window)) = dynamics.rate_limit {
            let window = &mut self.windows[window];
            let length_ms = u64::from(limit.window_s) * 1000;
            while window.front().is_some_and(|at| at + length_ms <= self.clock_ms) {
                window.pop_front();
            }
            if window.len() >= limit.calls as usize {
                entry.faults.push(Fault::RateLimited);
                // Time is virtual: whoever calls again has waited.
                let opens_ms = window.front().map_or(self.clock_ms, |at| at + length_ms);
                let wait_s = (opens_ms - self.clock_ms).div_ceil(1000);
                self.clock_ms = opens_ms;
                let message =
                    format!("at most {} calls in {} s; try again in {wait_s} s", limit.calls, limit.window_s);
                return Err(Refusal::new("rate_limited", message));
            }
            window.push_back(self.clock_ms);
        }
        if chance.transient < dynamics.transient_fault {
            entry.faults.push(Fault::Transient);
            return Err(Refusal::new(
                "unavailable",
                "temporarily unavailable, nothing was done; try again".to_owned(),
            ));
        }
        Ok(())
    }

    /// The world.
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether callers wait out the latency of each reply.
    pub fn has_real_latency(&self) -> bool {
        self.real_latency
    }

    /// The state now.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The canonical hash of the state now.
    pub fn state_hash(&self) -> StateHash {
        self.state.hash(self.schema())
    }

    /// Virtual milliseconds since the start.
    pub fn clock_ms(&self) -> u64 {
        self.clock_ms
    }

    /// The virtual time, seconds since 1970-01-01T00:00:00.
    pub fn now(&self) -> i64 {
        self.world.now + (self.clock_ms / 1000) as i64
    }

    /// How many calls were made.
    pub fn call_count(&self) -> usize {
        self.log.len()
    }

    /// What was called, in order.
    pub fn log(&self) -> Vec<CallRecord> {
        self.log.iter().map(|entry| entry.record(&self.world)).collect()
    }

    /// The session as it is, to go back to or to branch from.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { session: self.clone() }
    }

    /// Goes back to `snapshot`: state, clock, log and chance.
    pub fn restore(&mut self, snapshot: &Snapshot) {
        self.clone_from(&snapshot.session);
    }

    /// State and log, for a verifier.
    pub fn export(&self) -> SessionExport {
        SessionExport {
            world: self.world.name.clone(),
            version: self.world.version,
            seed: self.seed,
            language: self.language,
            clock_ms: self.clock_ms,
            state: self.state.to_json(self.schema()),
            log: self.log(),
        }
    }

    fn schema(&self) -> &Schema {
        &self.world.schema
    }
}

impl Dynamics {
    fn calm() -> Self {
        Self {
            latency: None,
            transient_fault: 0.0,
            is_down: false,
            rate_limit: None,
            truncate: 0.0,
            verbose: 0.0,
            stale_read: 0.0,
        }
    }

    /// The session's wish first, then the operation's, then the world's.
    fn settle(operation: &Operation, world: &DynamicsSpec, wish: &DynamicsSpec, seed: u64) -> Self {
        let own = &operation.dynamics;
        let share =
            |pick: fn(&DynamicsSpec) -> Option<f64>| pick(wish).or(pick(own)).or(pick(world)).unwrap_or(0.0);
        let own_window = usize::from(operation.index) + 1;
        let rate_limit = match (wish.rate_limit, own.rate_limit, world.rate_limit) {
            (Some(limit), _, _) => Some((limit, 0)),
            (None, Some(limit), _) => Some((limit, own_window)),
            (None, None, limit) => limit.map(|limit| (limit, 0)),
        };
        Self {
            latency: wish.latency_ms.or(own.latency_ms).or(world.latency_ms),
            transient_fault: share(|d| d.transient_fault),
            is_down: chance::is_down(seed, operation.index, share(|d| d.outage)),
            rate_limit,
            truncate: share(|d| d.truncate),
            verbose: share(|d| d.verbose),
            stale_read: share(|d| d.stale_read),
        }
    }
}
