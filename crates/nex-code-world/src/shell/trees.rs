//! Errands on trees of files.

use super::goal::{Goal, Start, Want};
use nex_world::Language;
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// `IMG_7.jpeg` becomes `photo-007.jpg`.
pub(super) fn rename_photos(rng: &mut ChaCha8Rng, language: Language, size: usize) -> Goal {
    let mut goal = Goal::default();
    let mut numbers: Vec<u32> = (1..140).collect();
    numbers.shuffle(rng);
    for number in &numbers[..size + 1] {
        let (old, text) = (format!("album/IMG_{number}.jpeg"), format!("picture {number}\n"));
        goal.file(old.clone(), text.clone());
        goal.gone(old);
        goal.want(format!("album/photo-{number:03}.jpg"), text);
    }
    goal.file("album/IMG_notes.txt", "not a picture\n");
    goal.file("album/old.jpeg", "no number\n");
    let command = "cd album && for f in IMG_*.jpeg; do n=${f#IMG_}; n=${n%.jpeg}; mv \"$f\" \"$(printf 'photo-%03d.jpg' \"$n\")\"; done".to_owned();
    let asks = [
        "In `album/` rename every `IMG_<number>.jpeg` to `photo-<number>.jpg`, the number with three digits (`IMG_7.jpeg` becomes `photo-007.jpg`). Other files keep their names.".to_owned(),
        "把 `album/` 中的每个 `IMG_<编号>.jpeg` 改名为 `photo-<编号>.jpg`，编号补足三位（`IMG_7.jpeg` 改为 `photo-007.jpg`）。其他文件不改名。".to_owned(),
    ];
    goal.said(
        language,
        asks,
        command,
        ["A loop with a three-digit format renames them.", "用三位数格式循环改名。"],
    )
}

/// Programs may be run, keys be read by nobody else.
pub(super) fn permissions(rng: &mut ChaCha8Rng, language: Language, size: usize) -> Goal {
    let mut goal = Goal::default();
    for number in 1..=size + 1 {
        let folder = *["deploy", "deploy/bin", "deploy/etc"].choose(rng).unwrap_or(&"deploy");
        let kind = if number <= 2 { number - 1 } else { rng.random_range(0..3) };
        let (path, text) = match kind {
            0 => (format!("{folder}/task{number}.sh"), "#!/bin/sh\necho ok\n".to_owned()),
            1 => (format!("{folder}/id{number}.key"), format!("key {number}\n")),
            _ => (format!("{folder}/page{number}.md"), format!("# page {number}\n")),
        };
        if kind < 2 {
            goal.wants.insert(path.clone(), Want::Mode { mode: if kind == 0 { 0o755 } else { 0o600 } });
        }
        goal.file(path, text);
    }
    goal.file("deploy/README", "read me\n");
    let command = "find deploy -type f -name '*.sh' -exec chmod 755 {} + && find deploy -type f -name '*.key' -exec chmod 600 {} +".to_owned();
    let asks = [
        "Set permissions below `deploy/`, at any depth: every `*.sh` to 755, every `*.key` to 600. All other files keep theirs.".to_owned(),
        "设置 `deploy/` 下（任意层级）的权限：所有 `*.sh` 设为 755，所有 `*.key` 设为 600，其他文件保持不变。".to_owned(),
    ];
    goal.said(language, asks, command, ["find reaches all depths.", "用 find 处理所有层级。"])
}

/// An archive is unpacked in part and removed.
pub(super) fn unpack_archive(rng: &mut ChaCha8Rng, language: Language, size: usize) -> Goal {
    let mut goal = Goal::default();
    let mut members: Vec<(String, String)> = Vec::new();
    for number in 1..=size + 2 {
        let ending =
            if number == 1 { "csv" } else { *["csv", "csv", "txt", "log"].choose(rng).unwrap_or(&"csv") };
        let text = format!("row {number}\nvalue {}\n", rng.random_range(0..1000));
        members.push((format!("export/file{number:02}.{ending}"), text));
    }
    for (name, text) in members.iter().filter(|(name, _)| name.ends_with(".csv")) {
        goal.want(format!("inbox/data/{}", name.trim_start_matches("export/")), text.clone());
    }
    goal.file("inbox/export.tar", tar(&members));
    goal.gone("inbox/export.tar");
    let command = "mkdir -p inbox/data && t=$(mktemp -d) && tar -xf inbox/export.tar -C \"$t\" && mv \"$t\"/export/*.csv inbox/data/ && rm -r \"$t\" inbox/export.tar".to_owned();
    let asks = [
        "Unpack `inbox/export.tar` and put its `.csv` files, without the folder they have in the archive, into `inbox/data/`. Nothing else of the archive is to be kept; delete the archive afterwards.".to_owned(),
        "解开 `inbox/export.tar`，把其中的 `.csv` 文件（去掉归档内的目录）放入 `inbox/data/`。归档中的其他内容不保留，最后删除归档。".to_owned(),
    ];
    goal.said(
        language,
        asks,
        command,
        ["I unpack elsewhere and move only what is wanted.", "先解到别处，只移动需要的文件。"],
    )
}

/// An uncompressed archive in the ustar format.
fn tar(members: &[(String, String)]) -> String {
    let mut archive = String::new();
    for (name, text) in members {
        let mut header = vec![0_u8; 512];
        let mut put = |at: usize, field: &str| header[at..at + field.len()].copy_from_slice(field.as_bytes());
        put(0, name);
        put(100, "0000644\0");
        put(108, "0000000\0");
        put(116, "0000000\0");
        put(124, &format!("{:011o}\0", text.len()));
        put(136, "14777777777\0");
        put(148, "        ");
        put(156, "0");
        put(257, "ustar\u{0}00");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        archive.extend(header.iter().map(|byte| char::from(*byte)));
        archive += text;
        archive.extend(std::iter::repeat_n('\0', text.len().next_multiple_of(512) - text.len()));
    }
    archive.extend(std::iter::repeat_n('\0', 1024));
    archive
}

/// Of files with the same content the first by name stays.
pub(super) fn remove_duplicates(rng: &mut ChaCha8Rng, language: Language, size: usize) -> Goal {
    let mut goal = Goal::default();
    let mut names: Vec<String> = (1..=2 * size).map(|number| format!("copies/f{number:02}.txt")).collect();
    names.shuffle(rng);
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for (index, name) in names.into_iter().enumerate() {
        let content = format!("content {}\n", if index == 0 { 1 } else { index % size.max(2) });
        files.insert(name, content);
    }
    for (name, content) in files {
        goal.file(name.clone(), content.clone());
        if first.insert(content.clone(), name.clone()).is_some() {
            goal.gone(name);
        }
    }
    let command = "cd copies && for f in *.txt; do for g in *.txt; do [ \"$f\" = \"$g\" ] && break; if [ -e \"$g\" ] && cmp -s \"$f\" \"$g\"; then rm \"$f\"; break; fi; done; done".to_owned();
    let asks = [
        "Some files in `copies/` have the same content. Of each such group keep only the one whose name comes first, and delete the others.".to_owned(),
        "`copies/` 中有些文件内容相同。每组相同的文件只保留文件名排在最前的那个，删除其余的。".to_owned(),
    ];
    goal.said(
        language,
        asks,
        command,
        ["Each file is compared with those before it.", "把每个文件与排在它前面的文件比较。"],
    )
}

/// Files go into folders by the year in their name.
pub(super) fn sort_by_year(rng: &mut ChaCha8Rng, language: Language, size: usize) -> Goal {
    let mut goal = Goal::default();
    for number in 1..=size + 2 {
        let year = rng.random_range(2019..2025);
        let name = format!("note-{year}-{:02}-{number:02}.md", rng.random_range(1..13));
        let text = format!("note {number}\n");
        goal.file(format!("notes/{name}"), text.clone());
        goal.gone(format!("notes/{name}"));
        goal.want(format!("notes/{year}/{name}"), text);
    }
    goal.file("notes/index.md", "all notes\n");
    let command = "cd notes && for f in note-*.md; do y=${f#note-}; y=${y%%-*}; mkdir -p \"$y\"; mv \"$f\" \"$y/\"; done".to_owned();
    let asks = [
        "Move every `notes/note-<year>-….md` into a folder of its year, so that for example `note-2020-03-01.md` lies in `notes/2020/`. `notes/index.md` stays where it is.".to_owned(),
        "把每个 `notes/note-<年份>-….md` 移入对应年份的目录，例如 `note-2020-03-01.md` 放到 `notes/2020/`。`notes/index.md` 留在原处。".to_owned(),
    ];
    goal.said(
        language,
        asks,
        command,
        ["The year is the part after the first dash.", "年份是第一个连字符之后的部分。"],
    )
}

/// A host's name changes in configurations, but not in the archive.
pub(super) fn replace_host(rng: &mut ChaCha8Rng, language: Language, size: usize) -> Goal {
    let mut goal = Goal::default();
    let (old, new) = ("db1.internal", format!("db{}.internal", rng.random_range(2..9)));
    for number in 1..=size + 1 {
        let folder = if number == 1 {
            "config/app"
        } else {
            *["config/app", "config/jobs", "config/archive"].choose(rng).unwrap_or(&"config/app")
        };
        let line = format!("host = {old}\nbackup = {old}:5432\nother = db1xinternal\nport = {number}\n");
        let path = format!("{folder}/service{number}.conf");
        if folder != "config/archive" {
            goal.want(path.clone(), line.replace(old, &new));
        }
        goal.file(path, line);
    }
    goal.file("config/README.md", format!("The database was {old}.\n"));
    let command = format!(
        "find config -path config/archive -prune -o -type f -name '*.conf' -exec sed -i 's/db1\\.internal/{new}/g' {{}} +"
    );
    let asks = [
        format!(
            "The database moved: replace `{old}` with `{new}` in all `*.conf` files below `config/`, but not in `config/archive/`. Nothing else changes."
        ),
        format!(
            "数据库迁移了：把 `config/` 下所有 `*.conf` 文件中的 `{old}` 替换为 `{new}`，但 `config/archive/` 除外。其他内容不变。"
        ),
    ];
    goal.said(
        language,
        asks,
        command,
        ["The archive is left out, and the dot is taken literally.", "跳过归档目录，并按字面匹配点号。"],
    )
}

/// Old temporary files go, also from folders deep down; what only looks like one stays.
pub(super) fn clean_up(rng: &mut ChaCha8Rng, language: Language, size: usize) -> Goal {
    let mut goal = Goal::default();
    for number in 1..=size + 2 {
        let folder = *["build", "build/lib", "build/lib/deep"].choose(rng).unwrap_or(&"build");
        let ending = match number {
            1 => "tmp",
            2 => "tmp.txt",
            _ => *["tmp", "bak", "c", "o"].choose(rng).unwrap_or(&"tmp"),
        };
        let path = format!("{folder}/unit{number}.{ending}");
        if ending == "tmp" || ending == "bak" {
            goal.gone(path.clone());
        }
        goal.start.insert(path, Start { text: format!("unit {number}\n"), mode: 0o644 });
    }
    let command = "find build -type f \\( -name '*.tmp' -o -name '*.bak' \\) -exec rm {} +".to_owned();
    let asks = [
        "Delete all files below `build/` whose names end in `.tmp` or `.bak`, at any depth, and nothing else.".to_owned(),
        "删除 `build/` 下（任意层级）所有以 `.tmp` 或 `.bak` 结尾的文件，其余不动。".to_owned(),
    ];
    goal.said(
        language,
        asks,
        command,
        ["Names are matched at their end, at all depths.", "在所有层级按结尾匹配文件名。"],
    )
}
