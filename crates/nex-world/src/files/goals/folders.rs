//! Goals that move, rename or delete files.

use super::{Goal, Scene, lit, pick, reply, text};
use crate::files::office::{self, Stage, iso};
use crate::task::ValueSource;
use rand_chacha::ChaCha8Rng;

/// Moves the files of a finished job to the archive.
pub(super) fn archive_project(scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<Goal> {
    let (office, labels) = (scene.office, scene.office.labels());
    let calls = |at: &usize| office.projects[*at].papers.len() + 3 + usize::from(scene.is_vague);
    let mut finished: Vec<usize> = (0..office.projects.len())
        .filter(|at| {
            office.projects[*at].stage == Stage::Finished && scene.is_free(&office.projects[*at].code)
        })
        .collect();
    finished = office::shuffled(&finished, rng);
    let at = finished.into_iter().min_by_key(|at| calls(at).abs_diff(scene.wanted))?;
    let project = &office.projects[at];
    let (folder, name) = (office.project_folder(at), office.folder_name(at));
    let target = format!("{}/2025", labels.archive);
    let ask = match scene.is_vague {
        true => office.say(
            format!(
                "{} is finished. Move everything in its folder to the archive of 2025, under the same folder name as before.",
                project.title
            ),
            format!("“{}”项目已经完成，请把它文件夹里的文件全部移到 2025 年的归档里，文件夹名不变。", project.title),
        ),
        false => office.say(
            format!("Job {} is finished: move all files in `{folder}/` to `{target}/{name}/`, keeping their names.", project.code),
            format!("项目 {} 已完成，请把 `{folder}/` 里的所有文件移到 `{target}/{name}/`，文件名不变。", project.code),
        ),
    };
    let mut goal = Goal { ask, uses: vec![project.code.clone()], ..Goal::default() };
    if !scene.is_vague {
        let other = office.say(
            format!("We have handed over {}. Put its papers away: every file of `{folder}/` goes to `{target}/{name}/`, names as they are.", project.title),
            format!("“{}”已经移交，资料该归档了：`{folder}/` 里的每个文件都移到 `{target}/{name}/`，不改名。", project.title),
        );
        goal.or_ask(rng, other);
    }
    let inside = match scene.is_vague {
        true => brief_folder(scene, &mut goal, project.slug),
        false => lit(folder.as_str()),
    };
    let reason = office.say("I list what is in the job's folder.", "列出项目文件夹里的文件。");
    let list = goal.step("find_files", [("pattern", lit("**")), ("folder", inside)], reason);
    let paths: Vec<String> = scene
        .tree
        .paths()
        .filter(|path| path.starts_with(&format!("{folder}/")))
        .map(str::to_owned)
        .collect();
    for (at, path) in paths.iter().enumerate() {
        let file = pick(list, "/files").nth("path", at);
        let to = text(
            &format!("{target}/{{folder}}/{{name}}"),
            [("folder", file.clone().get("folder_name")), ("name", file.clone().get("name"))],
        );
        let reason = office.say("I move a file to the archive.", "把文件移到归档。");
        goal.step("move_file", [("from", file.get("path")), ("to", to)], reason);
        let file = path.strip_prefix(&folder)?;
        goal.files.insert(format!("{target}/{name}{file}"), scene.tree.text(path).map(str::to_owned));
        goal.files.insert(path.clone(), None);
    }
    goal.says = office.say(
        format!("{} files of {} are in the archive now.", paths.len(), project.title),
        format!("“{}”的 {} 个文件已归档。", project.title, paths.len()),
    );
    Some(goal)
}

/// The folder of the job whose folder name ends with `slug`.
fn brief_folder(scene: &Scene<'_>, goal: &mut Goal, slug: &str) -> ValueSource {
    let (office, labels) = (scene.office, scene.office.labels());
    let pattern = format!("*-{slug}/{}", labels.brief);
    let reason = office.say("I look for the job's folder by its brief.", "通过任务书找到项目文件夹。");
    let step = goal.step("find_files", [("pattern", lit(pattern)), ("folder", lit(labels.projects))], reason);
    pick(step, "/files").get("folder")
}

/// Deletes the drafts in a job's folder.
pub(super) fn clear_drafts(scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<Goal> {
    let (office, labels) = (scene.office, scene.office.labels());
    let drafts = |at: usize| office.projects[at].papers.iter().filter(|paper| !paper.is_final);
    let calls = |at: &usize| drafts(*at).count() + 1 + usize::from(scene.is_vague);
    let mut active: Vec<usize> = (0..office.projects.len())
        .filter(|at| office.projects[*at].stage == Stage::Active)
        .filter(|at| {
            scene.is_free(&format!("papers {}", office.projects[*at].code)) && drafts(*at).count() > 0
        })
        .collect();
    active = office::shuffled(&active, rng);
    let at = active.into_iter().min_by_key(|at| calls(at).abs_diff(scene.wanted))?;
    let project = &office.projects[at];
    let folder = office.project_folder(at);
    let mark = format!("{}: {}", labels.status, labels.is_draft);
    let what = match scene.is_vague {
        true => {
            office.say(format!("the folder of {}", project.title), format!("“{}”的项目文件夹", project.title))
        }
        false => format!("`{folder}/`"),
    };
    let mut goal = Goal {
        ask: office.say(
            format!(
                "Clear out {what}: delete the notes that are still marked `{mark}` at their head, keep the rest. Go by the mark, not by the file's name."
            ),
            format!("清理一下{what}：开头标着 `{mark}` 的文件删掉，其余保留。以标记为准，不要只看文件名。"),
        ),
        uses: vec![format!("papers {}", project.code)],
        ..Goal::default()
    };
    let other = office.say(
        format!("There is old stuff in {what}. Throw away what its head calls `{mark}`; some names are misleading, so look at the head of each note. Nothing else may go."),
        format!("{what}里有些旧东西，开头写着 `{mark}` 的都可以删。有的文件名会误导，以开头为准，别的一份也不要动。"),
    );
    goal.or_ask(rng, other);
    let inside = match scene.is_vague {
        true => brief_folder(scene, &mut goal, project.slug),
        false => lit(folder.as_str()),
    };
    let reason = office.say("The mark at the head tells the drafts.", "按开头的标记找出草稿。");
    let found = goal.step("search_text", [("text", lit(mark.as_str())), ("folder", inside)], reason);
    let count = drafts(at).count();
    for rank in 0..count {
        let reason = office.say("This one is a draft.", "这份是草稿，删除。");
        goal.step("delete_file", [("path", pick(found, "/matches").nth("path", rank).get("path"))], reason);
    }
    for paper in drafts(at) {
        goal.files.insert(format!("{folder}/{}", paper.file), None);
    }
    goal.says = office.say(
        format!("Drafts of {} that I deleted: {count}. Everything else is kept.", project.title),
        format!("“{}”的 {count} 份草稿已删除，其余保留。", project.title),
    );
    Some(goal)
}

/// Names the scanner's files after what stands in them.
pub(super) fn rename_scans(scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<Goal> {
    let (office, labels) = (scene.office, scene.office.labels());
    if !scene.is_free("inbox") {
        return None;
    }
    let (inbox, scan) = (labels.inbox, labels.scan);
    let form = format!("<{}>_<{}>.txt", labels.date, labels.project);
    let mut goal = Goal {
        ask: office.say(
            format!(
                "Please give the `{scan}-*` files in `{inbox}/` proper names: `{form}`, with the date and the job's code from the head of each file. They stay in `{inbox}/`."
            ),
            format!("请给 `{inbox}/` 里的 `{scan}-*` 文件改名：`{form}`，日期和项目编号以文件开头为准，文件仍放在 `{inbox}/`。"),
        ),
        uses: vec!["inbox".to_owned()],
        ..Goal::default()
    };
    let other = office.say(
        format!("The scanner has filled `{inbox}/` again. Rename each `{scan}-*` file there to `{form}`; date and job code stand at its head."),
        format!("扫描仪又往 `{inbox}/` 里放了文件，请把其中每个 `{scan}-*` 改名为 `{form}`，日期和项目编号见各文件开头。"),
    );
    goal.or_ask(rng, other);
    let reason = office.say("I see which scans there are.", "先看有哪些扫描件。");
    let pattern = format!("{scan}-*");
    let list = goal.step("find_files", [("pattern", lit(pattern)), ("folder", lit(inbox))], reason);
    let file = |at: usize| pick(list, "/files").nth("path", at).get("path");
    let count = office.scans.len();
    let reads: Vec<usize> = (0..count)
        .map(|at| {
            let reason = office.say("Its head has the date and the job.", "文件开头有日期和项目编号。");
            goal.step("read_file", [("path", file(at))], reason)
        })
        .collect();
    for (at, read) in reads.into_iter().enumerate() {
        let field = |key: &str| reply(read, format!("/front_matter/{key}"));
        let slots = [("date", field(labels.date)), ("project", field(labels.project))];
        let to = text(&format!("{inbox}/{{date}}_{{project}}.txt"), slots);
        let reason = office.say("I give it its proper name.", "按规则改名。");
        goal.step("move_file", [("from", file(at)), ("to", to)], reason);
    }
    for (at, scan) in office.scans.iter().enumerate() {
        let path = office.scan_file(at);
        let to = format!("{inbox}/{}_{}.txt", iso(scan.date), office.projects[scan.project].code);
        goal.files.insert(to, scene.tree.text(&path).map(str::to_owned));
        goal.files.insert(path, None);
    }
    goal.says = office
        .say(format!("{count} scans have their proper names."), format!("{count} 份扫描件已按规则改名。"));
    Some(goal)
}
