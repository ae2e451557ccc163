//! The shell world: a file system and a terminal, goals stated as checks on what lies there in the end.
//!
//! In: a seed, dials, a language. Out: tasks of one to three goals, each in a folder of its own, and
//! sessions in which commands run in the sandbox. Invariants: the wanted end is computed here, never by
//! the commands of the oracle; a task is made only if those commands, run in the sandbox, are worth 1;
//! nothing that is wanted is there at the start.

mod families;
mod goal;
mod logs;
mod session;
mod tables;
#[cfg(test)]
mod tests;
mod trees;
mod verify;

use families::FAMILIES;
pub use goal::{ShellState, Start, Want};
pub use session::{ShellSession, operations};

use crate::CodeError;
use crate::workbench::{Workbench, wait_for};
use goal::Goal;
use indexmap::IndexMap;
use nex_tools::SandboxPolicy;
use nex_trajectory::run::{EntityShape, OperationShape, WorldShape};
use nex_trajectory::{TaskId, TaskRecord};
use nex_world::Language;
use nex_world::task::{
    AnswerPlan, Briefing, Dials, Faults, InitialState, OraclePlan, PlanStep, Task, TaskLimits, ValueSource,
};
use rand::seq::SliceRandom;
use serde_json::json;

/// The name of the shell world.
pub const SHELL: &str = "shell";

/// The shell world.
#[derive(Clone, Debug)]
pub struct ShellWorld {
    bench: Workbench,
}

impl Default for ShellWorld {
    fn default() -> Self {
        Self::with_policy(SandboxPolicy::default())
    }
}

impl ShellWorld {
    /// The world in a sandbox that satisfies `policy`.
    pub fn with_policy(policy: SandboxPolicy) -> Self {
        Self { bench: Workbench::new(policy) }
    }

    /// Its name, as in tasks.
    pub fn name(&self) -> &'static str {
        SHELL
    }

    /// Its title for people.
    pub fn title(&self, language: Language) -> &'static str {
        match language {
            Language::En => "Errands in a terminal",
            Language::Zh => "终端里的任务",
        }
    }

    /// Role and rules in `language`.
    pub fn briefing(&self, language: Language) -> Briefing {
        let (role, fact, policies): (&str, &str, [&str; 3]) = match language {
            Language::En => (
                "You work in a terminal and do what you are asked with the files of the working folder.",
                "Commands run under a POSIX shell with the usual text tools; each starts in the working folder, and files stay from one command to the next. There is no network.",
                [
                    "Do exactly what is asked, to the letter: names, order and format count.",
                    "Leave all other files as they are, and leave no scratch files behind.",
                    "When you are done, say in a sentence what you did.",
                ],
            ),
            Language::Zh => (
                "你在终端中工作，用工作目录里的文件完成交给你的任务。",
                "命令在 POSIX shell 下运行，常用文本工具齐全；每条命令都从工作目录开始，文件在命令之间保留。没有网络。",
                [
                    "严格按要求去做：名称、顺序和格式都算数。",
                    "其他文件保持原样，不要留下临时文件。",
                    "完成后，用一句话说明你做了什么。",
                ],
            ),
        };
        Briefing {
            role: role.to_owned(),
            facts: vec![fact.to_owned()],
            policies: policies.map(str::to_owned).into(),
        }
    }

    /// A task: a pure function of the arguments, proven in the sandbox.
    ///
    /// # Errors
    /// There is no sandbox, or the oracle's commands do not reach the goal on this machine.
    pub fn generate_task(&self, seed: u64, dials: &Dials, language: Language) -> Result<Task, CodeError> {
        wait_for(self.generate(seed, dials, language))
    }

    /// The same without a thread of its own.
    ///
    /// # Errors
    /// As of [`ShellWorld::generate_task`].
    pub async fn generate(&self, seed: u64, dials: &Dials, language: Language) -> Result<Task, CodeError> {
        let task = self.draw(seed, dials, language);
        let session = self.open_session(&task).await?;
        let unproven = |cause: String| CodeError::Unproven { seed, cause };
        let idle = session.verify()?;
        if idle.total > 0.0 {
            return Err(unproven(format!("doing nothing is worth {}", idle.total)));
        }
        for step in &task.plan.steps {
            let arguments = nex_world::task::resolve_arguments(step, &[]).unwrap_or_default();
            let (reply, is_refused) = session.call(&step.operation, &arguments).await?;
            if is_refused {
                return Err(unproven(reply.to_string()));
            }
        }
        let reward = session.verify()?;
        if reward.total < 1.0 {
            return Err(unproven(format!("the oracle is worth {reward:?}")));
        }
        Ok(task)
    }

    fn draw(&self, seed: u64, dials: &Dials, language: Language) -> Task {
        let mut rng = crate::code::rng(SHELL, seed, dials, language);
        let mut order: Vec<usize> = (0..FAMILIES.len()).collect();
        order.shuffle(&mut rng);
        let size = usize::from(dials.hops).clamp(2, 12);
        let chosen = &order[..usize::from(dials.breadth).clamp(1, 3)];
        let goals: Vec<Goal> =
            chosen.iter().map(|family| (FAMILIES[*family].1)(&mut rng, language, size)).collect();
        let asks: Vec<String> = goals.iter().map(|goal| goal.ask.clone()).collect();
        let instruction = match asks.as_slice() {
            [one] => one.clone(),
            _ => asks
                .iter()
                .enumerate()
                .map(|(n, ask)| format!("{}. {ask}\n", n + 1))
                .collect::<String>()
                .trim_end()
                .to_owned(),
        };
        let plan = plan(&goals, language);
        let calls = u32::try_from(plan.steps.len()).unwrap_or(u32::MAX);
        let mut map: IndexMap<String, serde_json::Value> = match json!(dials) {
            serde_json::Value::Object(object) => object.into_iter().collect(),
            _ => IndexMap::new(),
        };
        let families: Vec<&str> = chosen.iter().map(|family| FAMILIES[*family].0).collect();
        map.insert("families".to_owned(), json!(families));
        let state = ShellState::of_goals(goals);
        Task {
            record: TaskRecord {
                id: task_id(seed, dials, language),
                world: SHELL.to_owned(),
                seed,
                language: language.as_str().to_owned(),
                instruction,
                difficulty: dials.difficulty().as_str().to_owned(),
                dials: map,
                oracle_calls: calls,
            },
            dials: dials.clone(),
            briefing: self.briefing(language),
            tools: operations().iter().map(|operation| operation.name.to_owned()).collect(),
            state: InitialState { seed, given: json!(state) },
            faults: Faults::default(),
            plan,
            checks: Vec::new(),
            limits: TaskLimits { max_turns: 2 * calls + 20, max_calls: 4 * calls + 40 },
        }
    }

    /// Opens a session of `task` in a new folder of the sandbox.
    ///
    /// # Errors
    /// There is no sandbox, or the task is of another world.
    pub async fn open_session(&self, task: &Task) -> Result<ShellSession, CodeError> {
        ShellSession::open(&self.bench, task).await
    }

    /// What there is in it, for a report.
    pub fn shape(&self) -> WorldShape {
        let entity = |name: &str, count: usize| EntityShape {
            name: name.to_owned(),
            count: count as u64,
            references: Vec::new(),
        };
        let operations = operations().iter().map(|operation| {
            let all = vec!["file".to_owned()];
            let (reads, writes) = if operation.is_write { (Vec::new(), all) } else { (all, Vec::new()) };
            OperationShape { name: operation.name.to_owned(), kind: operation.kind.to_owned(), reads, writes }
        });
        WorldShape {
            name: SHELL.to_owned(),
            title: self.title(Language::En).to_owned(),
            entities: vec![entity("file", 0), entity("family of goals", FAMILIES.len())],
            operations: operations.collect(),
        }
    }
}

fn task_id(seed: u64, dials: &Dials, language: Language) -> TaskId {
    let hash = crate::code::hash(SHELL, seed, dials, language).to_hex();
    TaskId::new(format!("{SHELL}-{language}-{}", &hash[..12]))
}

fn plan(goals: &[Goal], language: Language) -> OraclePlan {
    let say = |english: &str, chinese: &str| match language {
        Language::En => english.to_owned(),
        Language::Zh => chinese.to_owned(),
    };
    let mut steps: Vec<PlanStep> = Vec::new();
    let mut add = |operation: &str, arguments: &[(&str, &str)], is_write: bool, reason: String| {
        let literal = |(name, value): &(&str, &str)| ((*name).to_owned(), ValueSource::literal(*value));
        steps.push(PlanStep {
            operation: operation.to_owned(),
            arguments: arguments.iter().map(literal).collect(),
            reason,
            depends_on: steps.len().checked_sub(1).into_iter().collect(),
            is_write,
            paging: None,
            fails_with: None,
        });
    };
    add("list_files", &[], false, say("First I look at what is there.", "先看看有哪些文件。"));
    for goal in goals {
        add("run_command", &[("command", &goal.command)], true, goal.reason.clone());
    }
    let template = say(
        "Done: the files are as you asked, and everything else is as it was.",
        "已完成：文件已按要求处理，其余保持原样。",
    );
    OraclePlan { steps, answer: AnswerPlan { template, ..AnswerPlan::default() } }
}
