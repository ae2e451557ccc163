//! A world's operations, shared out among desks: what one specialist answers for.

use nex_trajectory::run::{OperationShape, WorldShape};

/// What one specialist answers for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Desk {
    /// The entities that it is about, the main one first.
    pub(super) entities: Vec<String>,
    /// Whether its operations read, change, or both.
    pub(super) access: Access,
    /// Names of operations, in the world's order.
    pub(super) operations: Vec<String>,
}

/// What the operations of a desk do to records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Reads,
    Changes,
    Both,
}

/// Shares the operations of `world` out among at most `count` desks, at least one. Fewer come out
/// where the world has fewer operations.
pub(super) fn share_out(world: &WorldShape, count: usize) -> Vec<Desk> {
    let mut desks = by_entity(world);
    while desks.len() > count.max(1) {
        merge_smallest(&mut desks);
    }
    while desks.len() < count {
        if !split_largest(&mut desks, world) {
            break;
        }
    }
    desks
}

/// As [`share_out`], but no entity is split: whoever picks a desk can tell them apart.
pub(super) fn share_out_by_entity(world: &WorldShape, count: usize) -> Vec<Desk> {
    share_out(world, count.min(by_entity(world).len()))
}

/// One desk an entity, in the order in which the world's operations name them.
fn by_entity(world: &WorldShape) -> Vec<Desk> {
    let mut desks: Vec<Desk> = Vec::new();
    for operation in &world.operations {
        let entity = subject(operation, world);
        match desks.iter_mut().find(|desk| desk.entities[0] == entity) {
            Some(desk) => desk.operations.push(operation.name.clone()),
            None => desks.push(Desk {
                entities: vec![entity.to_owned()],
                access: Access::Both,
                operations: vec![operation.name.clone()],
            }),
        }
    }
    desks.iter_mut().for_each(|desk| desk.access = access(&desk.operations, world));
    desks
}

/// The entity that an operation is about: of those that it touches the one that its name names, else
/// the first that it writes, else the first that it reads.
fn subject<'a>(operation: &'a OperationShape, world: &'a WorldShape) -> &'a str {
    let mut touched = operation.writes.iter().chain(&operation.reads);
    let named = touched.clone().find(|entity| operation.name.contains(entity.trim_end_matches('s')));
    let first = named.or_else(|| touched.next());
    first.or_else(|| world.entities.first().map(|entity| &entity.name)).map_or("records", String::as_str)
}

fn merge_smallest(desks: &mut Vec<Desk>) {
    let smallest = |desks: &[Desk]| {
        desks.iter().enumerate().min_by_key(|(index, desk)| (desk.operations.len(), *index)).map(|(i, _)| i)
    };
    let Some(index) = smallest(desks) else { return };
    let small = desks.remove(index);
    let Some(into) = smallest(desks) else { return desks.push(small) };
    let desk = &mut desks[into];
    desk.entities.extend(small.entities);
    desk.operations.extend(small.operations);
    desk.access = Access::Both;
}

/// Splits the desk with the most operations: into reading and changing, else into halves.
fn split_largest(desks: &mut Vec<Desk>, world: &WorldShape) -> bool {
    let largest = desks
        .iter()
        .enumerate()
        .max_by_key(|(index, desk)| (desk.operations.len(), std::cmp::Reverse(*index)));
    let Some(index) = largest.map(|(index, _)| index).filter(|index| desks[*index].operations.len() > 1)
    else {
        return false;
    };
    let Desk { entities, operations, .. } = desks.remove(index);
    let is_write = |name: &String| is_write(name, world);
    let (mut second, mut first): (Vec<String>, Vec<String>) = operations.into_iter().partition(is_write);
    if first.is_empty() || second.is_empty() {
        first.append(&mut second);
        second = first.split_off(first.len() / 2);
    }
    for operations in [second, first] {
        let access = access(&operations, world);
        desks.insert(index, Desk { entities: entities.clone(), access, operations });
    }
    true
}

fn access(operations: &[String], world: &WorldShape) -> Access {
    let writes = operations.iter().filter(|name| is_write(name, world)).count();
    match writes {
        0 => Access::Reads,
        all if all == operations.len() => Access::Changes,
        _ => Access::Both,
    }
}

fn is_write(name: &str, world: &WorldShape) -> bool {
    world.operations.iter().any(|operation| operation.name == name && !operation.writes.is_empty())
}

/// The operations of `world` that change nothing.
pub(super) fn reading(world: &WorldShape) -> Vec<String> {
    let reads = world.operations.iter().filter(|operation| operation.writes.is_empty());
    reads.map(|operation| operation.name.clone()).collect()
}
