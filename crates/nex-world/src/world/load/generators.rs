//! Generators of fields and arguments, and the pools that they draw from.

use super::{Loader, line_of};
use crate::expr::{Program, Scope, compile_query};
use crate::generate::{Generator, Piece, PoolWords, Source, TimeBound};
use crate::spec::{GenKeys, GenSpec, Spanned};
use crate::suggest::did_you_mean;
use crate::text::Scalar;
use crate::value::{DAY_S, Type, parse_date, parse_datetime, parse_scaled};

const KINDS: [&str; 7] = ["person_name", "company", "email", "phone", "city", "address", "sentence"];
/// Entries of one pool.
const MAX_WORDS: usize = 5_000;

/// What a generator is for.
pub(super) struct GenFor<'s> {
    pub(super) kind: &'s Type,
    pub(super) optional: bool,
    pub(super) unique: bool,
    pub(super) scope: &'s Scope,
    pub(super) place: &'s str,
    pub(super) line: u64,
}

impl Loader<'_> {
    pub(super) fn compile_pools(&mut self) {
        let spec = self.spec;
        for (name, pool) in &spec.pools {
            let place = format!("pools.{name}");
            self.check_name(name, 0, &place);
            for words in [Some(&pool.en), pool.zh.as_ref()].into_iter().flatten() {
                if words.is_empty() || words.len() > MAX_WORDS {
                    self.problem(0, &place, format!("a pool has 1 to {MAX_WORDS} words"));
                }
            }
            self.pools.pools.push(PoolWords { name: name.clone(), ..PoolWords::default() });
        }
        for (at, (name, pool)) in spec.pools.iter().enumerate() {
            let place = format!("pools.{name}");
            let scope = Scope::default();
            let mut cut = |words: &[String]| -> Vec<Vec<Piece>> {
                words.iter().map(|word| self.pieces(word, &scope, 0, &place)).collect()
            };
            let en = cut(&pool.en);
            let zh = pool.zh.as_deref().map(&mut cut);
            self.pools.pools[at].en = en;
            self.pools.pools[at].zh = zh;
        }
        self.refuse_pool_cycles();
    }

    fn refuse_pool_cycles(&mut self) {
        let uses = |pool: &PoolWords| -> Vec<usize> {
            let entries = pool.en.iter().chain(pool.zh.iter().flatten());
            entries
                .flatten()
                .filter_map(|piece| match piece {
                    Piece::Pool(at) => Some(*at),
                    _ => None,
                })
                .collect()
        };
        let edges: Vec<Vec<usize>> = self.pools.pools.iter().map(uses).collect();
        for start in 0..edges.len() {
            let mut seen = vec![false; edges.len()];
            let mut todo = edges[start].clone();
            while let Some(next) = todo.pop() {
                if next == start {
                    let place = format!("pools.{}", self.pools.pools[start].name);
                    self.problem(0, place, "draws from itself, by way of other pools");
                    break;
                }
                if !std::mem::replace(&mut seen[next], true) {
                    todo.extend(&edges[next]);
                }
            }
        }
    }

    /// The generator written in `spec`, or the type's own.
    pub(super) fn generator(&mut self, spec: Option<&Spanned<GenSpec>>, target: &GenFor<'_>) -> Generator {
        match spec {
            Some(spec) => {
                let keys = &spec.value.0;
                let line = if line_of(spec) == 0 { target.line } else { line_of(spec) };
                self.written(keys, &GenFor { line, ..*target })
            }
            None if target.optional => plain(Source::Null),
            None => {
                let keys = GenKeys::default();
                self.written(&keys, target)
            }
        }
    }

    fn written(&mut self, keys: &GenKeys, target: &GenFor<'_>) -> Generator {
        let when = keys.when.as_ref().and_then(|source| {
            self.expression(target.scope, source, &format!("{}.when", target.place), Some(&Type::Bool))
        });
        let null_rate = keys.null_rate.unwrap_or(0.0);
        if !(0.0..=1.0).contains(&null_rate) {
            self.problem(target.line, target.place, "`null_rate` is a share between 0 and 1");
        }
        if (keys.null_rate.is_some() || (keys.when.is_some() && !keys.cases.is_empty())) && !target.optional {
            self.problem(target.line, target.place, "only an optional field can be null");
        }
        let source = self.source(keys, target);
        let mut cases = Vec::new();
        for (at, case) in keys.cases.iter().enumerate() {
            let place = format!("{}.cases[{at}]", target.place);
            let line = line_of(case).max(target.line);
            let mut case = case.value.0.clone();
            let Some(condition) = case.when.take() else {
                self.problem(line, &place, "a case needs `when`");
                continue;
            };
            let condition =
                self.expression(target.scope, &condition, &format!("{place}.when"), Some(&Type::Bool));
            let generator = self.written(&case, &GenFor { place: &place, line, ..*target });
            if let Some(condition) = condition {
                cases.push((condition, generator));
            }
        }
        Generator { source, when, null_rate, cases }
    }

    fn source(&mut self, keys: &GenKeys, target: &GenFor<'_>) -> Source {
        if let Some(value) = &keys.value {
            let program =
                self.expression(target.scope, value, &format!("{}.value", target.place), Some(target.kind));
            return program.map_or(Source::Null, Source::Value);
        }
        match target.kind {
            Type::Str => self.text_source(keys, target),
            Type::Int | Type::Decimal | Type::Money => self.number_source(keys, target),
            Type::Bool => {
                let share = keys.min.as_ref().map_or(Ok(0.5), |share| share.value.0.parse::<f64>());
                match share {
                    Ok(share) if (0.0..=1.0).contains(&share) => Source::Bool(share),
                    _ => {
                        self.problem(
                            target.line,
                            target.place,
                            "`min` of a bool is its share of true, 0 to 1",
                        );
                        Source::Bool(0.5)
                    }
                }
            }
            Type::Date => self.time_source(keys, target, true),
            Type::DateTime => self.time_source(keys, target, false),
            Type::Enum(id) => {
                let mut values: Vec<_> = self
                    .schema
                    .enum_def(*id)
                    .values
                    .iter()
                    .map(|entry| (entry.symbol, entry.weight))
                    .collect();
                if !keys.weights.is_empty() {
                    values.clear();
                    for (name, weight) in &keys.weights {
                        match self.schema.enum_value(*id, name) {
                            Some(symbol) => values.push((symbol, *weight)),
                            None => {
                                let def = self.schema.enum_def(*id);
                                let known = def.values.iter().map(|entry| self.schema.symbol(entry.symbol));
                                let hint = did_you_mean(name, known);
                                self.problem(
                                    target.line,
                                    target.place,
                                    format!("unknown value `{name}`{hint}"),
                                );
                            }
                        }
                    }
                    if !values.iter().all(|(_, weight)| *weight >= 0.0)
                        || !values.iter().any(|(_, w)| *w > 0.0)
                    {
                        self.problem(
                            target.line,
                            target.place,
                            "weights are not negative, and one is above 0",
                        );
                    }
                }
                Source::Enum(values)
            }
            Type::Record(entity) => {
                let name = self.schema.entity(*entity).name.clone();
                let text = match &keys.filter {
                    Some(filter) => format!("{name} where {}", filter.value),
                    None => name,
                };
                let line = keys.filter.as_ref().map_or(target.line, line_of);
                let mut scope = target.scope.clone();
                match compile_query(&self.schema, &mut scope, &text, None) {
                    Ok(selection) => Source::Ref { selection, skew: keys.skew, is_unique: target.unique },
                    Err(error) => {
                        self.expression_problem(line, target.place, &text, &error);
                        Source::Null
                    }
                }
            }
            Type::List(item) => {
                let (min, max) =
                    (self.list_bound(keys.min.as_ref(), target), self.list_bound(keys.max.as_ref(), target));
                let max = max.max(min);
                if max == 0 {
                    return Source::List { min, max, item: Box::new(plain(Source::Null)) };
                }
                let inner = GenKeys {
                    min: None,
                    max: None,
                    when: None,
                    null_rate: None,
                    cases: Vec::new(),
                    ..keys.clone()
                };
                let item_for = GenFor { kind: item, unique: false, optional: false, ..*target };
                let item = Box::new(self.written(&inner, &item_for));
                Source::List { min, max, item }
            }
            Type::Null | Type::Duration => Source::Null,
        }
    }

    fn list_bound(&mut self, bound: Option<&Spanned<Scalar>>, target: &GenFor<'_>) -> u32 {
        const MOST: u32 = 1_000;
        match bound.map(|bound| bound.value.0.parse::<u32>()) {
            None => 0,
            Some(Ok(number)) if number <= MOST => number,
            Some(_) => {
                self.problem(
                    target.line,
                    target.place,
                    format!("`min` and `max` of a list are numbers of items, 0 to {MOST}"),
                );
                0
            }
        }
    }

    fn text_source(&mut self, keys: &GenKeys, target: &GenFor<'_>) -> Source {
        if let Some(pool) = &keys.pool {
            let line = line_of(pool).max(target.line);
            return self.pool_at(&pool.value, line, target.place).map_or(Source::Null, Source::Pool);
        }
        if let Some(template) = &keys.template {
            let en = self.pieces(&template.en, target.scope, target.line, target.place);
            let zh = template.zh.as_ref().map(|zh| self.pieces(zh, target.scope, target.line, target.place));
            return Source::Template { en, zh };
        }
        let Some(kind) = &keys.kind else { return Source::Null };
        match kind.value.as_str() {
            "person_name" => Source::PersonName,
            "company" => Source::Company,
            "phone" => Source::Phone,
            "city" => Source::City,
            "address" => Source::Address,
            "sentence" => Source::Sentence,
            "email" => {
                let from = keys.from.as_ref().and_then(|from| {
                    self.expression(target.scope, from, &format!("{}.from", target.place), Some(&Type::Str))
                });
                Source::Email(from)
            }
            other => {
                let hint = did_you_mean(other, KINDS);
                self.problem(
                    line_of(kind).max(target.line),
                    target.place,
                    format!("unknown generator `{other}`{hint}"),
                );
                Source::Null
            }
        }
    }

    fn pool_at(&mut self, name: &str, line: u64, place: &str) -> Option<usize> {
        let found = self.pools.pools.iter().position(|pool| pool.name == name);
        if found.is_none() {
            let hint = did_you_mean(name, self.pools.pools.iter().map(|pool| pool.name.as_str()));
            self.problem(line, place, format!("unknown pool `{name}`{hint}"));
        }
        found
    }

    /// Cuts a template at its holes.
    fn pieces(&mut self, text: &str, scope: &Scope, line: u64, place: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            if open > 0 {
                pieces.push(Piece::Text(rest[..open].to_owned()));
            }
            let Some(close) = rest[open..].find('}') else {
                self.problem(line, place, format!("`{{` without `}}` in `{text}`"));
                return pieces;
            };
            let hole = &rest[open + 1..open + close];
            rest = &rest[open + close + 1..];
            let count = || hole[1..].parse::<u8>().ok().filter(|count| (1..=20).contains(count));
            match hole.as_bytes().first() {
                Some(b'~') => pieces.extend(self.pool_at(&hole[1..], line, place).map(Piece::Pool)),
                Some(b'#') | Some(b'^') => match (count(), hole.starts_with('#')) {
                    (Some(count), true) => pieces.push(Piece::Digits(count)),
                    (Some(count), false) => pieces.push(Piece::Letters(count)),
                    (None, _) => {
                        self.problem(line, place, format!("`{{{hole}}}` needs a number from 1 to 20"))
                    }
                },
                _ => {
                    let program = self.text_expression(scope, hole, line, place, None);
                    pieces.extend(program.map(Piece::Hole));
                }
            }
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        pieces
    }

    fn number_source(&mut self, keys: &GenKeys, target: &GenFor<'_>) -> Source {
        let mut bound = |bound: Option<&Spanned<Scalar>>, otherwise: &str, name: &str| -> Option<Program> {
            let (text, line) =
                bound.map_or((otherwise, target.line), |b| (b.value.0.as_str(), line_of(b).max(target.line)));
            self.text_expression(
                target.scope,
                text,
                line,
                &format!("{}.{name}", target.place),
                Some(target.kind),
            )
        };
        let (min, max) = (bound(keys.min.as_ref(), "1", "min"), bound(keys.max.as_ref(), "100", "max"));
        let places = match target.kind {
            Type::Money => 2,
            Type::Decimal => 4,
            _ => 0,
        };
        let step = match &keys.step {
            None => Some(match target.kind {
                Type::Decimal => 1_000,
                _ => 1,
            }),
            Some(step) => parse_scaled(&step.value.0, places).filter(|step| *step > 0),
        };
        let Some(step) = step else {
            self.problem(target.line, target.place, "`step` is a number above 0");
            return Source::Null;
        };
        match (min, max) {
            (Some(min), Some(max)) => {
                Source::Number { min, max, step, skew: keys.skew, kind: target.kind.clone() }
            }
            _ => Source::Null,
        }
    }

    fn time_source(&mut self, keys: &GenKeys, target: &GenFor<'_>, is_date: bool) -> Source {
        let after = keys
            .after
            .as_ref()
            .and_then(|after| self.expression(target.scope, after, &format!("{}.after", target.place), None));
        if let Some(program) = &after
            && !matches!(program.kind, Type::Date | Type::DateTime)
        {
            self.problem(target.line, target.place, "`after` is a date or datetime");
        }
        let (low, high) = if keys.after.is_some() { ("0d", "7d") } else { ("-30d", "0d") };
        let min = self.time_bound(keys.min.as_ref(), low, target);
        let max = self.time_bound(keys.max.as_ref(), high, target);
        match (min, max) {
            (Some(min), Some(max)) => Source::Time { after, min, max, is_date },
            _ => Source::Null,
        }
    }

    fn time_bound(
        &mut self,
        bound: Option<&Spanned<Scalar>>,
        otherwise: &str,
        target: &GenFor<'_>,
    ) -> Option<TimeBound> {
        let text = bound.map_or(otherwise, |bound| bound.value.0.as_str());
        if let Some(offset) = parse_offset(text) {
            return Some(TimeBound::Offset(offset));
        }
        if let Some(seconds) =
            parse_date(text).map(|days| i64::from(days) * DAY_S).or_else(|| parse_datetime(text))
        {
            return Some(TimeBound::Absolute(seconds));
        }
        let line = bound.map_or(target.line, |bound| line_of(bound).max(target.line));
        let program = self.text_expression(target.scope, text, line, target.place, None)?;
        if matches!(program.kind, Type::Date | Type::DateTime) {
            return Some(TimeBound::Given(program));
        }
        self.problem(
            line,
            target.place,
            format!("`{text}` is no moment; write -30d, 2h, 2026-01-31 or an expression"),
        );
        None
    }

    /// A text in two languages as a template over `scope`.
    pub(super) fn message(
        &mut self,
        text: &str,
        scope: &Scope,
        line: u64,
        place: &str,
    ) -> crate::world::Message {
        use crate::world::MessagePiece;
        let pieces = self
            .pieces(text, scope, line, place)
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Text(text) => Some(MessagePiece::Text(text)),
                Piece::Hole(program) => Some(MessagePiece::Hole(program)),
                _ => None,
            })
            .collect();
        crate::world::Message { pieces }
    }
}

pub(super) fn plain(source: Source) -> Generator {
    Generator { source, when: None, null_rate: 0.0, cases: Vec::new() }
}

/// `-30d`, `2h`, `15m`, `1w` as seconds.
fn parse_offset(text: &str) -> Option<i64> {
    let unit = match text.as_bytes().last()? {
        b'm' => 60,
        b'h' => 3600,
        b'd' => DAY_S,
        b'w' => 7 * DAY_S,
        _ => return None,
    };
    text[..text.len() - 1].parse::<i64>().ok()?.checked_mul(unit)
}
