//! Every world file of the crate loads, generates and answers.

use nex_world::{Language, SessionOptions, World, WorldSession};
use std::path::PathBuf;

fn files() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/worlds");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder of worlds")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

#[test]
fn every_world_file_loads_and_generates_in_both_languages() {
    let mut wrong = Vec::new();
    for path in files() {
        match World::load(&path) {
            Err(error) => wrong.push(error.to_string()),
            Ok(world) => {
                for seed in 0..40 {
                    for language in [Language::En, Language::Zh] {
                        if let Err(error) = world.initial_state(seed, language) {
                            wrong.push(format!("{}: seed {seed}: {error}", path.display()));
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_read_without_required_arguments_answers_in_json() {
    for path in files() {
        let Ok(world) = World::load(&path) else { continue };
        let options = SessionOptions { calm: true, ..SessionOptions::default() };
        let mut session = WorldSession::new(world.clone(), 7, options).expect("a state");
        for operation in world.operations() {
            let reply = session.call(&operation.name, &serde_json::json!({}));
            assert!(reply.json().is_object(), "{}: {}", operation.name, reply.text);
        }
    }
}
