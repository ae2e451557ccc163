//! Agents of the patterns in which the runtime decides who is next.

use super::desks::{Desk, reading, share_out, share_out_by_entity};
use super::plan::{Duty, Planner, listed, spoken};
use rand::RngExt;
use rand::seq::SliceRandom;

impl Planner<'_> {
    fn named(&mut self, names: &[&str], duty: Duty, description: &str, operations: Vec<String>) {
        let name = self.names.one(names[self.rng.random_range(0..names.len())].to_owned());
        self.add(name, duty, description.to_owned(), operations);
    }

    /// A desk that does its part by itself: it may look up what it needs as well.
    fn whole_desk(&mut self, desk: &Desk) {
        let name = self.names.desk(desk, &mut self.rng);
        let subject = spoken(&listed(&desk.entities));
        let description = format!("Does what the request needs on {subject} records.");
        let mut operations = desk.operations.clone();
        operations.extend(reading(self.shape).into_iter().filter(|read| !desk.operations.contains(read)));
        self.add(name, Duty::Specialist, description, operations);
    }

    fn desks(&mut self, count: usize) {
        let mut desks = share_out(self.shape, count);
        desks.shuffle(&mut self.rng);
        desks.iter().for_each(|desk| self.whole_desk(desk));
    }

    fn investigator(&mut self) {
        let names = ["investigator", "intake_analyst", "fact_finder"];
        let reads = reading(self.shape);
        self.named(&names, Duty::Reader, "Finds all that the request needs.", reads);
    }

    fn auditor(&mut self) {
        let reads = reading(self.shape);
        let about = "Checks by reading that what was done is what was asked for.";
        self.named(&["auditor", "checker", "inspector"], Duty::Auditor, about, reads);
    }

    fn reporter(&mut self) {
        let about = "Puts what was found and done into the answer.";
        self.named(&["reporter", "correspondent", "scribe"], Duty::Reporter, about, Vec::new());
    }

    fn doer(&mut self) {
        let all = self.all_operations();
        let about = "Does what it is told to do, with all tools of its world.";
        self.named(&["doer", "executor", "case_worker", "operator"], Duty::Specialist, about, all);
    }

    /// Reads first, then changes, then a check, then the answer.
    pub(super) fn sequential(&mut self, count: usize) {
        self.investigator();
        let has_auditor = count >= 4;
        let has_reporter = count >= 3;
        self.desks(count - 1 - usize::from(has_auditor) - usize::from(has_reporter));
        if has_auditor {
            self.auditor();
        }
        if has_reporter {
            self.reporter();
        }
    }

    /// One says which desks are needed, these work, one reports.
    pub(super) fn conditional_phases(&mut self, count: usize) {
        let reads = reading(self.shape);
        let about = "Looks at the request and says which phases it needs.";
        self.named(&["triage", "intake", "dispatcher"], Duty::Router, about, reads);
        self.desks(count - 2);
        self.reporter();
    }

    /// One picks the desk, which does all.
    pub(super) fn router(&mut self, count: usize) {
        let about = "Reads the request and says which desk takes it.";
        self.named(&["router", "classifier", "switchboard"], Duty::Router, about, Vec::new());
        let desks = share_out_by_entity(self.shape, count - 1);
        let all = self.all_operations();
        for desk in desks {
            let name = self.names.desk(&desk, &mut self.rng);
            let subject = spoken(&listed(&desk.entities));
            // A request may go beyond the desk's own records, and nobody else will see it.
            let description = format!("Takes requests that are mostly about {subject} records.");
            self.add(name, Duty::Specialist, description, all.clone());
        }
    }

    /// One plans, one does each part or step, perhaps one checks it, one reports.
    pub(super) fn planned(&mut self, count: usize) {
        let reads = reading(self.shape);
        let about = "Cuts the request into parts that can be done one by one.";
        self.named(&["planner", "splitter", "organiser"], Duty::Planner, about, reads);
        self.doer();
        if count >= 4 {
            self.auditor();
        }
        self.reporter();
    }

    /// One does it, one judges it, perhaps one reports.
    pub(super) fn critic_reviser(&mut self, count: usize) {
        self.doer();
        let reads = reading(self.shape);
        let about = "Looks at what was done, and approves it or says what is wrong.";
        self.named(&["critic", "reviewer", "quality_controller"], Duty::Critic, about, reads);
        if count >= 3 {
            self.reporter();
        }
    }

    /// Voters look and argue; then one does what was decided.
    pub(super) fn debate_vote(&mut self, count: usize) {
        let reads = reading(self.shape);
        for _ in 0..count - 1 {
            let names = ["cautious_juror", "bold_juror", "literal_juror", "frugal_juror", "juror"];
            self.named(&names, Duty::Voter, "Looks, argues, and votes on what is to be done.", reads.clone());
        }
        self.doer();
    }

    /// Specialists in turn, then a report.
    pub(super) fn blackboard(&mut self, count: usize) {
        self.desks(count - 1);
        self.reporter();
    }
}
