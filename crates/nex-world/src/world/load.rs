//! From the text of a world file to a [`World`], or to everything that is wrong with it.
//!
//! Four passes: names and types of entities, then expressions over them, then operations and
//! policies, then the tools' schemas. Problems are gathered, not thrown at the first; a file that
//! is large, deep or full of aliases is refused by the YAML reader's budget before anything is built.

mod actions;
mod arguments;
mod declarations;
mod entities;
mod generators;
mod operations;
mod order;
mod plans;
mod policies;
mod returns;

use crate::error::{Problem, WorldError};
use crate::expr::{Program, Scope, compile};
use crate::generate::{PoolTable, RecentStates};
use crate::schema::Schema;
use crate::spec::{DynamicsSpec, Source, Spanned, WorldSpec};
use crate::suggest::nearest;
use crate::text::Language;
use crate::value::{Type, parse_datetime};
use crate::world::World;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Bytes of a world file.
const MAX_BYTES: u64 = 1 << 20;

impl World {
    /// The world in the file at `path`.
    ///
    /// # Errors
    /// [`WorldError`], with the file and the lines concerned.
    pub fn load(path: impl AsRef<Path>) -> Result<Arc<Self>, WorldError> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let unreadable = |cause| WorldError::Unreadable { path: name.clone(), cause };
        let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
        if bytes > MAX_BYTES {
            return Err(WorldError::TooLarge { path: name, bytes, limit: MAX_BYTES });
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Self::from_yaml(&text, &name)
    }

    /// The world in `text`; `file` names it in errors.
    ///
    /// # Errors
    /// [`WorldError`], with the lines concerned.
    pub fn from_yaml(text: &str, file: &str) -> Result<Arc<Self>, WorldError> {
        if text.len() as u64 > MAX_BYTES {
            return Err(WorldError::TooLarge {
                path: file.to_owned(),
                bytes: text.len() as u64,
                limit: MAX_BYTES,
            });
        }
        let spec = read(text, file)?;
        let world = Loader::new(&spec).finish(file, text)?;
        // A world of which no state can be made is of no use; better said now than in a rollout.
        for language in [Language::En, Language::Zh] {
            world.initial_state(0, language)?;
        }
        Ok(Arc::new(world))
    }
}

/// The file as it is written.
pub(crate) fn read(text: &str, file: &str) -> Result<WorldSpec, WorldError> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_aliases: 200,
            max_anchors: 100,
            max_depth: 40,
            max_documents: 1,
            max_nodes: 100_000,
            max_events: 400_000,
            max_total_scalar_bytes: 2 << 20,
            max_merge_keys: 100,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 20_000,
            max_replay_stack_depth: 8,
            max_alias_expansions_per_anchor: 200,
        },
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let line = error.location().map_or(0, |location| location.line());
        WorldError::Yaml { file: file.to_owned(), line, message: explain(&error.to_string()) }
    })
}

/// The reader's words without the place, which stands before them, and with a "did you mean"
/// where a key is unknown.
fn explain(message: &str) -> String {
    let said = message.rfind(" at line ").map_or(message, |at| &message[..at]);
    let said = said.replace(", set DuplicateKeyPolicy in Options if acceptable", "");
    let wrong = said.split('`').nth(1).filter(|_| said.starts_with("unknown"));
    let known = said.split_once("expected one of ").map(|(_, known)| known.split(", ").collect::<Vec<_>>());
    let near = wrong.zip(known).and_then(|(wrong, known)| {
        let known: Vec<&str> = known.iter().map(|name| name.trim_matches('`')).collect();
        nearest(wrong, &known)
    });
    match near {
        Some(near) => format!("{said}; did you mean `{near}`?"),
        None => said,
    }
}

/// What a load has so far.
struct Loader<'a> {
    spec: &'a WorldSpec,
    problems: Vec<Problem>,
    schema: Schema,
    pools: PoolTable,
}

fn line_of<T>(spanned: &Spanned<T>) -> u64 {
    spanned.referenced.line()
}

impl<'a> Loader<'a> {
    fn new(spec: &'a WorldSpec) -> Self {
        Self { spec, problems: Vec::new(), schema: Schema::default(), pools: PoolTable::default() }
    }

    fn finish(mut self, file: &str, text: &str) -> Result<World, WorldError> {
        let spec = self.spec;
        self.check_name(&spec.world.value, line_of(&spec.world), "world");
        let now = parse_datetime(&spec.now.value).unwrap_or_else(|| {
            let message = format!("`{}` is no moment; write 2026-03-16T09:00:00", spec.now.value);
            self.problem(line_of(&spec.now), "now", message);
            0
        });
        self.check_dynamics(&spec.dynamics, 0, "dynamics");
        self.declare_entities();
        self.declare_operations();
        self.give_up_if_wrong(file)?;
        self.compile_derived();
        self.compile_pools();
        let plans = self.compile_plans();
        let mut operations = self.compile_operations();
        let policies = self.compile_policies(&mut operations);
        self.give_up_if_wrong(file)?;
        let declarations = self.declarations(&operations);
        self.give_up_if_wrong(file)?;
        let operation_by_name: HashMap<String, u16> =
            operations.iter().map(|operation| (operation.name.clone(), operation.index)).collect();
        Ok(World {
            name: spec.world.value.clone(),
            version: spec.version,
            title: spec.title.clone(),
            domain: spec.domain.clone(),
            role: spec.role.clone(),
            currency: spec.currency.clone(),
            now,
            schema: self.schema,
            pools: self.pools,
            plans,
            operations,
            operation_by_name,
            policies,
            dynamics: spec.dynamics.clone(),
            declarations,
            fingerprint: *blake3::hash(text.as_bytes()).as_bytes(),
            source: text.into(),
            recent: RecentStates::default(),
        })
    }

    fn give_up_if_wrong(&mut self, file: &str) -> Result<(), WorldError> {
        if self.problems.is_empty() {
            return Ok(());
        }
        let mut problems = std::mem::take(&mut self.problems);
        problems.sort_by_key(|problem| problem.line);
        Err(WorldError::Invalid { file: file.to_owned(), problems })
    }

    fn problem(&mut self, line: u64, place: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem { line, place: place.into(), message: message.into() });
    }

    /// Compiles an expression, or notes what is wrong with it.
    fn expression(
        &mut self,
        scope: &Scope,
        source: &Source,
        place: &str,
        expected: Option<&Type>,
    ) -> Option<Program> {
        self.text_expression(scope, &source.value, line_of(source), place, expected)
    }

    fn text_expression(
        &mut self,
        scope: &Scope,
        text: &str,
        line: u64,
        place: &str,
        expected: Option<&Type>,
    ) -> Option<Program> {
        match compile(&self.schema, scope, text, expected) {
            Ok(program) => Some(program),
            Err(error) => {
                self.expression_problem(line, place, text, &error);
                None
            }
        }
    }

    fn expression_problem(&mut self, line: u64, place: &str, text: &str, error: &crate::expr::ExprError) {
        let at = text.get(..error.at).map_or(0, |before| before.chars().count()) + 1;
        self.problem(line, place, format!("{} (at character {at} of `{text}`)", error.message));
    }

    /// Lower case letters, digits and `_`, and no word that expressions use.
    fn check_name(&mut self, name: &str, line: u64, place: &str) {
        const RESERVED: [&str; 20] = [
            "and", "or", "not", "in", "true", "false", "null", "now", "today", "it", "this", "new", "where",
            "as", "if", "exists", "count", "called", "calls", "id",
        ];
        let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            && name.len() <= 64;
        if !is_plain {
            self.problem(
                line,
                place,
                format!("`{name}` is no name; use lower case letters, digits and _, beginning with a letter"),
            );
        } else if RESERVED.contains(&name) {
            self.problem(
                line,
                place,
                format!("`{name}` is a word of the expression language; use another name"),
            );
        }
    }

    fn check_dynamics(&mut self, dynamics: &DynamicsSpec, line: u64, place: &str) {
        let shares = [
            ("transient_fault", dynamics.transient_fault),
            ("outage", dynamics.outage),
            ("truncate", dynamics.truncate),
            ("verbose", dynamics.verbose),
            ("stale_read", dynamics.stale_read),
        ];
        for (name, share) in shares {
            if share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
                self.problem(line, format!("{place}.{name}"), "is a chance between 0 and 1");
            }
        }
        if dynamics.latency_ms.is_some_and(|latency| latency.typical > latency.worst) {
            self.problem(line, format!("{place}.latency_ms"), "`typical` is greater than `worst`");
        }
        if dynamics
            .latency_ms
            .is_some_and(|latency| latency.least.is_some_and(|least| least > latency.typical))
        {
            self.problem(line, format!("{place}.latency_ms"), "`least` is greater than `typical`");
        }
        let spread = dynamics.latency_ms.and_then(|latency| latency.spread);
        if spread.is_some_and(|spread| !(spread > 0.0 && spread <= 3.0)) {
            self.problem(line, format!("{place}.latency_ms.spread"), "is above 0 and at most 3");
        }
        if dynamics.rate_limit.is_some_and(|limit| limit.calls == 0 || limit.window_s == 0) {
            self.problem(line, format!("{place}.rate_limit"), "`calls` and `window_s` are at least 1");
        }
    }
}
