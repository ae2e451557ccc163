//! Ledgers and bank statements.

use super::Writer;
use crate::files::office::{date, iso};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::fmt::Write;

impl Writer<'_> {
    pub(super) fn ledgers(&mut self, rng: &mut ChaCha8Rng) {
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

    pub(super) fn statement(&mut self) {
        let (office, labels) = (self.office, self.office.labels());
        let columns = [labels.date, labels.payer, labels.reference, labels.amount];
        let mut statement = columns.join(",") + "\n";
        let landlord = office.say("Dock Street Estates", "码头街物业");
        for payment in &office.payments {
            let (payer, reference) = match payment.invoice {
                Some(at) => {
                    let invoice = &office.invoices[at];
                    (office.client_of(invoice.project).full, invoice.number.as_str())
                }
                None if payment.amount < -1000 => (landlord, office.say("office rent April", "4 月房租")),
                None => (landlord, office.say("copier lease", "复印机租金")),
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
}
