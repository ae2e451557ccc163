//! Goals that a policy makes harder: a step that must come first, or a request to decline.

use super::draft::{Draft, Reject};
use super::goals::Wish;
use super::prose::{Ask, AskKind};
use super::view::OpView;
use super::{Check, Fact, FactKind};
use crate::value::Value;
use indexmap::IndexMap;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use serde_json::Value as Json;

impl Draft<'_> {
    /// A request that a policy allows only after another step, or not at all.
    pub(super) fn add_trap(&mut self, wish: Wish, rng: &mut impl Rng) -> Result<(), Reject> {
        let ground = self.ground;
        let ops: Vec<&OpView> = ground
            .ops()
            .iter()
            .filter(|op| op.goal.is_some() && !ground.operation(op).policies.is_empty())
            .collect();
        let op = *ops.choose(rng).ok_or(Reject("no policy is about an operation with a goal"))?;
        if rng.random_bool(0.5) {
            let args = self.draw_args(op, wish, rng, |blocks| {
                blocks.iter().all(|block| block.remedy.is_some())
                    && blocks.iter().any(|block| block.policy.is_some())
            })?;
            return self.deed(op, args, rng);
        }
        // Only the policy stands in the way: else the refusal would have another reason.
        let args = self.draw_args(op, wish, rng, |blocks| {
            !blocks.is_empty() && blocks.iter().all(|block| block.policy.is_some() && block.remedy.is_none())
        })?;
        self.decline(op, &args, rng)
    }

    /// Asks for what a policy forbids: the right plan reads what decides, and says no.
    pub(super) fn decline(&mut self, op: &OpView, args: &[Value], rng: &mut impl Rng) -> Result<(), Reject> {
        let ground = self.ground;
        let policy = ground
            .blocks(&self.env(), op, args)
            .first()
            .and_then(|block| block.policy)
            .ok_or(Reject("no policy stands in the way"))?;
        let first = self.steps.len();
        let (sources, phrase) = self.name_args(op, args, rng)?;
        let mut read = false;
        for path in ground.evidence(op, policy) {
            if self.read_path(op, args, &path, rng).is_ok() {
                read = true;
            }
        }
        if !read {
            return Err(Reject("nothing shows that the policy forbids it"));
        }
        let mut arguments = IndexMap::new();
        for (arg, value) in op.args.iter().zip(args) {
            // The same request with other words is as forbidden: only records and amounts count.
            if matches!(value, Value::Ref(_)) && sources.contains_key(&arg.name) {
                arguments.insert(arg.name.clone(), ground.json(value));
            }
        }
        let mut any_of: Vec<Json> =
            args.iter().filter(|v| matches!(v, Value::Ref(_))).map(|v| ground.json(v)).collect();
        for step in &self.resolved[first.min(self.resolved.len())..] {
            any_of.extend(step.as_object().into_iter().flat_map(|object| object.values().cloned()));
        }
        self.checks.push(Check::Consulted { about: phrase.clone(), any_of });
        self.checks.push(Check::NotCalled { operation: op.name.clone(), arguments });
        let rule = ground.text(&ground.world.policies()[usize::from(policy)].text).to_owned();
        self.facts.push((
            Fact {
                about: phrase.clone(),
                kind: FactKind::Refusal,
                value: Json::Null,
                accepted: Vec::new(),
                decoys: Vec::new(),
            },
            None,
        ));
        self.answer.push(ground.reasons().declined(&phrase, &rule));
        let rider = rng.random_bool(0.5).then(|| ground.reasons().unless_forbidden().to_owned());
        self.asks.push(Ask { kind: AskKind::Do, phrase, rider });
        self.traps = self.traps.saturating_add(1);
        Ok(())
    }
}
