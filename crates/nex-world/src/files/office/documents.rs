//! Writing the facts of an office into its files.

use super::{Client, Day, Office, Project, Stage, date, iso};
use crate::files::tree::FileTree;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// The files of `office`.
pub(crate) fn files(office: &Office, seed: u64) -> FileTree {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(0xD0C5);
    let mut writer = Writer { office, tree: FileTree::default() };
    writer.house();
    writer.clients();
    for at in 0..office.projects.len() {
        writer.project(at);
    }
    writer.ledgers(&mut rng);
    writer.statement();
    writer.meetings();
    writer.configurations();
    writer.mails();
    writer.logs(&mut rng);
    writer.inbox();
    writer.archive();
    writer.tree
}

struct Writer<'a> {
    office: &'a Office,
    tree: FileTree,
}

/// Front matter, then text.
fn note(fields: &[(&str, &str)], text: &str) -> String {
    let mut out = String::from("---\n");
    for (key, value) in fields {
        let _ = writeln!(out, "{key}: {value}");
    }
    let _ = write!(out, "---\n{text}");
    out
}

impl Writer<'_> {
    fn put(&mut self, path: String, text: impl Into<String>) {
        let is_new = self.tree.text(&path).is_none();
        debug_assert!(is_new, "{path} is written twice");
        self.tree.put(path, text);
    }

    fn house(&mut self) {
        let (office, labels) = (self.office, self.office.labels());
        let ledger = office.ledger();
        let readme = office.say(
            format!(
                "# {}\n\nHow our files are kept:\n\n- One folder per job in `{}/`, named code and title. The brief comes first.\n- The ledger that counts is `{ledger}`. Copies with `old` in their name are left over from the move.\n- Anything in `{}/` is as signed. Nobody edits, moves or deletes it.\n- A note whose head says `status: final` stays as it is. Drafts may go.\n- Finished jobs move to `{}/2025/`, one folder each, under the same name.\n- What the scanner drops lies in `{}/` until somebody names it properly.\n",
                office.name, labels.projects, labels.contracts, labels.archive, labels.inbox
            ),
            format!(
                "# {}\n\n文件管理约定：\n\n- 每个项目在 `{}/` 下有一个文件夹，以编号加名称命名，先看任务书。\n- 有效的台账是 `{ledger}`。名称里带“旧”的是搬迁时留下的副本。\n- `{}/` 里的文件以签署时为准，任何人不得修改、移动或删除。\n- 开头写着“状态: 定稿”的文件保持原样，草稿可以清理。\n- 完成的项目移到 `{}/2025/`，每个项目一个文件夹，名称不变。\n- 扫描仪生成的文件先放在 `{}/`，等人按规则命名。\n",
                office.name, labels.projects, labels.contracts, labels.archive, labels.inbox
            ),
        );
        self.put(labels.readme.to_owned(), readme);
        let roles = office.say(
            ["partner", "engineer", "architect", "technician", "office manager", "engineer"],
            ["合伙人", "工程师", "建筑师", "绘图员", "行政主管", "工程师"],
        );
        let mut staff = format!("{},{},{},{}\n", labels.name, labels.role, labels.email, labels.phone);
        for (person, role) in office.staff.iter().zip(roles) {
            let _ = writeln!(staff, "{},{role},{},{}", person.name, person.email, person.phone);
        }
        self.put(labels.staff_file.to_owned(), staff);
    }

    fn clients(&mut self) {
        let (office, labels) = (self.office, self.office.labels());
        let mut index = format!("{},{},{}\n", labels.client, labels.contact, labels.city);
        for (at, client) in office.clients.iter().enumerate() {
            let _ = writeln!(index, "{},{},{}", client.short, client.contact.name, client.city);
            self.put(office.client_card(at), self.card(client, false));
            if at % 2 == 1 || at == 0 {
                let path = format!("{}/{}/{}-2023.md", labels.clients, labels.old, client.slug);
                self.put(path, self.card(client, true));
            }
        }
        self.put(format!("{}/{}", labels.clients, labels.client_index), index);
    }

    fn card(&self, client: &Client, is_old: bool) -> String {
        let labels = self.office.labels();
        let contact = if is_old { &client.former } else { &client.contact };
        let terms = client.terms_days.to_string();
        let fields = [
            (labels.client, client.full),
            (labels.contact, contact.name),
            (labels.email, &contact.email),
            (labels.phone, &contact.phone),
            (labels.city, client.city),
            (labels.terms, &terms),
        ];
        let text = match is_old {
            true => self.office.say(
                format!("# {}\n\nCard of 2023. {} has left since.\n", client.short, contact.name),
                format!("# {}\n\n2023 年的客户卡片，{}已经离职。\n", client.short, contact.name),
            ),
            false => self.office.say(
                format!(
                    "# {}\n\nInvoices go to {} with the job's code in the subject. {} days to pay.\n",
                    client.short, contact.name, client.terms_days
                ),
                format!(
                    "# {}\n\n发票寄给{}，主题写明项目编号，账期 {} 天。\n",
                    client.short, contact.name, client.terms_days
                ),
            ),
        };
        note(&fields, &text)
    }

    fn project(&mut self, at: usize) {
        let (office, labels) = (self.office, self.office.labels());
        let project = &office.projects[at];
        let folder = office.project_folder(at);
        self.put(format!("{folder}/{}", labels.brief), self.brief(at));
        for paper in &project.papers {
            let day = iso(paper.date);
            let status = if paper.is_final { labels.is_final } else { labels.is_draft };
            let fields = [
                (labels.title, paper.title),
                (labels.project, project.code.as_str()),
                (labels.date, &day),
                (labels.status, status),
            ];
            self.put(
                format!("{folder}/{}", paper.file),
                note(&fields, &self.paper_text(project, paper.title)),
            );
        }
        let columns = [labels.date, labels.person, labels.hours_column, labels.work];
        let mut hours = columns.join(",") + "\n";
        for (day, person, count, work) in &project.hours {
            let _ = writeln!(hours, "{},{},{count},{work}", iso(*day), office.staff[*person].name);
        }
        self.put(format!("{folder}/{}", labels.hours), hours);
        self.contract(at);
    }

    fn brief(&self, at: usize) -> String {
        let (office, labels) = (self.office, self.office.labels());
        let project = &office.projects[at];
        let client = office.client_of(at);
        let lead = &office.staff[project.lead];
        let fields = [
            (labels.title, project.title),
            (labels.code, project.code.as_str()),
            (labels.client, client.short),
            (labels.lead, lead.name),
            (labels.stage, office.stage_word(project.stage)),
        ];
        let fee = project.fee;
        let text = office.say(
            format!(
                "# {}\n\nFor {} in {}. Signed on {} with {}; fee {fee} EUR, see the contract.\n\n{}\n",
                project.title,
                client.full,
                client.city,
                iso(project.signed),
                client.contact.name,
                match project.stage {
                    Stage::Active => "Work goes on; hours are booked weekly.",
                    Stage::Finished => "Handed over. The papers can go to the archive.",
                    Stage::OnHold => "On hold until the client has its permit.",
                }
            ),
            format!(
                "# {}\n\n委托方：{}（{}）。{} 与{}签约，设计费 {fee} 元，详见合同。\n\n{}\n",
                project.title,
                client.full,
                client.city,
                iso(project.signed),
                client.contact.name,
                match project.stage {
                    Stage::Active => "项目进行中，工时每周登记。",
                    Stage::Finished => "已移交，资料可以归档。",
                    Stage::OnHold => "等待委托方取得许可，暂停。",
                }
            ),
        );
        note(&fields, &text)
    }

    fn paper_text(&self, project: &Project, title: &str) -> String {
        self.office.say(
            format!(
                "# {title}\n\n{} ({}).\n\n1. Survey of what is there\n2. Drawings to 1:50, details to 1:5\n3. One visit to the site a fortnight\n",
                project.title, project.code
            ),
            format!(
                "# {title}\n\n{}（{}）。\n\n1. 现状测绘\n2. 1:50 图纸与 1:5 节点\n3. 每两周一次现场巡查\n",
                project.title, project.code
            ),
        )
    }

    fn contract(&mut self, at: usize) {
        let (office, labels) = (self.office, self.office.labels());
        let project = &office.projects[at];
        let client = office.client_of(at);
        let signed = iso(project.signed);
        let word = office.say("contract", "合同");
        for (suffix, fee, status) in [
            ("", project.fee, labels.is_final),
            (office.say("-draft", "-草稿"), project.fee + 1500, labels.is_draft),
        ] {
            // Few drafts were kept.
            if !suffix.is_empty() && at > 2 {
                continue;
            }
            let fields = [
                (labels.title, project.title),
                (labels.project, project.code.as_str()),
                (labels.client, client.full),
                (labels.contact, client.contact.name),
                (labels.date, &signed),
                (labels.status, status),
            ];
            let text = office.say(
                format!(
                    "# Agreement on {}\n\n{} engages {}. Fee: {fee} EUR, paid within {} days of invoice.\n",
                    project.title, client.full, office.name, client.terms_days
                ),
                format!(
                    "# {}设计合同\n\n{}委托{}。设计费：{fee} 元，开票后 {} 天内支付。\n",
                    project.title, client.full, office.name, client.terms_days
                ),
            );
            let path = format!("{}/{}-{word}{suffix}.md", labels.contracts, project.code);
            self.put(path, note(&fields, &text));
        }
    }

    fn ledgers(&mut self, rng: &mut ChaCha8Rng) {
        let (office, labels) = (self.office, self.office.labels());
        let columns = [
            labels.number,
            labels.client,
            labels.project,
            labels.issued,
            labels.due,
            labels.amount,
            labels.status,
        ];
        let head = columns.join(",") + "\n";
        let (mut ledger, mut old) = (head.clone(), head.clone());
        for (at, invoice) in office.invoices.iter().enumerate() {
            let line = |amount: i64, is_paid: bool| {
                format!(
                    "{},{},{},{},{},{amount},{}\n",
                    invoice.number,
                    office.client_of(invoice.project).short,
                    office.projects[invoice.project].code,
                    iso(invoice.issued),
                    iso(invoice.due),
                    if is_paid { labels.paid } else { labels.open }
                )
            };
            ledger.push_str(&line(invoice.amount, invoice.is_paid));
            // The old copy ends early, and what was paid since is open in it.
            if at + 6 < office.invoices.len() {
                let is_changed = rng.random_bool(0.2);
                let amount = invoice.amount + if is_changed { 50 } else { 0 };
                old.push_str(&line(amount, invoice.is_paid && rng.random_bool(0.5)));
            }
        }
        self.put(office.ledger(), ledger);
        let name = office.say("ledger-2025-old.csv", "台账-2025-旧.csv");
        self.put(format!("{}/{name}", labels.invoices), old);
        let mut last_year = head;
        let mut issued = date(2024, 9, 2);
        for number in 61..73 {
            let project = rng.random_range(0..office.projects.len());
            let _ = writeln!(
                last_year,
                "R-2024-{number:03},{},{},{},{},{},{}",
                office.client_of(project).short,
                office.projects[project].code,
                iso(issued),
                iso(issued + 30),
                rng.random_range(10..60) * 75,
                labels.paid
            );
            issued += rng.random_range(4..10);
        }
        let name = office.say("ledger-2024.csv", "台账-2024.csv");
        self.put(format!("{}/{name}", labels.invoices), last_year);
    }

    fn statement(&mut self) {
        let (office, labels) = (self.office, self.office.labels());
        let columns = [labels.date, labels.payer, labels.reference, labels.amount];
        let mut statement = columns.join(",") + "\n";
        let mut costs =
            office.say(["office rent April", "copier lease"], ["4 月房租", "复印机租金"]).into_iter();
        let landlord = office.say("Dock Street Estates", "码头街物业");
        for payment in &office.payments {
            let (payer, reference) = match payment.invoice {
                Some(at) => {
                    let invoice = &office.invoices[at];
                    (office.client_of(invoice.project).full, invoice.number.as_str())
                }
                None => (landlord, costs.next().unwrap_or_default()),
            };
            let payer = if payer.contains(',') { format!("\"{payer}\"") } else { payer.to_owned() };
            let _ = writeln!(statement, "{},{payer},{reference},{}", iso(payment.date), payment.amount);
        }
        self.put(office.statement(), statement);
        let march = format!(
            "{}\n2025-03-03,{landlord},{},-2150\n",
            columns.join(","),
            office.say("office rent March", "3 月房租")
        );
        self.put(format!("{}/2025-03.csv", labels.bank), march);
    }

    fn meetings(&mut self) {
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
            let text = self.round(day);
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
    fn round(&self, day: Day) -> String {
        let office = self.office;
        let decision = office.labels().decision;
        let mut text = office.say("- Timesheets are due on Fridays\n", "- 工时表每周五交\n").to_owned();
        for setting in &office.settings {
            for (on, value) in [setting.superseded, setting.decided].into_iter().flatten() {
                if on == day {
                    text.push_str(&office.say(
                        format!("- {decision}: `{}` goes from {} to {value}.\n", setting.key, setting.now),
                        format!("- {decision}：`{}` 由 {} 改为 {value}。\n", setting.key, setting.now),
                    ));
                }
            }
            if day == date(2025, 2, 3) {
                text.push_str(&office.say(
                    format!("- `{}` was talked about, nothing decided\n", setting.key),
                    format!("- 讨论了 `{}`，没有结论\n", setting.key),
                ));
            }
        }
        text
    }

    fn configurations(&mut self) {
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

    fn mails(&mut self) {
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

    fn logs(&mut self, rng: &mut ChaCha8Rng) {
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

    fn inbox(&mut self) {
        let (office, labels) = (self.office, self.office.labels());
        for (at, scan) in office.scans.iter().enumerate() {
            let project = &office.projects[scan.project];
            let day = iso(scan.date);
            let fields = [
                (labels.date, day.as_str()),
                (labels.project, &project.code),
                (labels.subject, office.say("site report", "现场报告")),
            ];
            let text = office.say(
                format!(
                    "Visited {} with {}. Formwork in place, two cracks marked.\n",
                    project.title, office.staff[project.lead].name
                ),
                format!(
                    "与{}一起巡查{}，模板就位，标记裂缝两处。\n",
                    office.staff[project.lead].name, project.title
                ),
            );
            self.put(office.scan_file(at), note(&fields, &text));
        }
        let slip = office.say("Two boxes of paper A0, signed for at the door.\n", "A0 纸两箱，门口签收。\n");
        self.put(format!("{}/{}", labels.inbox, office.say("delivery-slip.txt", "送货单.txt")), slip);
        let call = office.say("Call back about the chair repair.\n", "回电：椅子维修。\n");
        self.put(format!("{}/{}", labels.inbox, office.say("phone-note.txt", "电话记录.txt")), call);
    }

    fn archive(&mut self) {
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
