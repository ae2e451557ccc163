//! Notes of meetings, and mails.

use super::{Writer, note};
use crate::files::office::{Day, date, iso, shuffled, words};
use rand_chacha::ChaCha8Rng;

impl Writer<'_> {
    pub(super) fn meetings(&mut self, rng: &mut ChaCha8Rng) {
        let office = self.office;
        let word = office.say("office-round", "例会");
        let mut days: Vec<Day> = office
            .settings
            .iter()
            .flat_map(|setting| [setting.superseded, setting.decided])
            .flatten()
            .map(|(day, _)| day)
            .collect();
        days.push(date(2025, 2, 3));
        days.sort_unstable();
        days.dedup();
        for day in days {
            let title = office.say("Office round", "例会");
            let text = self.round(day, rng);
            self.meeting(day, word, title, &text);
        }
        let word = office.say("review", "评审");
        for (at, quote) in office.quotes.iter().enumerate() {
            let project = &office.projects[quote.project];
            for (review, day) in quote.reviews.iter().enumerate() {
                let title =
                    office.say(format!("Review {}", project.title), format!("{}评审会", project.title));
                let text = office.say(
                    format!(
                        "- Drawings looked through with {}\n- Offer of {} to come\n",
                        office.staff[project.lead].name, quote.supplier.0
                    ),
                    format!(
                        "- 与{}一起看了图纸\n- 等{}报价\n",
                        office.staff[project.lead].name, quote.supplier.0
                    ),
                );
                debug_assert!(office.review_note(at, review).contains(word), "one word for reviews");
                self.meeting(*day, &format!("{word}-{}", project.code), &title, &text);
            }
        }
    }

    fn meeting(&mut self, day: Day, word: &str, title: &str, text: &str) {
        let (office, labels) = (self.office, self.office.labels());
        let day = iso(day);
        let fields = [(labels.title, title), (labels.date, day.as_str()), (labels.status, labels.is_draft)];
        let present: Vec<&str> = office.staff.iter().take(4).map(|person| person.name).collect();
        let head = office.say(
            format!("# {title}\n\nPresent: {}\n\n", present.join(", ")),
            format!("# {title}\n\n出席：{}\n\n", present.join("、")),
        );
        let path = format!("{}/{day}-{word}.md", labels.meetings);
        self.put(path, note(&fields, &(head + text)));
    }

    /// The points of an office round: decisions of the day, and what was only talked about.
    fn round(&self, day: Day, rng: &mut ChaCha8Rng) -> String {
        let office = self.office;
        let decision = office.labels().decision;
        let topics = shuffled(words::topics(office.language), rng);
        let mut text: String = topics.iter().take(3).map(|topic| format!("- {topic}\n")).collect();
        for setting in &office.settings {
            for (on, value) in [setting.superseded, setting.decided].into_iter().flatten() {
                if on == day {
                    text.push_str(&office.say(
                        format!("- {decision}: `{}` goes from {} to {value}.\n", setting.key, setting.now),
                        format!("- {decision}：`{}` 由 {} 改为 {value}。\n", setting.key, setting.now),
                    ));
                }
            }
            if day == date(2025, 2, 3) && setting.superseded.is_some() {
                text.push_str(&office.say(
                    format!("- `{}` was talked about, nothing decided\n", setting.key),
                    format!("- 讨论了 `{}`，没有结论\n", setting.key),
                ));
            }
        }
        text
    }

    pub(super) fn mails(&mut self) {
        let office = self.office;
        for quote in &office.quotes {
            let project = &office.projects[quote.project];
            for (round, (day, price)) in quote.offers.iter().enumerate() {
                let subject = match round {
                    0 => office.say(format!("Offer {}", project.code), format!("{} 报价", project.code)),
                    _ => office.say(
                        format!("Offer {}, revised", project.code),
                        format!("{} 报价（修订）", project.code),
                    ),
                };
                let text = office.say(
                    format!(
                        "Hello,\n\nhere is what we can do for {}:\n\nPlanning and material, delivered to your office.\nTotal: {price} EUR\n\nRegards\n{}\n{}\n",
                        project.title, quote.sender, quote.supplier.0
                    ),
                    format!(
                        "您好：\n\n关于{}，我们的报价如下：\n\n含材料，送到贵所。\n合计：{price} 元\n\n此致\n{}\n{}\n",
                        project.title, quote.sender, quote.supplier.0
                    ),
                );
                let from = format!("info@{}", quote.supplier.3);
                self.mail(*day, quote.supplier.2, &from, &subject, &text, round);
            }
        }
        for change in &office.changes {
            let client = &office.clients[change.client];
            let what = match change.is_email {
                true => office.say("e-mail address", "邮箱"),
                false => office.say("phone number", "电话"),
            };
            let subject = office.say(format!("New {what}"), format!("新{what}"));
            let text = office.say(
                format!(
                    "Dear all,\n\nplease note my new {what}: {}\nThe old one ends this month.\n\n{}\n{}\n",
                    change.new, client.contact.name, client.full
                ),
                format!(
                    "各位好：\n\n我的{what}已更换为：{}\n旧的月底停用。\n\n{}\n{}\n",
                    change.new, client.contact.name, client.full
                ),
            );
            self.mail(change.date, client.slug, &client.contact.email, &subject, &text, 0);
        }
        for (at, client) in office.clients.iter().take(4).enumerate() {
            let day = date(2025, 3, 5) + 6 * Day::try_from(at).unwrap_or(0);
            let subject = office.say("Visit next week", "下周来访");
            let text = office.say(
                format!(
                    "Hello,\n\ncould we come by on {}? Half an hour will do.\n\n{}\n",
                    iso(day + 7),
                    client.contact.name
                ),
                format!(
                    "您好：\n\n我们 {} 过来一趟可以吗？半小时就够。\n\n{}\n",
                    iso(day + 7),
                    client.contact.name
                ),
            );
            self.mail(day, client.slug, &client.contact.email, subject, &text, 0);
        }
    }

    fn mail(&mut self, day: Day, slug: &str, from: &str, subject: &str, text: &str, round: usize) {
        let (office, labels) = (self.office, self.office.labels());
        let day = iso(day);
        let to = format!("studio@{}", office.say("office.example", "sheji.example"));
        let head = office.say(
            format!("From: {from}\nTo: {to}\nDate: {day}\nSubject: {subject}\n\n"),
            format!("发件人：{from}\n收件人：{to}\n日期：{day}\n主题：{subject}\n\n"),
        );
        let suffix = if round == 0 { String::new() } else { format!("-{}", round + 1) };
        self.put(format!("{}/{day}-{slug}{suffix}.txt", labels.mail), head + text);
    }
}
