//! Papers of the house, its clients, jobs and contracts.

use super::{Writer, note};
use crate::files::office::{Client, Project, Stage, iso, shuffled, words};
use rand_chacha::ChaCha8Rng;
use std::fmt::Write;

impl Writer<'_> {
    pub(super) fn house(&mut self) {
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

    pub(super) fn clients(&mut self) {
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

    pub(super) fn project(&mut self, at: usize, rng: &mut ChaCha8Rng) {
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
                note(&fields, &self.paper_text(project, paper.title, rng)),
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

    fn paper_text(&self, project: &Project, title: &str, rng: &mut ChaCha8Rng) -> String {
        let points = shuffled(words::points(self.office.language), rng);
        let mut text = self.office.say(
            format!("# {title}\n\n{} ({}).\n\n", project.title, project.code),
            format!("# {title}\n\n{}（{}）。\n\n", project.title, project.code),
        );
        for (number, point) in points.iter().take(3).enumerate() {
            let _ = writeln!(text, "{}. {point}", number + 1);
        }
        text
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
}
