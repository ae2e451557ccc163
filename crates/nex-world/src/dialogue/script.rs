//! [`Script`]: a story as it is written down: the plan, what the user knows, what is judged.
//!
//! The plan reads replies only, the user's words among them; checks come from the records of the
//! state. That the two agree is proven when a task is made.

use super::domain::Domain;
use super::records::{Record, Records};
use super::user::{Action, Consent, HiddenFact, Look, Mood, Persona};
use crate::files::{Rows, lit, pick, reply};
use crate::task::{Check, Comparison, Fact, FactKind, Paging, PlanStep, ValueSource};
use crate::text::Language;
use crate::world::World;
use indexmap::IndexMap;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

/// The tool by which an agent speaks to the user.
pub(crate) const MESSAGE: &str = "message_user";

/// A story being written.
pub(crate) struct Script<'a> {
    pub(crate) language: Language,
    pub(crate) domain: &'static Domain,
    pub(crate) world: &'a World,
    pub(crate) records: &'a Records,
    /// Who calls.
    pub(crate) customer: Record<'a>,
    pub(crate) rng: ChaCha8Rng,
    /// Chance that something is first told wrongly.
    pub(crate) ambiguity: f64,
    pub(crate) opening: String,
    pub(crate) steps: Vec<PlanStep>,
    pub(crate) says: String,
    pub(crate) slots: IndexMap<String, ValueSource>,
    pub(crate) checks: Vec<Check>,
    pub(crate) facts: Vec<HiddenFact>,
    pub(crate) actions: Vec<Action>,
    pub(crate) looks: Vec<Look>,
    pub(crate) consent: Option<Consent>,
    /// Operations that need the user's yes.
    pub(crate) needs_consent: Vec<&'static str>,
    /// Values that must not be told before the caller is known.
    pub(crate) protected: Vec<String>,
    /// The verified caller, once the prelude is written.
    pub(crate) id: ValueSource,
}

impl<'a> Script<'a> {
    pub(crate) fn t<'t>(&self, english: &'t str, chinese: &'t str) -> &'t str {
        match self.language {
            Language::En => english,
            Language::Zh => chinese,
        }
    }

    pub(crate) fn any(&mut self, english: &[&str], chinese: &[&str]) -> String {
        let ways = if self.language == Language::En { english } else { chinese };
        ways[self.rng.random_range(0..ways.len())].to_owned()
    }

    /// One call, after all before it; its number.
    pub(crate) fn call<const N: usize>(
        &mut self,
        operation: &str,
        arguments: [(&str, ValueSource); N],
        reason: &str,
    ) -> usize {
        let view = self.world.operation(operation);
        let list = view.filter(|operation| operation.has_cursor).and_then(|operation| operation.entity);
        let list = list.map(|entity| self.world.schema().entity(entity).plural.clone());
        let is_write = view.is_some_and(|operation| operation.kind.is_write());
        self.push(operation, arguments, reason, is_write, list.map(Paging::of))
    }

    fn push<const N: usize>(
        &mut self,
        operation: &str,
        arguments: [(&str, ValueSource); N],
        reason: &str,
        is_write: bool,
        paging: Option<Paging>,
    ) -> usize {
        let arguments = arguments.into_iter().map(|(name, source)| (name.to_owned(), source)).collect();
        self.steps.push(PlanStep {
            operation: operation.to_owned(),
            arguments,
            reason: reason.to_owned(),
            // A conversation has one order.
            depends_on: (0..self.steps.len()).collect(),
            is_write,
            paging,
            fails_with: None,
        });
        self.steps.len() - 1
    }

    /// A message to the user; its number.
    pub(crate) fn say<const N: usize>(&mut self, text: &str, slots: [(&str, ValueSource); N]) -> usize {
        let text = ValueSource::Text {
            template: text.to_owned(),
            slots: slots.into_iter().map(|(slot, source)| (slot.to_owned(), source)).collect(),
        };
        let reason = self.t("I speak to the user.", "我与用户沟通。").to_owned();
        self.push(MESSAGE, [("text", text)], &reason, true, None)
    }

    /// What the user's words say between two marks.
    pub(crate) fn heard(
        &self,
        name: &str,
        step: usize,
        after: &str,
        before: &str,
        is_number: bool,
    ) -> ValueSource {
        ValueSource::Between {
            name: name.to_owned(),
            of: Box::new(reply(step, "/reply")),
            after: after.to_owned(),
            before: before.to_owned(),
            is_number,
        }
    }

    /// A fact that the user tells when asked.
    pub(crate) fn knows(
        &mut self,
        topic: &'static [&'static str],
        says: String,
        wrong_first: Option<String>,
    ) {
        self.facts.push(HiddenFact { topic, says, wrong_first });
    }

    /// A fact that the closing words must say; `slot` fills the hole of that name in them.
    pub(crate) fn tells(
        &mut self,
        slot: &str,
        about: &str,
        kind: FactKind,
        value: impl Into<Value>,
        source: ValueSource,
        decoys: Vec<String>,
    ) {
        self.slots.insert(slot.to_owned(), source);
        self.checks.push(Check::Says(Fact {
            about: about.to_owned(),
            kind,
            value: value.into(),
            accepted: Vec::new(),
            decoys,
        }));
    }

    /// At the end the record's field has this value.
    pub(crate) fn wants(&mut self, entity: &str, id: &str, field: &str, equals: impl Into<Value>) {
        self.checks.push(Check::Field {
            entity: entity.to_owned(),
            id: id.to_owned(),
            field: field.to_owned(),
            equals: equals.into(),
        });
    }

    /// The agent must have looked this up itself, before it changes anything.
    pub(crate) fn duty(&mut self, operation: &str) {
        self.checks.push(Check::Called { operation: operation.to_owned(), arguments: IndexMap::new() });
    }

    /// The only row of a list.
    pub(crate) fn row(&self, step: usize, list: &'static str) -> Rows {
        pick(step, list)
    }

    /// The caller says who they are and is found and verified; perhaps only at the second try.
    pub(crate) fn prelude(&mut self) {
        let domain = self.domain;
        let (number, birth) = (self.customer.text("number"), self.customer.text("birth_date"));
        let word = self.t(domain.number_en, domain.number_zh).to_owned();
        let slip = if self.rng.random_bool(self.ambiguity) { self.rng.random_range(1..3) } else { 0 };
        let says_number = self.t("My {word} is {value}.", "我的{word}是{value}。").replace("{word}", &word);
        let number_wrong = (slip == 1).then(|| says_number.replace("{value}", &swapped(&number)));
        self.knows(domain.number_words, says_number.replace("{value}", &number), number_wrong);
        let says_birth = self.t("I was born on {value}.", "我的出生日期是{value}。").to_owned();
        let birth_wrong = (slip == 2).then(|| says_birth.replace("{value}", &swapped_day(&birth)));
        let birth_topic: &[&str] = &[
            "date of birth",
            "birth date",
            "birthdate",
            "birthday",
            "when were you born",
            "born",
            "出生日期",
            "生日",
            "出生年月",
        ];
        self.knows(birth_topic, says_birth.replace("{value}", &birth), birth_wrong);
        let ask = self.t(
            "Thank you for getting in touch. Please tell me your {word} and your date of birth, so that I can find your records.",
            "感谢联系。请告诉我您的{word}和出生日期，以便我查找您的记录。",
        );
        let first = self.say(&ask.replace("{word}", &word), []);
        let marks = self.t("is ", "是").to_owned();
        let (after_number, after_birth) = (format!("{word} {marks}"), self.t("born on ", "出生日期是"));
        let after_number =
            if self.language == Language::En { after_number } else { format!("{word}{marks}") };
        let stop = self.t(".", "。").to_owned();
        let said_number = self.heard("number", first, &after_number, &stop, false);
        let said_birth = self.heard("birth_date", first, after_birth, &stop, false);
        let reason = self.t("I look the caller up.", "我查找来电者。").to_owned();
        let mut found = self.call("find_customer", [("number", said_number)], &reason);
        if slip == 1 {
            self.steps[found].fails_with = Some("not_found".to_owned());
            let ask = self.t(
                "I cannot find that {word}. Could you check your {word} again, please?",
                "我查不到这个{word}，请您再核对一下{word}。",
            );
            let again = self.say(&ask.replace("{word}", &word), []);
            let said = self.heard("number", again, &after_number, &stop, false);
            found = self.call("find_customer", [("number", said)], &reason);
        }
        self.id = self.row(found, "/customers").get("id");
        let reason = self.t("I confirm who is calling.", "我核实来电者身份。").to_owned();
        let checked = [("customer_id", self.id.clone()), ("birth_date", said_birth)];
        let verified = self.call("verify_customer", checked, &reason);
        if slip == 2 {
            self.steps[verified].fails_with = Some("birth_date_mismatch".to_owned());
            let ask = self.t(
                "The date of birth does not match our records. Could you check your date of birth again, please?",
                "出生日期与我们的记录不符，请您再核对一下出生日期。",
            );
            let again = self.say(ask, []);
            let said = self.heard("birth_date", again, after_birth, &stop, false);
            self.call("verify_customer", [("customer_id", self.id.clone()), ("birth_date", said)], &reason);
        }
        let name = self.customer.text("name");
        self.protected.push(name);
    }

    /// The user of this story; `spare` is the patience beside what the plan needs.
    pub(crate) fn persona(&mut self, spare: i32) -> Persona {
        let moods = [Mood::Terse, Mood::Chatty, Mood::Worried];
        let mood = moods[self.rng.random_range(0..moods.len())];
        let messages = self.steps.iter().filter(|step| step.operation == MESSAGE).count();
        Persona {
            language: self.language,
            mood,
            patience: i32::try_from(messages).unwrap_or(i32::MAX / 2) + spare,
            facts: self.facts.clone(),
            actions: self.actions.clone(),
            looks: self.looks.clone(),
            consent: self.consent.clone(),
        }
    }
}

/// `number` with two neighbouring digits that differ swapped: how people misread one.
fn swapped(number: &str) -> String {
    let mut digits: Vec<char> = number.chars().collect();
    let at = (0..digits.len().saturating_sub(1)).find(|at| digits[*at] != digits[at + 1]);
    match at {
        Some(at) => digits.swap(at, at + 1),
        None => digits.push('0'),
    }
    digits.into_iter().collect()
}

/// An ISO date with another day of the same month.
fn swapped_day(date: &str) -> String {
    let (month, day) = date.rsplit_once('-').unwrap_or((date, "01"));
    let day: u32 = day.parse().unwrap_or(1);
    format!("{month}-{:02}", if day > 14 { day - 9 } else { day + 9 })
}

pub(crate) use crate::files::lit as given;

/// A test of a row by a given value.
pub(crate) fn equal(rows: Rows, field: &str, value: impl Into<Value>) -> Rows {
    rows.when(field, Comparison::Eq, lit(value))
}
