//! Goals that carry a decision from one file into another.

use super::{Goal, Scene, between, lit, pick, reply, text};
use crate::files::office::{self, Setting, iso};
use crate::task::{Comparison, ValueSource};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

/// Sets configuration values as the latest meeting decided.
pub(super) fn apply_decisions(scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<Goal> {
    let (office, labels) = (scene.office, scene.office.labels());
    if !scene.is_free("config") {
        return None;
    }
    let mut decided: Vec<&Setting> = office.settings.iter().filter(|s| s.decided.is_some()).collect();
    if scene.is_ambiguous {
        decided.retain(|setting| setting.superseded.is_some());
    }
    let mut chosen = office::shuffled(&decided, rng);
    chosen.truncate((scene.wanted / 3).clamp(1, 3));
    let keys: Vec<String> = chosen.iter().map(|setting| format!("`{}`", setting.key)).collect();
    let (config, meetings) = (labels.config, labels.meetings);
    let where_ = match scene.is_vague {
        true => office.say("the meeting notes", "会议记录").to_owned(),
        false => office.say(format!("the notes in `{meetings}/`"), format!(" `{meetings}/` 里的记录")),
    };
    let mut goal = Goal {
        ask: office.say(
            format!(
                "The round decided on {} but nobody has changed the configuration yet. Look the decisions up in {where_} and set the values in `{config}/`. Where there are several, the latest counts. Leave `{config}/{}/` alone.",
                keys.join(" and "),
                labels.old
            ),
            format!(
                "例会上定了 {} 的新值，但配置一直没改。请查{where_}找到决定，把 `{config}/` 里的值改过来；有多次决定的以最近一次为准，`{config}/{}/` 不要动。",
                keys.join("、"),
                labels.old
            ),
        ),
        uses: vec!["config".to_owned()],
        ..Goal::default()
    };
    let other = office.say(
        format!(
            "Nobody has touched the configuration since our rounds. Please bring {} in `{config}/` in line with what was last decided in {where_}; what was only talked about does not count, and `{config}/{}/` stays as it is.",
            keys.join(" and "),
            labels.old
        ),
        format!(
            "几次例会之后配置都没人动过。请查{where_}，按最后一次决定把 `{config}/` 中的 {} 改好；只讨论没决定的不算，`{config}/{}/` 保持原样。",
            keys.join("、"),
            labels.old
        ),
    );
    goal.or_ask(rng, other);
    let mut says = Vec::new();
    for (at, setting) in chosen.iter().enumerate() {
        let new = decision(scene, &mut goal, setting);
        let reason = office.say(
            format!("I need the file and the place of `{}`.", setting.key),
            format!("找到 `{}` 在哪个文件的什么位置。", setting.key),
        );
        let found = goal.step("find_json_key", [("key", lit(setting.key)), ("folder", lit(config))], reason);
        let place = pick(found, "/matches").when("folder", Comparison::Eq, lit(config));
        let reason = office
            .say(format!("I set `{}` as decided.", setting.key), format!("按决定修改 `{}`。", setting.key));
        let arguments =
            [("path", place.clone().get("path")), ("pointer", place.get("pointer")), ("value", new.clone())];
        goal.step("set_json_value", arguments, reason);
        let slot = format!("value{at}");
        says.push(format!("`{}` = {{{slot}}}", setting.key));
        goal.slot(&slot, new);
        set(scene, &mut goal, setting)?;
    }
    goal.says = office.say(
        format!("The configuration is as decided: {}.", says.join(", ")),
        format!("配置已按决定更新：{}。", says.join("，")),
    );
    Some(goal)
}

/// Looks up the value that the latest decision gives `setting`.
fn decision(scene: &Scene<'_>, goal: &mut Goal, setting: &Setting) -> ValueSource {
    let (office, labels) = (scene.office, scene.office.labels());
    let reason = office.say(
        format!("The notes say what was decided on `{}`.", setting.key),
        format!("先查会议记录里关于 `{}` 的决定。", setting.key),
    );
    let arguments = [("text", lit(setting.key)), ("folder", lit(labels.meetings))];
    let step = goal.step("search_text", arguments, reason);
    let line = pick(step, "/matches")
        .when("text", Comparison::Contains, lit(labels.decision))
        // Notes are named by their date.
        .last("path")
        .get("text");
    let (after, before) = office.say((" to ", "."), ("改为 ", "。"));
    let mut value = between(setting.key, line, after, before);
    if let ValueSource::Between { is_number, .. } = &mut value {
        *is_number = true;
    }
    value
}

/// Notes in the goal what the file of `setting` holds at the end.
fn set(scene: &Scene<'_>, goal: &mut Goal, setting: &Setting) -> Option<()> {
    let path = format!("{}/{}", scene.office.labels().config, setting.file);
    let before = match goal.files.get(&path) {
        Some(changed) => changed.clone()?,
        None => scene.tree.text(&path)?.to_owned(),
    };
    let mut whole: Value = serde_json::from_str(&before).ok()?;
    let (_, new) = setting.decided?;
    whole[setting.group][setting.key] = json!(new);
    goal.files.insert(path, Some(serde_json::to_string_pretty(&whole).ok()? + "\n"));
    Some(())
}

/// Puts the price of a supplier's offer on record in the note of a review.
pub(super) fn record_offer(scene: &Scene<'_>, rng: &mut ChaCha8Rng) -> Option<Goal> {
    let (office, labels) = (scene.office, scene.office.labels());
    let at = office::shuffled(&[0, 1], rng).into_iter().find(|at| scene.is_free(&format!("offer {at}")))?;
    let quote = &office.quotes[at];
    let project = &office.projects[quote.project];
    let supplier = quote.supplier.0;
    let review = quote.reviews.len() - 1;
    let note = office.review_note(at, review);
    let (_, price) = *quote.offers.last()?;
    let decision = labels.decision;
    let form = office.say(
        format!("- {decision}: {supplier}, <price> EUR"),
        format!("- {decision}：{supplier}，<价格> 元"),
    );
    let which = match scene.is_vague {
        true => office.say(
            format!("the note of the last review of {}", project.title),
            format!("“{}”最近一次评审会的记录", project.title),
        ),
        false => format!("`{note}`"),
    };
    let mut goal = Goal {
        ask: office.say(
            format!(
                "We go with the offer of {supplier} for {}. Take the price from their last mail in `{}/` and add a line `{form}` at the end of {which}.",
                project.title, labels.mail
            ),
            format!(
                "“{}”就用{supplier}的报价。价格以他们在 `{}/` 里的最后一封邮件为准，请在{which}末尾加一行 `{form}`。",
                project.title, labels.mail
            ),
        ),
        says: office.say(
            format!("The offer of {supplier}, {{price}} EUR, is on record in `{note}`."),
            format!("{supplier}的报价 {{price}} 元已记入 `{note}`。"),
        ),
        uses: vec![format!("offer {at}")],
        ..Goal::default()
    };
    let reason = office.say("I look for the supplier's mails.", "先找供应商的邮件。");
    let arguments = [("text", lit(supplier)), ("folder", lit(labels.mail))];
    let found = goal.step("search_text", arguments, reason);
    let reason = office.say("The last mail has the price that counts.", "以最后一封邮件里的价格为准。");
    // Mails are named by their date.
    let mail = goal.step("read_file", [("path", pick(found, "/matches").last("path").get("path"))], reason);
    let (after, before) = office.say(("Total: ", " EUR"), ("合计：", " 元"));
    let source = between("price", reply(mail, "/text"), after, before);
    goal.slot("price", source.clone());
    let path = if scene.is_vague {
        let word = office.say("review", "评审");
        let pattern = format!("*-{word}-{}.md", project.code);
        let reason = office.say(
            "There may be several reviews; the last one is wanted.",
            "评审会可能不止一次，要最近的一次。",
        );
        let arguments = [("pattern", lit(pattern)), ("folder", lit(labels.meetings))];
        let notes = goal.step("find_files", arguments, reason);
        pick(notes, "/files").last("path").get("path")
    } else {
        lit(note.as_str())
    };
    let template = form.replace(office.say("<price>", "<价格>"), "{price}");
    let reason = office.say("I add the line in the stated form.", "按给定格式追加一行。");
    goal.step("append_line", [("path", path), ("line", text(&template, [("price", source)]))], reason);
    let line = template.replace("{price}", &price.to_string());
    let before = scene.tree.text(&note)?;
    debug_assert!(note.contains(&iso(quote.reviews[review])), "notes are named by their date");
    goal.files.insert(note, Some(format!("{before}{line}\n")));
    Some(goal)
}
