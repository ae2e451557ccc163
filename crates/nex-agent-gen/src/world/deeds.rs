//! Which deeds a composed world has: the life cycle always, of the rest as many as its level allows.

use super::cast::{Cast, Noun};
use super::operations::Operation;
use super::plan::Role;
use super::yaml::{Node, map};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// An argument that takes a text, drawn from a pool.
pub(super) fn string(pool: &str) -> Node {
    map([
        ("type", "string".into()),
        ("min", 3u32.into()),
        ("max", 200u32.into()),
        ("gen", map([("pool", pool.into())])),
    ])
}

/// An argument of the type of a field.
pub(super) fn like(noun: &Noun, field: &str) -> Node {
    map([("type", "enum".into()), ("like", format!("{}.{field}", noun.id).into())])
}

/// An argument that takes a record of which a condition holds, where tasks draw one.
pub(super) fn reference(noun: &Noun, condition: &str) -> Node {
    map([
        ("type", "ref".into()),
        ("of", noun.id.as_str().into()),
        ("gen", map([("where", condition.into())])),
    ])
}

impl Cast<'_> {
    /// The life cycle always; of the rest as many as the level allows.
    pub(super) fn deeds(&self, rng: &mut ChaCha8Rng) -> Vec<Operation> {
        let mut all = self.life_cycle(rng);
        let mut groups: Vec<Vec<Operation>> = vec![vec![self.open_case()], vec![self.reschedule()]];
        groups.push(vec![self.total_of_party()]);
        if self.extras.priority {
            groups.push(vec![self.set_priority()]);
        }
        if self.extras.notes {
            groups.push(vec![self.add_note()]);
        }
        if self.extras.messages {
            groups.push(vec![self.send_message()]);
        }
        if self.extras.standing {
            groups.push(vec![self.block_party(), self.unblock_party()]);
        }
        if self.extras.balance {
            groups.push(vec![self.transfer_balance()]);
        }
        if self.links(Role::Case, Role::Agent) {
            groups.push(vec![self.assign(), self.take_off()]);
            groups.push(vec![self.reassign_all()]);
            groups.push(vec![self.workload_of_agent()]);
        }
        if self.has(Role::Agent) {
            groups.push(vec![self.duty(true), self.duty(false)]);
        }
        if self.links(Role::Case, Role::Resource) {
            groups.push(vec![self.allocate(), self.release()]);
        }
        if self.has(Role::Resource) {
            groups.push(vec![self.take_down(), self.bring_back()]);
        }
        if self.has(Role::Site) {
            groups.push(self.moves());
        }
        if self.has(Role::Charge) {
            groups.push(vec![
                self.raise_charge(),
                self.settle("pay", "paid"),
                self.settle("waive", "waived"),
            ]);
        }
        if self.has(Role::Record) {
            groups.push(vec![self.open_record(), self.close_record()]);
        }
        if self.has(Role::Item) {
            groups.push(vec![self.restock()]);
            groups.push(vec![self.quote()]);
        }
        if self.has(Role::Line) {
            groups.push(vec![self.add_line(), self.remove_line()]);
        }
        groups.push(vec![self.postpone_all()]);
        groups.shuffle(rng);
        let wanted = [3, 5, 8, 11, 15][usize::from(self.complexity.level()) - 1];
        // What remedies call must be there.
        groups.sort_by_key(|group| !group.iter().any(|op| self.is_needed(op.family)));
        let needed = groups.iter().filter(|group| group.iter().any(|op| self.is_needed(op.family))).count();
        groups.truncate(needed + wanted);
        all.extend(groups.into_iter().flatten());
        if self.extras.verification {
            all.push(self.verify_party());
        }
        if self.extras.approval {
            all.push(self.approve());
        }
        all
    }

    /// Whether preconditions of other operations name this family as their remedy.
    fn is_needed(&self, family: &str) -> bool {
        match family {
            "unblock" => self.extras.standing,
            "bring_back" | "allocate" => self.links(Role::Case, Role::Resource),
            "assign" | "duty_on" => self.links(Role::Case, Role::Agent),
            _ => false,
        }
    }
}
