//! Tables of expressions: what they give, and what is said about wrong ones.

use super::{Env, Frame, Scope, compile};
use crate::history::CallHistory;
use crate::json::to_json;
use crate::state::State;
use crate::value::{EntityId, RecordId, Type, Value};
use crate::world::World;
use expect_test::{Expect, expect};
use std::sync::Arc;

const WORLD: &str = "
world: tiny
title: Tiny
domain: test
role: none
now: 2026-03-16T09:30:00
entities:
  box:
    label: box
    id: {prefix: B-, digits: 3}
    rows: [{name: Red Box, size: big, cost: 12.50, made: 2026-03-01, tags: [a, b]}, {name: tin, size: small, cost: 0.10, made: 2026-02-28, tags: []}]
    fields:
      name: {type: string}
      size: {type: enum, values: [small, big]}
      cost: {type: money}
      made: {type: date}
      tags: {type: list, item: string}
      weight: {type: decimal, derived: 'sum(thing where it.home == this : it.weight)'}
      things: {type: int, derived: count(thing where it.home == this)}
  thing:
    label: thing
    id: {prefix: T-, digits: 3}
    rows: [{home: 1, weight: 1.5, seen: 2026-03-16T08:00:00}, {home: 1, weight: 0.25, seen: null}]
    fields:
      home: {type: ref, of: box}
      weight: {type: decimal}
      seen: {type: datetime, optional: true}
operations:
  look: {kind: get, entity: box, description: Look., args: {box_id: {type: ref, of: box}}}
";

struct Bench {
    world: Arc<World>,
    state: State,
    scope: Scope,
    frame: Frame,
}

/// A world with `b` the red box, `t` the thing never seen, `n` = 7, `m` = 3.00, `w` = 0.5, `s`.
fn bench() -> Bench {
    let world = World::from_yaml(WORLD, "tiny.yaml").expect("the test's world is sound");
    let state = world.initial_state(1, crate::Language::En).expect("a state");
    let find = |entity: u16, is_it: fn(&[Value]) -> bool| -> RecordId {
        let mut records = state.records(EntityId(entity));
        records.find(|record| state.row(*record).is_some_and(is_it)).expect("the record")
    };
    let red = find(0, |row| row[0] == Value::text("Red Box"));
    let unseen = find(1, |row| row[2].is_null());
    let mut scope = Scope::default().with_calls();
    let mut frame = Frame::default();
    let locals = [
        ("b", Type::Record(EntityId(0)), Value::Ref(red)),
        ("t", Type::Record(EntityId(1)), Value::Ref(unseen)),
        ("n", Type::Int, Value::Int(7)),
        ("m", Type::Money, Value::Money(300)),
        ("w", Type::Decimal, Value::Decimal(5_000)),
        ("s", Type::Str, Value::text(" Ab c")),
    ];
    for (name, kind, value) in locals {
        let slot = scope.add(name, kind);
        frame.set(slot, value);
    }
    Bench { world, state, scope, frame }
}

fn show(sources: &[&str]) -> String {
    let Bench { world, state, scope, mut frame } = bench();
    let calls = CallHistory::default();
    let env = Env { schema: world.schema(), state: &state, now: world.start_time(), calls: &calls };
    let mut table = String::new();
    for source in sources {
        let line = match compile(world.schema(), &scope, source, None) {
            Err(error) => format!("{}: {}", error.at, error.message),
            Ok(program) => match program.run(&env, &mut frame) {
                Ok(Value::Ref(record)) => {
                    format!("record of {}", world.schema().entity(record.entity()).name)
                }
                Ok(value) => format!(
                    "{} ({})",
                    to_json(world.schema(), &value),
                    world.schema().type_name(&program.kind)
                ),
                Err(abort) => format!("{abort:?}"),
            },
        };
        table.push_str(&format!("{source}  →  {line}\n"));
    }
    table
}

fn check(sources: &[&str], expected: Expect) {
    expected.assert_eq(&show(sources));
}

#[test]
fn numbers_are_exact() {
    check(
        &[
            "1 + 2 * 3 - 4 % 3",
            "n / 2",
            "(0 - n) / 2",
            "-n + 1",
            "m + 0.10",
            "m * w",
            "m * 3",
            "m / 3",
            "m / 0.07",
            "w * w",
            "1 / 0",
            "b.cost - m > 9.49",
            "round(w)",
            "floor(0.0 - w)",
            "ceil(w)",
            "int(2.9)",
            "money(n) + m",
            "least(n, 3)",
            "greatest(m, 5)",
            "abs(0 - n)",
            "9223372036854775807 + n",
        ],
        expect![[r#"
            1 + 2 * 3 - 4 % 3  →  6 (int)
            n / 2  →  3.5 (decimal)
            (0 - n) / 2  →  -3.5 (decimal)
            -n + 1  →  -6 (int)
            m + 0.10  →  3.1 (money)
            m * w  →  1.5 (money)
            m * 3  →  9.0 (money)
            m / 3  →  1.0 (money)
            m / 0.07  →  42.86 (money)
            w * w  →  0.25 (decimal)
            1 / 0  →  null (decimal)
            b.cost - m > 9.49  →  true (true or false)
            round(w)  →  1 (int)
            floor(0.0 - w)  →  -1 (int)
            ceil(w)  →  1 (int)
            int(2.9)  →  2 (int)
            money(n) + m  →  10.0 (money)
            least(n, 3)  →  3 (int)
            greatest(m, 5)  →  5.0 (money)
            abs(0 - n)  →  7 (int)
            9223372036854775807 + n  →  Overflow
        "#]],
    );
}

#[test]
fn null_spreads_and_compares_with_nothing() {
    check(
        &[
            "t.seen",
            "t.seen == null",
            "t.seen != null",
            "t.seen == now",
            "t.seen != now",
            "not (t.seen == now)",
            "t.seen + hours(1)",
            "coalesce(t.seen, now)",
            "len(null)",
            "if(t.seen == null, 'never', 'seen')",
            "null in [1, 2]",
        ],
        expect![[r#"
            t.seen  →  null (datetime)
            t.seen == null  →  true (true or false)
            t.seen != null  →  false (true or false)
            t.seen == now  →  false (true or false)
            t.seen != now  →  false (true or false)
            not (t.seen == now)  →  true (true or false)
            t.seen + hours(1)  →  null (datetime)
            coalesce(t.seen, now)  →  "2026-03-16T09:30:00" (datetime)
            len(null)  →  null (int)
            if(t.seen == null, 'never', 'seen')  →  "never" (text)
            null in [1, 2]  →  false (true or false)
        "#]],
    );
}

#[test]
fn texts_dates_and_members() {
    check(
        &[
            "upper(trim(s)) + '!'",
            "len(s)",
            "contains(lower(b.name), 'box')",
            "starts_with(b.name, 'Red') and ends_with(b.name, 'x')",
            "'Box' in b.name",
            "b.size in ['small', 'big']",
            "b.size == 'big'",
            "'a' in b.tags",
            "'z' not in b.tags",
            "count(b.tags)",
            "text(b.cost) + ' ' + text(b.size) + ' ' + text(today)",
            "today - days(16)",
            "days_between(b.made, today)",
            "b.made < '2026-03-02'",
            "weekday(today)",
            "hour(now) * 60",
            "month(b.made) + year(b.made)",
            "now + minutes(45)",
            "date(now) == today",
            "now - hours(1) < now",
        ],
        expect![[r#"
            upper(trim(s)) + '!'  →  "AB C!" (text)
            len(s)  →  5 (int)
            contains(lower(b.name), 'box')  →  true (true or false)
            starts_with(b.name, 'Red') and ends_with(b.name, 'x')  →  true (true or false)
            'Box' in b.name  →  true (true or false)
            b.size in ['small', 'big']  →  true (true or false)
            b.size == 'big'  →  true (true or false)
            'a' in b.tags  →  true (true or false)
            'z' not in b.tags  →  true (true or false)
            count(b.tags)  →  2 (int)
            text(b.cost) + ' ' + text(b.size) + ' ' + text(today)  →  "12.50 big 2026-03-16" (text)
            today - days(16)  →  "2026-02-28" (date)
            days_between(b.made, today)  →  15 (int)
            b.made < '2026-03-02'  →  true (true or false)
            weekday(today)  →  1 (int)
            hour(now) * 60  →  540 (int)
            month(b.made) + year(b.made)  →  2029 (int)
            now + minutes(45)  →  "2026-03-16T10:15:00" (datetime)
            date(now) == today  →  true (true or false)
            now - hours(1) < now  →  true (true or false)
        "#]],
    );
}

#[test]
fn queries_look_at_records() {
    check(
        &[
            "b.things",
            "b.weight",
            "t.home.weight * 2",
            "count(box)",
            "count(thing where it.home == b and it.weight > 1)",
            "exists(thing where it.seen == null)",
            "exists(box where it.things > 2)",
            "sum(box : it.cost)",
            "sum(thing where it.weight > 99 : it.weight)",
            "max(box : it.made)",
            "min(box where it.cost > 99 : it.cost)",
            "avg(box : it.cost)",
            "avg(thing : it.weight)",
            "first(thing where it.seen == null) == t",
            "first(box where it.cost > 99)",
            "count(box as o where not exists(thing where it.home == o))",
            "count(thing where it.id == t)",
            "called(look)",
            "called(look, box_id = b)",
            "calls(look, b)",
        ],
        expect![[r#"
            b.things  →  2 (int)
            b.weight  →  1.75 (decimal)
            t.home.weight * 2  →  3.5 (decimal)
            count(box)  →  2 (int)
            count(thing where it.home == b and it.weight > 1)  →  1 (int)
            exists(thing where it.seen == null)  →  true (true or false)
            exists(box where it.things > 2)  →  false (true or false)
            sum(box : it.cost)  →  12.6 (money)
            sum(thing where it.weight > 99 : it.weight)  →  0.0 (decimal)
            max(box : it.made)  →  "2026-03-01" (date)
            min(box where it.cost > 99 : it.cost)  →  null (money)
            avg(box : it.cost)  →  6.3 (money)
            avg(thing : it.weight)  →  0.875 (decimal)
            first(thing where it.seen == null) == t  →  true (true or false)
            first(box where it.cost > 99)  →  null (box)
            count(box as o where not exists(thing where it.home == o))  →  1 (int)
            count(thing where it.id == t)  →  1 (int)
            called(look)  →  false (true or false)
            called(look, box_id = b)  →  false (true or false)
            calls(look, b)  →  0 (int)
        "#]],
    );
}

#[test]
fn wrong_expressions_are_told_what_and_where() {
    check(
        &[
            "",
            "n +",
            "(n",
            "n = 7",
            "n $ 2",
            "'open",
            "nn",
            "b.nam",
            "n.name",
            "b.size == 'bigg'",
            "b.size < 'big'",
            "b.cost > n",
            "m + n",
            "today + 3",
            "today < now",
            "s + n",
            "not n",
            "n and true",
            "b == t",
            "n in 5",
            "'x' in [1, 2]",
            "cuont(box)",
            "count(boxes where true)",
            "count(n)",
            "sum(box)",
            "sum(box : it.name)",
            "exists(box : it.cost)",
            "min(n, 3)",
            "days(w)",
            "len(1, 2)",
            "called(lok)",
            "called(look, bx_id = b)",
            "called(look, box_id = t)",
            "1.00001",
            "99999999999999999999",
            "upper(s, s)",
        ],
        expect![[r#"
              →  0: expected a value, found the end
            n +  →  3: expected a value, found the end
            (n  →  2: expected `)`, found the end
            n = 7  →  2: `=` compares nothing; write `==`
            n $ 2  →  2: `$` means nothing in an expression
            'open  →  0: text has no closing '
            nn  →  0: unknown name `nn`; did you mean `n`?
            b.nam  →  2: box has no field `nam`; did you mean `name`?
            n.name  →  2: `.name` of int, which has no fields
            b.size == 'bigg'  →  10: 'bigg' is no value of this enum; did you mean `big`?
            b.size < 'big'  →  7: enum (small, big) has no order; use == or !=
            b.cost > n  →  7: `>` between money and int; write money(…)
            m + n  →  2: `+` between money and int; write money(…)
            today + 3  →  6: `+` between date and int; write days(…) or hours(…)
            today < now  →  6: `<` between date and datetime; write date(…) of the datetime
            s + n  →  4: `+` joins text with int; write text(…)
            not n  →  4: expected true or false, found int
            n and true  →  0: expected true or false, found int
            b == t  →  2: `==` between box and thing
            n in 5  →  2: `in` needs a list or a text on its right, found int
            'x' in [1, 2]  →  8: expected text, found int; write text(…)
            cuont(box)  →  0: unknown function `cuont`; did you mean `count`?
            count(boxes where true)  →  6: count(…) needs an entity, `boxes` is none; did you mean `box`?
            count(n)  →  0: count(…) takes `entity where …` or a list, found int
            sum(box)  →  0: sum(…) needs what to take: sum(entity where … : it.field)
            sum(box : it.name)  →  0: sum(…) of text
            exists(box : it.cost)  →  0: exists(…) takes no `: expression`
            min(n, 3)  →  5: min(…) takes one `entity where …`; the lesser of two values is least(a, b)
            days(w)  →  0: days(…) of decimal
            len(1, 2)  →  0: len(…) takes 1 arguments, found 2
            called(lok)  →  0: unknown operation `lok`; did you mean `look`?
            called(look, bx_id = b)  →  21: look has no argument `bx_id`; did you mean `box_id`?
            called(look, box_id = t)  →  22: expected box, found thing
            1.00001  →  0: `1.00001` has more than four decimals or is too large
            99999999999999999999  →  0: `99999999999999999999` is too large
            upper(s, s)  →  0: upper(…) takes 1 arguments, found 2
        "#]],
    );
}

#[test]
fn depth_and_length_are_bounded() {
    let deep = format!("{}1{}", "(".repeat(5_000), ")".repeat(5_000));
    let nested = format!("{}true", "not ".repeat(200));
    let chain = vec!["1"; 400].join(" + ");
    let path = format!("b{}", ".home".repeat(60));
    for text in [deep, nested, chain, path] {
        let Bench { world, scope, .. } = bench();
        assert!(compile(world.schema(), &scope, &text, None).is_err());
    }
}

#[test]
fn what_costs_too_much_is_stopped() {
    let Bench { world, mut state, scope, mut frame } = bench();
    let row: Arc<[Value]> = Arc::clone(&state.table(EntityId(1)).rows().next().expect("a thing").1.clone());
    for number in 1..100 {
        state.insert(RecordId::new(EntityId(1), number), Arc::clone(&row));
    }
    let calls = CallHistory::default();
    let env = Env { schema: world.schema(), state: &state, now: 0, calls: &calls };
    let source = "count(thing as a where exists(thing as b where a == b and exists(thing as c where c == b and exists(thing as d where c == d and a.weight > 99))))";
    let program = compile(world.schema(), &scope, source, None).expect("it is well formed");
    // Equalities are looked up, so this one is cheap …
    assert_eq!(program.run(&env, &mut frame), Ok(Value::Int(0)));
    let source = "count(thing as a where exists(thing as b where exists(thing as c where exists(thing as d where a.weight + b.weight + c.weight + d.weight > 99))))";
    let program = compile(world.schema(), &scope, source, None).expect("it is well formed");
    // … and this one is a hundred to the power of four.
    assert_eq!(program.run(&env, &mut frame), Err(super::Abort::TooCostly));
}
