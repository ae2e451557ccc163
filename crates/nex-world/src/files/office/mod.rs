//! [`Office`]: the facts of a small design and engineering office, from a seed.
//!
//! Facts first, files second: `documents` writes each fact into every file that speaks of it, so
//! that the files agree with each other. What does not agree is marked as old, as it is in life.

mod documents;
mod records;
pub(crate) mod words;

pub(crate) use documents::files;

use super::labels::Labels;
use crate::text::Language;
use crate::value::{days_from_civil, write_date};
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use words::ClientName;

/// A day, counted from 1970.
pub(crate) type Day = i32;

/// The facts of an office.
#[derive(Clone, Debug)]
pub(crate) struct Office {
    pub(crate) language: Language,
    pub(crate) name: &'static str,
    pub(crate) today: Day,
    pub(crate) staff: Vec<Person>,
    pub(crate) clients: Vec<Client>,
    pub(crate) projects: Vec<Project>,
    pub(crate) invoices: Vec<Invoice>,
    pub(crate) payments: Vec<Payment>,
    pub(crate) settings: Vec<Setting>,
    pub(crate) quotes: Vec<Quote>,
    pub(crate) changes: Vec<ContactChange>,
    pub(crate) scans: Vec<Scan>,
    pub(crate) jams: Vec<Jam>,
}

/// Somebody with an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) email: String,
    pub(crate) phone: String,
}

/// A client and who speaks for it.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) full: &'static str,
    pub(crate) short: &'static str,
    pub(crate) slug: &'static str,
    pub(crate) contact: Person,
    /// Who spoke for it before: stands in the old card.
    pub(crate) former: Person,
    pub(crate) city: &'static str,
    pub(crate) terms_days: i32,
}

/// How far a project is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Active,
    Finished,
    OnHold,
}

/// A project and its papers.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    pub(crate) code: String,
    pub(crate) title: &'static str,
    pub(crate) slug: &'static str,
    pub(crate) client: usize,
    pub(crate) lead: usize,
    pub(crate) stage: Stage,
    pub(crate) fee: i64,
    pub(crate) signed: Day,
    pub(crate) papers: Vec<Paper>,
    /// Day, person, hours, work.
    pub(crate) hours: Vec<(Day, usize, i64, &'static str)>,
}

/// A note in a project's folder.
#[derive(Clone, Debug)]
pub(crate) struct Paper {
    pub(crate) file: &'static str,
    pub(crate) title: &'static str,
    pub(crate) is_final: bool,
    pub(crate) date: Day,
}

/// A line of the ledger.
#[derive(Clone, Debug)]
pub(crate) struct Invoice {
    pub(crate) number: String,
    pub(crate) project: usize,
    pub(crate) issued: Day,
    pub(crate) due: Day,
    pub(crate) amount: i64,
    pub(crate) is_paid: bool,
}

/// A line of the bank's statement; one of no invoice is rent or the like.
#[derive(Clone, Debug)]
pub(crate) struct Payment {
    pub(crate) date: Day,
    pub(crate) invoice: Option<usize>,
    pub(crate) amount: i64,
}

/// A value in a configuration file that a meeting decided to change.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// File in the folder of configurations, group, key.
    pub(crate) file: &'static str,
    pub(crate) group: &'static str,
    pub(crate) key: &'static str,
    pub(crate) now: i64,
    /// An earlier decision that was never carried out.
    pub(crate) superseded: Option<(Day, i64)>,
    /// The decision that counts; none where nothing was decided.
    pub(crate) decided: Option<(Day, i64)>,
}

/// A supplier's offers for a project, by mail; the last one counts.
#[derive(Clone, Debug)]
pub(crate) struct Quote {
    pub(crate) supplier: ClientName,
    pub(crate) sender: &'static str,
    pub(crate) project: usize,
    pub(crate) offers: Vec<(Day, i64)>,
    /// Days of the project's reviews.
    pub(crate) reviews: Vec<Day>,
}

/// A client's mail about a new address or number of its contact.
#[derive(Clone, Debug)]
pub(crate) struct ContactChange {
    pub(crate) client: usize,
    pub(crate) date: Day,
    /// The new address, or else the new number.
    pub(crate) is_email: bool,
    pub(crate) new: String,
}

/// A site report in the inbox that still has a scanner's name.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    pub(crate) number: u32,
    pub(crate) date: Day,
    pub(crate) project: usize,
}

/// A drawing that the plotter could not plot.
#[derive(Clone, Debug)]
pub(crate) struct Jam {
    pub(crate) date: Day,
    pub(crate) project: usize,
    pub(crate) sheet: String,
}

impl Office {
    /// The office of a seed.
    pub(crate) fn new(seed: u64, language: Language) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(0xF11E5);
        let today = date(2025, 4, 7) + rng.random_range(0..16);
        let mut office = Self {
            language,
            name: pick(words::offices(language), &mut rng),
            today,
            staff: Vec::new(),
            clients: Vec::new(),
            projects: Vec::new(),
            invoices: Vec::new(),
            payments: Vec::new(),
            settings: Vec::new(),
            quotes: Vec::new(),
            changes: Vec::new(),
            scans: Vec::new(),
            jams: Vec::new(),
        };
        office.fill(&mut rng);
        office
    }

    pub(crate) fn labels(&self) -> &'static Labels {
        Labels::of(self.language)
    }

    /// `en` or `zh`, by the office's language.
    pub(crate) fn say<T>(&self, en: T, zh: T) -> T {
        match self.language {
            Language::En => en,
            Language::Zh => zh,
        }
    }

    pub(crate) fn client_of(&self, project: usize) -> &Client {
        &self.clients[self.projects[project].client]
    }

    /// The folder of a project.
    pub(crate) fn folder_name(&self, project: usize) -> String {
        let project = &self.projects[project];
        format!("{}-{}", project.code, project.slug)
    }

    pub(crate) fn project_folder(&self, project: usize) -> String {
        format!("{}/{}", self.labels().projects, self.folder_name(project))
    }

    pub(crate) fn client_card(&self, client: usize) -> String {
        format!("{}/{}.md", self.labels().clients, self.clients[client].slug)
    }

    pub(crate) fn ledger(&self) -> String {
        format!("{}/{}.csv", self.labels().invoices, self.labels().ledger)
    }

    pub(crate) fn statement(&self) -> String {
        format!("{}/2025-04.csv", self.labels().bank)
    }

    pub(crate) fn review_note(&self, quote: usize, review: usize) -> String {
        let quote = &self.quotes[quote];
        let code = &self.projects[quote.project].code;
        let word = self.say("review", "评审");
        format!("{}/{}-{word}-{code}.md", self.labels().meetings, iso(quote.reviews[review]))
    }

    pub(crate) fn scan_file(&self, scan: usize) -> String {
        let labels = self.labels();
        format!("{}/{}-{:04}.txt", labels.inbox, labels.scan, self.scans[scan].number)
    }

    pub(crate) fn stage_word(&self, stage: Stage) -> &'static str {
        let labels = self.labels();
        match stage {
            Stage::Active => labels.active,
            Stage::Finished => labels.finished,
            Stage::OnHold => labels.on_hold,
        }
    }

    pub(crate) fn is_overdue(&self, invoice: &Invoice) -> bool {
        !invoice.is_paid && invoice.due < self.today
    }
}

/// `2025-04-07`.
pub(crate) fn iso(day: Day) -> String {
    let mut text = String::new();
    write_date(&mut text, day);
    text
}

pub(crate) fn date(year: i32, month: u32, day: u32) -> Day {
    days_from_civil(year, month, day).expect("the dates of an office are in the calendar")
}

pub(crate) fn pick<T: Copy>(items: &[T], rng: &mut ChaCha8Rng) -> T {
    items[rng.random_range(0..items.len())]
}

/// `items` in an order of the seed's.
pub(crate) fn shuffled<T: Clone>(items: &[T], rng: &mut ChaCha8Rng) -> Vec<T> {
    let mut items = items.to_vec();
    items.shuffle(rng);
    items
}
