//! What is said about world files that are wrong: line, place, cause, way out.

use expect_test::{Expect, expect};
use nex_world::{World, WorldError};
use std::time::{Duration, Instant};

const GOOD: &str = "world: shop
title: Shop
domain: test
role: You sell.
now: 2026-03-16T09:00:00
pools:
  word: [red, green, blue]
entities:
  item:
    label: item
    id: {prefix: ITM-, digits: 4}
    count: 5
    keys: [{fields: [name], text: 'the {name}'}]
    fields:
      name: {type: string, gen: {template: '{~word} {#3}'}}
      price: {type: money, gen: {min: 1, max: 9.50, step: 0.50}}
      state: {type: enum, values: {new: 3, old: 1}}
  sale:
    label: sale
    id: {prefix: SAL-, digits: 4}
    count: 0
    fields:
      item: {type: ref, of: item}
      price: {type: money}
operations:
  get_item:
    kind: get
    entity: item
    description: Show an item.
    args: {item_id: {type: ref, of: item}}
  sell:
    kind: create
    entity: sale
    description: Sell an item.
    goal: sell {item} for {price}
    args:
      item_id: {type: ref, of: item}
      price: {type: money, min: 0.01}
    require:
      - {that: \"item.state == 'new'\", error: too_old, message: 'item {item.id} is {item.state}'}
    set: {item: item, price: price}
policies:
  - id: look_first
    text: Look at an item before you sell it.
    operations: [sell]
    allow_if: called(get_item, item_id = item)
    enforce: true
    remedy: {call: get_item, with: {item_id: item}}
";

fn explain(yaml: &str) -> String {
    match World::from_yaml(yaml, "shop.yaml") {
        Ok(_) => "no error".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// The good file with one text replaced by another.
fn check(replace: &str, by: &str, expected: Expect) {
    assert!(GOOD.contains(replace), "{replace}");
    expected.assert_eq(&explain(&GOOD.replacen(replace, by, 1)));
}

#[test]
fn the_good_file_is_good() {
    assert_eq!(explain(GOOD), "no error");
}

#[test]
fn unknown_keys_get_a_did_you_mean() {
    check(
        "    label: item\n",
        "    lable: item\n",
        expect![
            "shop.yaml:10: unknown field `lable`, expected one of label, plural, id, count, rows, keys, fields; did you mean `label`?"
        ],
    );
    check(
        "description: Sell an item.",
        "describtion: Sell an item.",
        expect![
            "shop.yaml:34: unknown field `describtion`, expected one of kind, entity, description, goal, args, require, where, sort, page_size, target, set, add, append, remove, from, to, amount, results, effects, returns, dynamics; did you mean `description`?"
        ],
    );
    check(
        "{type: money, min: 0.01}",
        "{type: money, minimum: 0.01}",
        expect![
            "shop.yaml:38: unknown field `minimum`, expected one of type, description, of, item, values, like, optional, default, pattern, min, max, match, compare, gen; did you mean `min`?"
        ],
    );
    check(
        "gen: {min: 1,",
        "gen: {mim: 1,",
        expect![
            "shop.yaml:16: unknown field `mim`, expected one of kind, from, pool, template, value, min, max, step, after, skew, where, weights, null_rate, when, cases; did you mean `min`?"
        ],
    );
    check(
        "{type: ref, of: item}}\n  sell",
        "{type: reff, of: item}}\n  sell",
        expect![
            "shop.yaml:30: unknown variant `reff`, expected one of string, int, decimal, money, bool, date, datetime, enum, ref, list; did you mean `ref`?"
        ],
    );
}

#[test]
fn unknown_names_get_a_did_you_mean() {
    check(
        "item: {type: ref, of: item}\n",
        "item: {type: ref, of: itm}\n",
        expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:23: entities.sale.fields.item: unknown entity `itm`; did you mean `item`?"#]],
    );
    check(
        "entity: sale",
        "entity: sales",
        expect![[r#"
            1 problem in shop.yaml:
            shop.yaml:33: operations.sell.entity: unknown entity `sales`; did you mean `sale`?"#]],
    );
    check(
        "set: {item: item, price: price}",
        "set: {item: item, prize: price}",
        expect![[r#"
        2 problems in shop.yaml:
        shop.yaml:32: operations.sell.set: a new sale needs price
        shop.yaml:41: operations.sell.set.prize: sale has no field `prize`; did you mean `price`?"#]],
    );
    check(
        "item.state == 'new'",
        "item.stat == 'new'",
        expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:40: operations.sell.require[0].that: item has no field `stat`; did you mean `state`? (at character 6 of `item.stat == 'new'`)"#]],
    );
    check(
        "item.state == 'new'",
        "item.state == 'news'",
        expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:40: operations.sell.require[0].that: 'news' is no value of this enum; did you mean `new`? (at character 15 of `item.state == 'news'`)"#]],
    );
    check(
        "{~word}",
        "{~words}",
        expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:15: entities.item.fields.name.gen: unknown pool `words`; did you mean `word`?"#]],
    );
    check(
        "fields: [name]",
        "fields: [nam]",
        expect![[r#"
        2 problems in shop.yaml:
        shop.yaml:10: entities.item.keys[0]: `{name}` names nothing here; did you mean `nam`?
        shop.yaml:13: entities.item.keys[0]: unknown field `nam`; did you mean `name`?"#]],
    );
    check(
        "'the {name}'",
        "'the {title}'",
        expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:10: entities.item.keys[0]: `{title}` names nothing here; known: name"#]],
    );
    check(
        "operations: [sell]",
        "operations: [sel]",
        expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:45: policies.look_first.operations: unknown operation `sel`; did you mean `sell`?"#]],
    );
    check(
        "called(get_item, item_id = item)",
        "called(get_itm, item_id = item)",
        expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:46: policies.look_first (sell).allow_if: unknown operation `get_itm`; did you mean `get_item`? (at character 1 of `called(get_itm, item_id = item)`)"#]],
    );
    check(
        "{call: get_item",
        "{call: show_item",
        expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:48: policies.look_first (sell).remedy: unknown operation `show_item`; known: get_item, sell"#]],
    );
    check(
        "goal: sell {item} for {price}",
        "goal: sell {itm} for {price}",
        expect![[r#"
        2 problems in shop.yaml:
        shop.yaml:32: operations.sell.goal: `{itm}` names nothing here; did you mean `item`?
        shop.yaml:32: operations.sell.goal: does not say the argument `item_id`, so nobody could know it: `sell {itm} for {price}`"#]],
    );
}

#[test]
fn types_are_checked() {
    check(
        "price: price}",
        "price: item}",
        expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:41: operations.sell.set.price: expected money, found item (at character 1 of `item`)"#]],
    );
    check(
        "item.state == 'new'",
        "item.price == 'new'",
        expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:40: operations.sell.require[0].that: `==` between money and text (at character 12 of `item.price == 'new'`)"#]],
    );
    check(
        "item.state == 'new'",
        "item.price",
        expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:40: operations.sell.require[0].that: expected true or false, found money (at character 6 of `item.price`)"#]],
    );
    check(
        "set: {item: item, price: price}",
        "set: {item: item}",
        expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:32: operations.sell.set: a new sale needs price"#]],
    );
    check(
        "{min: 1, max: 9.50, step: 0.50}",
        "{min: 1, max: '9.505', step: 0.50}",
        expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:16: entities.item.fields.price.gen.max: money has two decimals (at character 1 of `9.505`)"#]],
    );
    check(
        "{type: money, min: 0.01}",
        "{type: money, min: cheap}",
        expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:38: operations.sell.args.price.min: expected an amount with at most two decimals, found "cheap""#]],
    );
    check(
        "values: {new: 3, old: 1}",
        "values: {}",
        expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:17: entities.item.fields.state: an enum needs `values`"#]],
    );
    check(
        "values: {new: 3, old: 1}",
        "values: {new: 0}",
        expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:17: entities.item.fields.state: weights are not negative, and at least one is above 0"#]],
    );
    check(
        "digits: 4}\n    count: 5",
        "digits: 2}\n    count: 5",
        expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:10: entities.item.id: `digits` is 3 to 12"#]],
    );
    check(
        "prefix: SAL-",
        "prefix: ITM-",
        expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:19: entities.sale.id: item has the prefix `ITM-` already; ids must tell entities apart"#]],
    );
    check(
        "now: 2026-03-16T09:00:00",
        "now: yesterday",
        expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:5: now: `yesterday` is no moment; write 2026-03-16T09:00:00"#]],
    );
    check(
        "gen: {template: '{~word} {#3}'}",
        "unique: true",
        expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:15: entities.item.fields.name.gen: a text needs a generator: pool, template, or one of person_name, company …"#]],
    );
    check(
        "goal: sell {item} for {price}",
        "goal: sell {item}",
        expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:32: operations.sell.goal: does not say the argument `price`, so nobody could know it: `sell {item}`"#]],
    );
    check(
        "    price: {type: money}\n",
        "    price: {type: money, derived: 'price + 1'}\n",
        expect![[r#"
            2 problems in shop.yaml:
            shop.yaml:24: entities.sale.fields.price.derived: needs itself to be computed, perhaps by way of other derived fields
            shop.yaml:41: operations.sell.set.price: `price` is derived and cannot be set"#]],
    );
}

#[test]
fn all_problems_are_told_at_once() {
    let yaml = GOOD
        .replace("entity: sale", "entity: sales")
        .replace("{~word}", "{~words}")
        .replace("[sell]", "[sel]");
    expect![[r#"
        3 problems in shop.yaml:
        shop.yaml:15: entities.item.fields.name.gen: unknown pool `words`; did you mean `word`?
        shop.yaml:33: operations.sell.entity: unknown entity `sales`; did you mean `sale`?
        shop.yaml:45: policies.look_first.operations: unknown operation `sel`; did you mean `sell`?"#]]
    .assert_eq(&explain(&yaml));
}

#[test]
fn yaml_that_is_none_is_told_with_its_line() {
    expect!["shop.yaml:2: invalid type: sequence, expected a text or a map with `en` and `zh`"]
        .assert_eq(&explain("world: shop\ntitle: [unclosed\n"));
    expect!["shop.yaml:4: duplicate mapping key: domain"].assert_eq(&explain(&GOOD.replacen(
        "domain: test",
        "domain: test\ndomain: again",
        1,
    )));
    expect!["shop.yaml:1: expected mapping start"].assert_eq(&explain("- a\n- b\n"));
    expect!["shop.yaml:1: unexpected end of input"].assert_eq(&explain(""));
}

#[test]
fn entities_that_need_each_other_are_refused_unless_a_ref_may_be_null() {
    let both = "  item:
    label: item
    id: {prefix: ITM-, digits: 4}
    count: 5
    fields:
      sale: {type: ref, of: sale, gen: {}}
";
    let yaml = GOOD.replace("    keys: [{fields: [name], text: 'the {name}'}]\n", "").replace(
        "    label: item\n    id: {prefix: ITM-, digits: 4}\n    count: 5\n    fields:\n",
        &both[8..],
    );
    expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:0: entities: item, sale need each other's records first; make one of the refs between them optional or drop the generator's expression"#]].assert_eq(&explain(&yaml));
    assert_eq!(explain(&yaml.replace("of: sale, gen", "of: sale, optional: true, gen")), "no error");
}

#[test]
fn bombs_are_refused_fast() {
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let previous = vec![format!("*a{}", level - 1); 9].join(", ");
        laughs.push_str(&format!("a{level}: &a{level} [{previous}]\n"));
    }
    let deep = format!("world: {}x{}", "[".repeat(50_000), "]".repeat(50_000));
    let blocks: String = (0..3_000).map(|level| format!("{}- \n", " ".repeat(level))).collect();
    let wide = format!("world: shop\npools:\n  word: [{}]\n", "x,".repeat(300_000));
    let huge = "x".repeat(5 << 20);
    for (name, yaml) in
        [("laughs", laughs), ("deep", deep), ("blocks", blocks), ("wide", wide), ("huge", huge)]
    {
        let start = Instant::now();
        let error = World::from_yaml(&yaml, "bomb.yaml").expect_err(name);
        assert!(matches!(error, WorldError::Yaml { .. } | WorldError::TooLarge { .. }), "{name}: {error}");
        // A bound for a hang, not a measure: each takes milliseconds.
        assert!(start.elapsed() < Duration::from_secs(20), "{name}");
    }
}

#[test]
fn worlds_that_cost_too_much_to_make_are_refused() {
    let too_many = GOOD
        .replacen("count: 5", "count: 150000", 1)
        .replacen("digits: 4", "digits: 7", 1)
        .replacen("    count: 0\n", "    count: {min: 1, max: 9, per: item, as: item}\n", 1);
    expect![[r#"
        1 problem in shop.yaml:
        shop.yaml:0: entities: up to 1500000 records in all; at most 500000 are made"#]]
    .assert_eq(&explain(&too_many.replace("SAL-, digits: 4", "SAL-, digits: 8")));
    // Every record would look at every record of the other entity.
    let pairs = GOOD
        .replacen("count: 5", "count: 20000", 1)
        .replacen("digits: 4", "digits: 7", 1)
        .replacen("SAL-, digits: 4", "SAL-, digits: 7", 1)
        .replacen("    count: 0\n", "    count: 20000\n", 1)
        .replacen(
            "item: {type: ref, of: item}\n",
            "item: {type: ref, of: item, gen: {where: it.price > 500}}\n",
            1,
        );
    assert_eq!(explain(&pairs), "no error", "a ref without a target ends the entity early");
    let pairs = pairs.replace("it.price > 500", "it.price > 0");
    expect!["entity `sale`, field `item`: its generator looks at too many records, or makes too much text"]
        .assert_eq(&explain(&pairs));
    // Pools that double at each level.
    let mut pools = "pools:\n  word: [\"{~p0}{~p0}{~p0}{~p0}{~p0}{~p0}{~p0}{~p0}{~p0}{~p0}\"]\n".to_owned();
    for level in 0..7 {
        let entry = format!("{{~p{}}}", level + 1).repeat(20);
        pools.push_str(&format!("  p{level}: [\"{entry}\"]\n"));
    }
    pools.push_str("  p7: [\"\"]\n");
    expect!["entity `item`, field `name`: its generator looks at too many records, or makes too much text"]
        .assert_eq(&explain(&GOOD.replacen("pools:\n  word: [red, green, blue]\n", &pools, 1)));
}

/// Each field is twice as long as the one before; the fortieth would have a terabyte.
#[test]
fn texts_that_double_are_refused_before_they_fill_the_memory() {
    let doubling = |twice: &dyn Fn(usize) -> String| {
        let mut yaml = String::from(
            "world: w\ntitle: t\ndomain: d\nrole: r\nnow: 2026-01-01T00:00:00\nentities:\n  item:\n    label: item\n    \
             id: {prefix: I-}\n    count: 3\n    fields:\n      f0: {type: string, gen: {template: \"seed\"}}\n",
        );
        for at in 0..40 {
            yaml.push_str(&format!("      f{}: {{type: string, gen: {{{}}}}}\n", at + 1, twice(at)));
        }
        yaml + "operations: {list_items: {kind: list, entity: item, description: d}}\n"
    };
    let joined = explain(&doubling(&|at| format!("value: f{at} + f{at}")));
    let filled = explain(&doubling(&|at| format!("template: \"{{f{at}}}{{f{at}}}\"")));
    for told in [joined, filled] {
        assert!(told.ends_with("its generator looks at too many records, or makes too much text"), "{told}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = World::load("/nowhere/shop.yaml").expect_err("there is no such file").to_string();
    assert!(error.contains("/nowhere/shop.yaml"), "{error}");
}
