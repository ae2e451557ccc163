//! What machines write or read, what the scanner drops, and the archive.

use super::{Writer, note};
use crate::files::office::{date, iso, pick, words};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};
use std::fmt::Write;

impl Writer<'_> {
    pub(super) fn configurations(&mut self) {
        let (office, labels) = (self.office, self.office.labels());
        for file in ["billing.json", "plotter.json", "backup.json"] {
            let path = format!("{}/{file}", labels.config);
            self.put(path, self.configuration(file, 0));
        }
        let path = format!("{}/{}/billing.json", labels.config, labels.old);
        self.put(path, self.configuration("billing.json", 3));
        let printers = office.say(
            "[plotter]\nname = Big Bertha\npaper = A0\n\n[laser]\nname = corridor\npaper = A4\n",
            "[plotter]\nname = 大图机\npaper = A0\n\n[laser]\nname = 走廊打印机\npaper = A4\n",
        );
        self.put(format!("{}/printers.ini", labels.config), printers);
    }

    fn configuration(&self, file: &str, off_by: i64) -> String {
        let mut groups: Map<String, Value> = Map::new();
        groups.insert("version".to_owned(), json!(if off_by == 0 { 4 } else { 3 }));
        let mut settings: Vec<_> =
            self.office.settings.iter().filter(|setting| setting.file == file).collect();
        settings.sort_by_key(|setting| (setting.group, setting.key));
        for setting in settings {
            let group = groups.entry(setting.group).or_insert_with(|| json!({}));
            group[setting.key] = json!(setting.now - off_by);
        }
        let text = serde_json::to_string_pretty(&Value::Object(groups));
        text.expect("a value has text keys only") + "\n"
    }

    pub(super) fn logs(&mut self, rng: &mut ChaCha8Rng) {
        let (office, labels) = (self.office, self.office.labels());
        let mut plotter = String::new();
        for at in 0..26 {
            let day = date(2025, 3, 3) + at;
            for jam in office.jams.iter().filter(|jam| jam.date == day) {
                let _ =
                    writeln!(plotter, "{} 09:41 ERROR sheet {} not plotted: paper jam", iso(day), jam.sheet);
            }
            let project = &office.projects[rng.random_range(0..office.projects.len())];
            let _ = writeln!(
                plotter,
                "{} 14:{:02} INFO sheet {}-S{:02} plotted",
                iso(day),
                rng.random_range(10..60),
                project.code,
                rng.random_range(1..20)
            );
        }
        self.put(format!("{}/plotter-2025-03.log", labels.logs), plotter);
        let mut backup = String::new();
        for at in 0..20 {
            let day = iso(date(2025, 3, 10) + at);
            let size = rng.random_range(4100..4700);
            let _ = writeln!(backup, "{day} 02:00 INFO backup started");
            let _ = match at % 9 {
                7 => writeln!(backup, "{day} 03:30 WARN backup cut short by timeout, {size} MB"),
                _ => writeln!(backup, "{day} 02:51 INFO backup done, {size} MB"),
            };
        }
        self.put(format!("{}/backup-2025-03.log", labels.logs), backup);
    }

    pub(super) fn inbox(&mut self, rng: &mut ChaCha8Rng) {
        let (office, labels) = (self.office, self.office.labels());
        for (at, scan) in office.scans.iter().enumerate() {
            let project = &office.projects[scan.project];
            let day = iso(scan.date);
            let fields = [
                (labels.date, day.as_str()),
                (labels.project, &project.code),
                (labels.subject, office.say("site report", "现场报告")),
            ];
            let lead = office.staff[project.lead].name;
            let seen = pick(words::sightings(office.language), rng);
            let text = office.say(
                format!("Visited {} with {lead}. {seen}\n", project.title),
                format!("与{lead}一起巡查{}。{seen}\n", project.title),
            );
            self.put(office.scan_file(at), note(&fields, &text));
        }
        let slip = office.say("Two boxes of paper A0, signed for at the door.\n", "A0 纸两箱，门口签收。\n");
        self.put(format!("{}/{}", labels.inbox, office.say("delivery-slip.txt", "送货单.txt")), slip);
        let call = office.say("Call back about the chair repair.\n", "回电：椅子维修。\n");
        self.put(format!("{}/{}", labels.inbox, office.say("phone-note.txt", "电话记录.txt")), call);
    }

    pub(super) fn archive(&mut self) {
        let (office, labels) = (self.office, self.office.labels());
        for (code, title) in office.say(
            [("P-2311", "chapel-hall"), ("P-2318", "weir-cottage")],
            [("P-2311", "礼堂翻新"), ("P-2318", "堰边小屋")],
        ) {
            let folder = format!("{}/2024/{code}-{title}", labels.archive);
            let fields = [
                (labels.title, title),
                (labels.code, code),
                (labels.stage, labels.finished),
                (labels.lead, office.staff[0].name),
            ];
            let text = office.say("Closed in 2024.\n", "2024 年结项。\n");
            self.put(format!("{folder}/{}", labels.brief), note(&fields, text));
            let list = office.say("A01 plan\nA02 sections\n", "A01 平面\nA02 剖面\n");
            self.put(format!("{folder}/{}", office.say("drawings.txt", "图纸目录.txt")), list);
        }
        let kept =
            office.say("Totals that the tax adviser asked for go here.\n", "税务顾问要的汇总放在这里。\n");
        self.put(format!("{}/{}", labels.reports, office.say("about.txt", "关于.txt")), kept);
    }
}
