//! Drawing the facts of an office.

use super::{
    Client, ContactChange, Day, Invoice, Jam, Office, Paper, Payment, Person, Project, Quote, Scan, Setting,
    Stage, date, pick, shuffled, words,
};
use crate::text::Language;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// File, title in English and Chinese, whether it is final. Names do not tell what is final: the
/// front matter does.
type PaperSketch = (&'static str, &'static str, &'static str, &'static str, bool);

const ACTIVE_PAPERS: [PaperSketch; 9] = [
    ("scope-v1.md", "工作范围-v1.md", "Scope, first version", "工作范围（第一版）", false),
    ("scope-v2.md", "工作范围-v2.md", "Scope", "工作范围", true),
    ("fee-draft.md", "报价-草稿.md", "Fee proposal", "设计费报价", true),
    ("site-notes.md", "现场记录.md", "Site notes", "现场记录", true),
    ("details-old.md", "节点-旧.md", "Details, superseded", "节点说明（旧）", false),
    ("programme-final-2.md", "进度-最终2.md", "Programme", "进度计划", false),
    ("materials.md", "材料.md", "Materials", "材料清单", true),
    ("letter-to-council.md", "致主管部门函.md", "Letter to the council", "致主管部门的函", false),
    ("risk-notes.md", "风险记录.md", "Risk notes", "风险记录", true),
];

const FINISHED_PAPERS: [PaperSketch; 4] = [
    ("hand-over.md", "移交单.md", "Hand-over record", "移交单", true),
    ("scope-v2.md", "工作范围-v2.md", "Scope", "工作范围", true),
    ("lessons.md", "经验总结.md", "Lessons learnt", "经验总结", false),
    ("as-built-list.md", "竣工图目录.md", "List of as-built drawings", "竣工图目录", true),
];

/// File, group, key, value now, value decided before, value decided.
const SETTINGS: [(&str, &str, &str, i64, i64, i64); 9] = [
    ("billing.json", "reminders", "reminder_days", 14, 10, 21),
    ("billing.json", "reminders", "late_fee_percent", 2, 4, 3),
    ("billing.json", "rates", "hourly_rate", 86, 90, 94),
    ("plotter.json", "output", "output_dpi", 200, 400, 300),
    ("plotter.json", "output", "sheet_margin_mm", 8, 12, 10),
    ("plotter.json", "queue", "max_jobs", 12, 30, 20),
    ("backup.json", "retention", "keep_days", 30, 60, 45),
    ("backup.json", "schedule", "start_hour", 2, 1, 23),
    ("backup.json", "schedule", "timeout_minutes", 90, 100, 150),
];

impl Office {
    pub(super) fn fill(&mut self, rng: &mut ChaCha8Rng) {
        self.draw_people(rng);
        self.draw_projects(rng);
        self.draw_invoices(rng);
        self.draw_decisions(rng);
        self.draw_post(rng);
    }

    fn draw_people(&mut self, rng: &mut ChaCha8Rng) {
        let language = self.language;
        let mut people = shuffled(words::people(language), rng).into_iter();
        let mut person = |domain: &str, rng: &mut ChaCha8Rng| {
            let (name, address) = people.next().expect("there are more names than people");
            Person { name, email: format!("{address}@{domain}"), phone: phone(language, rng) }
        };
        let domain = self.say("office.example", "sheji.example");
        self.staff = (0..6).map(|_| person(domain, rng)).collect();
        let cities = shuffled(words::cities(language), rng);
        let clients = shuffled(words::clients(language), rng);
        for (at, (full, short, slug, domain)) in clients.into_iter().take(7).enumerate() {
            self.clients.push(Client {
                full,
                short,
                slug,
                contact: person(domain, rng),
                former: person(domain, rng),
                city: cities[at],
                terms_days: pick(&[14, 21, 30, 30], rng),
            });
        }
    }

    fn draw_projects(&mut self, rng: &mut ChaCha8Rng) {
        let names = shuffled(words::projects(self.language), rng);
        let mut code = rng.random_range(2401..2410);
        for (at, (title, slug)) in names.into_iter().take(8).enumerate() {
            let stage = match at {
                0..=4 => Stage::Active,
                5 | 6 => Stage::Finished,
                _ => Stage::OnHold,
            };
            let signed = date(2024, 9, 2) + rng.random_range(0..120);
            let papers = self.draw_papers(stage, signed, rng);
            let hours = self.draw_hours(signed, rng);
            self.projects.push(Project {
                code: format!("P-{code}"),
                title,
                slug,
                client: at % self.clients.len(),
                lead: rng.random_range(0..self.staff.len()),
                stage,
                fee: rng.random_range(24..140) * 500,
                signed,
                papers,
                hours,
            });
            code += rng.random_range(1..6);
        }
    }

    fn draw_papers(&self, stage: Stage, signed: Day, rng: &mut ChaCha8Rng) -> Vec<Paper> {
        let mut sketches: Vec<PaperSketch> = match stage {
            Stage::Active => {
                // The first two always; of the others some.
                let mut sketches = ACTIVE_PAPERS[..2].to_vec();
                let others = shuffled(&ACTIVE_PAPERS[2..], rng);
                sketches.extend(others.into_iter().take(rng.random_range(2..=4)));
                sketches
            }
            Stage::Finished => {
                let count = rng.random_range(1..=3);
                FINISHED_PAPERS[..count].to_vec()
            }
            Stage::OnHold => ACTIVE_PAPERS[..2].to_vec(),
        };
        sketches.sort_by_key(|sketch| sketch.0);
        sketches
            .into_iter()
            .map(|(en, zh, title_en, title_zh, is_final)| Paper {
                file: self.say(en, zh),
                title: self.say(title_en, title_zh),
                is_final,
                date: signed + rng.random_range(10..90),
            })
            .collect()
    }

    fn draw_hours(&self, signed: Day, rng: &mut ChaCha8Rng) -> Vec<(Day, usize, i64, &'static str)> {
        let work = words::work(self.language);
        let mut day = signed;
        (0..rng.random_range(9..16))
            .map(|_| {
                day += rng.random_range(1..6);
                (day, rng.random_range(0..self.staff.len()), rng.random_range(2..9), pick(work, rng))
            })
            .collect()
    }

    fn draw_invoices(&mut self, rng: &mut ChaCha8Rng) {
        let mut issued = date(2025, 1, 6);
        let mut number = 1;
        while issued < self.today - 3 {
            let project = rng.random_range(0..self.projects.len());
            let due = issued + self.client_of(project).terms_days;
            // What was due long ago is paid, but for a few.
            let is_paid = if due < self.today { rng.random_bool(0.72) } else { rng.random_bool(0.15) };
            self.invoices.push(Invoice {
                number: format!("R-2025-{number:03}"),
                project,
                issued,
                due,
                amount: rng.random_range(9..96) * 50 + rng.random_range(0..10) * 5,
                is_paid,
            });
            number += 1;
            issued += rng.random_range(2..6);
        }
        // Nobody pays within a week.
        let last = date(2025, 3, 25);
        let is_payable = |invoice: &Invoice| !invoice.is_paid && invoice.issued < last;
        let open: Vec<usize> =
            (0..self.invoices.len()).filter(|at| is_payable(&self.invoices[*at])).collect();
        let mut paying = shuffled(&open, rng);
        paying.truncate(rng.random_range(2..=4));
        let mut date = date(2025, 4, 1);
        let mut lines: Vec<(Option<usize>, i64)> =
            paying.into_iter().map(|at| (Some(at), self.invoices[at].amount)).collect();
        lines.push((None, -2150));
        lines.push((None, -184));
        for (invoice, amount) in shuffled(&lines, rng) {
            self.payments.push(Payment { date, invoice, amount });
            date += rng.random_range(0..2);
        }
    }

    fn draw_decisions(&mut self, rng: &mut ChaCha8Rng) {
        let superseded_on = date(2025, 1, 20) + rng.random_range(0..10);
        let decided_on = [date(2025, 2, 17), date(2025, 3, 10), date(2025, 3, 24)];
        let order = shuffled(&[0, 1, 2, 3, 4, 5, 6, 7, 8], rng);
        for (place, at) in order.into_iter().enumerate() {
            let (file, group, key, now, before, after) = SETTINGS[at];
            let is_decided = place < 5;
            self.settings.push(Setting {
                file,
                group,
                key,
                now,
                superseded: (place < 3).then_some((superseded_on, before)),
                decided: is_decided.then(|| (decided_on[place % 3], after)),
            });
        }
    }

    fn draw_post(&mut self, rng: &mut ChaCha8Rng) {
        let suppliers = shuffled(words::suppliers(self.language), rng);
        let people = shuffled(words::people(self.language), rng);
        let known = |name: &str, office: &Self| {
            office.staff.iter().any(|person| person.name == name)
                || office.clients.iter().any(|c| c.contact.name == name || c.former.name == name)
        };
        let mut senders = people.into_iter().map(|(name, _)| name).filter(|name| !known(name, self));
        let senders: Vec<&'static str> = senders.by_ref().take(2).collect();
        for (at, sender) in senders.into_iter().enumerate() {
            let first = date(2025, 3, 3) + rng.random_range(0..10);
            let price = rng.random_range(14..90) * 20;
            let offers =
                vec![(first, price), (first + rng.random_range(3..9), price - 20 * rng.random_range(1..5))];
            let review = date(2025, 2, 3) + rng.random_range(0..9);
            self.quotes.push(Quote {
                supplier: suppliers[at],
                sender,
                project: at,
                offers,
                reviews: vec![review, review + 42],
            });
        }
        for (at, is_email) in [(5, true), (6, false)] {
            let contact = self.clients[at].contact.clone();
            let new = match is_email {
                true => contact.email.replacen('@', "@mail.", 1),
                false => phone(self.language, rng),
            };
            let date = date(2025, 3, 12) + rng.random_range(0..15);
            self.changes.push(ContactChange { client: at, date, is_email, new });
        }
        let mut number = rng.random_range(31..60);
        let mut day = date(2025, 3, 17);
        for _ in 0..rng.random_range(2..=4) {
            number += rng.random_range(1..4);
            day += rng.random_range(1..5);
            self.scans.push(Scan { number, date: day, project: rng.random_range(0..5) });
        }
        let mut day = date(2025, 3, 3);
        for _ in 0..4 {
            day += rng.random_range(2..7);
            let project = rng.random_range(0..5);
            let sheet = format!("{}-A{:02}", self.projects[project].code, rng.random_range(1..30));
            self.jams.push(Jam { date: day, project, sheet });
        }
    }
}

fn phone(language: Language, rng: &mut ChaCha8Rng) -> String {
    match language {
        Language::En => format!("+44 7700 900{:03}", rng.random_range(100..1000)),
        Language::Zh => format!("138-0000-{:04}", rng.random_range(1000..10_000)),
    }
}
