//! [`Template`]: one hand-written program with its public tests and its probes.

use crate::workbench::{CodeLanguage, Probe};
use nex_world::Language;

/// One program.
pub(super) struct Template {
    /// Name of the module, which is the file's.
    pub(super) name: &'static str,
    /// Extension of its file: `py`, `sh`, `awk`.
    pub(super) extension: &'static str,
    pub(super) source: &'static str,
    /// A unittest module with `PACKAGE` for the package; for shell: blocks of a name, a command and
    /// its output.
    pub(super) tests: &'static str,
    /// One probe a line.
    probes: &'static str,
    /// What the program is about: a line in English, a line in Chinese.
    about: &'static str,
}

impl Template {
    /// The hidden inputs, one each.
    pub(super) fn probes(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.probes.lines().filter(|line| !line.trim().is_empty())
    }

    /// The hidden inputs for a program that lies in `package`.
    pub(super) fn probes_in(&self, package: &str) -> Vec<Probe> {
        let module = match self.extension {
            "py" => format!("{package}.{}", self.name),
            _ => String::new(),
        };
        self.probes()
            .map(|code| Probe { module: module.clone(), code: code.replace("PROGRAM", &self.path(package)) })
            .collect()
    }

    pub(super) fn about(&self, language: Language) -> &'static str {
        let mut lines = self.about.lines();
        let english = lines.next().unwrap_or_default();
        match language {
            Language::En => english,
            Language::Zh => lines.next().unwrap_or(english),
        }
    }

    /// Where its file lies.
    pub(super) fn path(&self, package: &str) -> String {
        format!("{package}/{}.{}", self.name, self.extension)
    }
}

macro_rules! template {
    ($folder:literal, $name:literal, $extension:literal) => {
        Template {
            name: $name,
            extension: $extension,
            source: include_str!(concat!("../../templates/", $folder, "/", $name, "/program.", $extension)),
            tests: include_str!(concat!("../../templates/", $folder, "/", $name, "/tests.txt")),
            probes: include_str!(concat!("../../templates/", $folder, "/", $name, "/probes.txt")),
            about: include_str!(concat!("../../templates/", $folder, "/", $name, "/about.txt")),
        }
    };
}

macro_rules! python {
    ($name:literal) => {
        template!("python", $name, "py")
    };
}

macro_rules! shell {
    ($name:literal, $extension:literal) => {
        template!("shell", $name, $extension)
    };
}

static PYTHON: [Template; 14] = [
    python!("calc"),
    python!("calendar_days"),
    python!("codec"),
    python!("door_machine"),
    python!("durations"),
    python!("graph"),
    python!("ini_file"),
    python!("intervals"),
    python!("lru_cache"),
    python!("matrix"),
    python!("money"),
    python!("scheduler"),
    python!("stats"),
    python!("text_table"),
];
static SHELL: [Template; 7] = [
    shell!("bytesize", "sh"),
    shell!("inventory", "awk"),
    shell!("logscan", "sh"),
    shell!("numranges", "sh"),
    shell!("pathtool", "sh"),
    shell!("semver", "sh"),
    shell!("wordfreq", "sh"),
];

/// The programs in `language`.
pub(super) fn templates(language: CodeLanguage) -> &'static [Template] {
    match language {
        CodeLanguage::Python => &PYTHON,
        CodeLanguage::Shell => &SHELL,
    }
}
