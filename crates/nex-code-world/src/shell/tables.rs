//! Errands on lists and tables.

use super::goal::Goal;
use nex_world::Language;
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};

const WORDS: [&str; 20] = [
    "apple", "bread", "cocoa", "dates", "eggs", "flour", "grapes", "honey", "juice", "kale", "lemon", "milk",
    "nuts", "oats", "pears", "quinoa", "rice", "salt", "tea", "yeast",
];

/// Several lists into one, sorted, each entry once.
pub(super) fn merge_lists(rng: &mut ChaCha8Rng, language: Language, size: usize) -> Goal {
    let mut goal = Goal::default();
    let mut all: BTreeSet<String> = BTreeSet::new();
    for part in 1..=size.div_ceil(2) + 1 {
        let mut lines: Vec<String> = Vec::new();
        for _ in 0..size + 4 {
            lines.push(format!("{}-{}", WORDS.choose(rng).unwrap_or(&"tea"), rng.random_range(1..6)));
        }
        all.extend(lines.iter().cloned());
        goal.file(format!("lists/part{part}.txt"), lines.join("\n") + "\n");
    }
    goal.want("lists/all.txt", all.into_iter().map(|line| line + "\n").collect::<String>());
    let command = "LC_ALL=C sort -u lists/part*.txt > lists/all.txt".to_owned();
    let asks = [
        "Merge the files `lists/part*.txt` into `lists/all.txt`: all their lines, each once, sorted in byte order.".to_owned(),
        "把 `lists/part*.txt` 合并为 `lists/all.txt`：包含所有行，每行只出现一次，按字节序排序。".to_owned(),
    ];
    goal.said(
        language,
        asks,
        command,
        ["One sort does both: order and uniqueness.", "一次排序即可同时完成排序和去重。"],
    )
}

/// Sums of a column by the value of another.
pub(super) fn sum_by_key(rng: &mut ChaCha8Rng, language: Language, size: usize) -> Goal {
    let mut goal = Goal::default();
    let regions = ["east", "north", "south", "west"];
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    let mut text = "order,region,state,amount\n".to_owned();
    let mut add = |number: usize, region: &'static str, state: &str, amount: u64| {
        text += &format!("{number},{region},{state},{amount}\n");
        if state == "paid" {
            *sums.entry(region).or_default() += amount;
        }
    };
    for number in 1..=12 * size {
        let region = *regions.choose(rng).unwrap_or(&"east");
        let state = *["paid", "open", "void"].choose(rng).unwrap_or(&"paid");
        add(number, region, state, rng.random_range(1..500));
    }
    add(12 * size + 1, "east", "paid", 77);
    goal.file("sales/orders.csv", text);
    let lines: String = sums.iter().map(|(region, sum)| format!("{region},{sum}\n")).collect();
    goal.want("sales/summary.csv", format!("region,total\n{lines}"));
    let command = "{ echo region,total; awk -F, 'NR > 1 && $3 == \"paid\" { s[$2] += $4 } END { for (r in s) print r \",\" s[r] }' sales/orders.csv | LC_ALL=C sort; } > sales/summary.csv".to_owned();
    let asks = [
        "From `sales/orders.csv` make `sales/summary.csv` with the header `region,total` and one line a region: the sum of the amounts of its paid orders, regions in alphabetical order. Leave out regions without paid orders.".to_owned(),
        "根据 `sales/orders.csv` 生成 `sales/summary.csv`：表头为 `region,total`，每个地区一行，给出该地区已付款（paid）订单的金额之和，按地区名字母序排列；没有已付款订单的地区不列出。".to_owned(),
    ];
    goal.said(
        language,
        asks,
        command,
        ["Only paid orders count; the header is written first.", "只统计已付款订单，并先写表头。"],
    )
}

/// Two tables joined by an id.
pub(super) fn join_tables(rng: &mut ChaCha8Rng, language: Language, size: usize) -> Goal {
    let mut goal = Goal::default();
    let count = size + 3;
    let names = ["Ada", "Bo", "Chen", "Dana", "Eli", "Fay", "Gus", "Hana", "Ivo", "Jun"];
    let mut order: Vec<usize> = (1..=count).collect();
    order.shuffle(rng);
    let people: Vec<(usize, String)> =
        order.iter().map(|id| (100 + id, format!("{}{id}", names.choose(rng).unwrap_or(&"Ada")))).collect();
    let text: String = people.iter().map(|(id, name)| format!("{id},{name}\n")).collect();
    goal.file("staff/people.csv", text);
    order.shuffle(rng);
    // Some have no desk, and some desks nobody.
    let desks: Vec<(usize, String)> = order
        .iter()
        .skip(2)
        .map(|id| {
            (100 + id, format!("{}{}", ["A", "B", "C"].choose(rng).unwrap_or(&"A"), rng.random_range(10..99)))
        })
        .chain([(999, "Z1".to_owned())])
        .collect();
    let text: String = desks.iter().map(|(id, desk)| format!("{id},{desk}\n")).collect();
    goal.file("staff/desks.csv", text);
    let mut joined: Vec<(usize, String)> = Vec::new();
    for (id, name) in &people {
        if let Some((_, desk)) = desks.iter().find(|(other, _)| other == id) {
            joined.push((*id, format!("{id},{name},{desk}\n")));
        }
    }
    joined.sort();
    goal.want("staff/seating.csv", joined.into_iter().map(|(_, line)| line).collect::<String>());
    let command = "awk -F, 'NR == FNR { desk[$1] = $2; next } $1 in desk { print $1 \",\" $2 \",\" desk[$1] }' staff/desks.csv staff/people.csv | sort -n > staff/seating.csv".to_owned();
    let asks = [
        "`staff/people.csv` has lines `ID,NAME` and `staff/desks.csv` lines `ID,DESK`. Write `staff/seating.csv` with a line `ID,NAME,DESK` for each id that occurs in both, sorted by id.".to_owned(),
        "`staff/people.csv` 的行为 `编号,姓名`，`staff/desks.csv` 的行为 `编号,工位`。请写出 `staff/seating.csv`：对两个文件中都出现的编号，各写一行 `编号,姓名,工位`，按编号排序。".to_owned(),
    ];
    goal.said(
        language,
        asks,
        command,
        ["I read the desks first and then look each person up.", "先读入工位表，再逐人查找。"],
    )
}

/// A list split into files by the first letter.
pub(super) fn split_by_letter(rng: &mut ChaCha8Rng, language: Language, size: usize) -> Goal {
    let mut goal = Goal::default();
    let mut words: Vec<&str> = WORDS.to_vec();
    words.shuffle(rng);
    words.truncate(size + 4);
    goal.file("index/words.txt", words.iter().map(|word| format!("{word}\n")).collect::<String>());
    let mut groups: BTreeMap<char, String> = BTreeMap::new();
    for word in &words {
        let letter = word.chars().next().unwrap_or('a');
        *groups.entry(letter).or_default() += &format!("{word}\n");
    }
    for (letter, text) in groups {
        goal.want(format!("index/by/{letter}.txt"), text);
    }
    goal.gone("index/words.txt");
    let command = "mkdir -p index/by && while read -r w; do f=index/by/$(printf %.1s \"$w\").txt; printf '%s\\n' \"$w\" >> \"$f\"; done < index/words.txt && rm index/words.txt".to_owned();
    let asks = [
        "Split `index/words.txt` by first letter: the words that begin with `a` go, one a line and in their present order, into `index/by/a.txt`, and so on; no file for letters without words. Then delete `index/words.txt`.".to_owned(),
        "按首字母拆分 `index/words.txt`：以 `a` 开头的单词按现有顺序逐行写入 `index/by/a.txt`，其余类推；没有单词的字母不建文件。然后删除 `index/words.txt`。".to_owned(),
    ];
    goal.said(
        language,
        asks,
        command,
        ["Each word is appended to the file of its first letter.", "把每个单词追加到其首字母对应的文件。"],
    )
}
