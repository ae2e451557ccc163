//! The published JSON Schemas of the record, made from the types.
//!
//! The files under `docs/schema/` are these; a test keeps them so.

use crate::run::{RunManifest, RunMetrics, Topology};
use crate::{Episode, Trajectory};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

/// All published schemas: file name without `.json`, and schema (JSON Schema 2020-12).
pub fn published() -> Vec<(&'static str, Value)> {
    vec![
        ("episode", schema_of::<Episode>()),
        ("trajectory", schema_of::<Trajectory>()),
        ("run", schema_of::<RunManifest>()),
        ("metrics", schema_of::<RunMetrics>()),
        ("topology", schema_of::<Topology>()),
    ]
}

/// The JSON Schema of `T` as it stands in files.
pub fn schema_of<T: JsonSchema>() -> Value {
    let schema: Schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    schema.to_value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arbitrary;
    use proptest::prelude::*;
    use std::path::Path;

    fn validator(name: &str) -> jsonschema::Validator {
        let (_, schema) = published().into_iter().find(|(n, _)| *n == name).unwrap();
        jsonschema::validator_for(&schema).unwrap()
    }

    fn assert_valid(validator: &jsonschema::Validator, value: &Value) {
        let errors: Vec<String> =
            validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }

    #[test]
    fn published_files_are_current() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
        for (name, schema) in published() {
            let path = dir.join(format!("{name}.json"));
            let current = format!("{schema:#}\n");
            if std::env::var_os("UPDATE_SCHEMA").is_some() {
                std::fs::create_dir_all(&dir).unwrap();
                std::fs::write(&path, current).unwrap();
                continue;
            }
            let published = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                published == current,
                "docs/schema/{name}.json is not that of the types; if the change is meant, run \
                 `UPDATE_SCHEMA=1 cargo test -p nex-trajectory published_files_are_current`"
            );
        }
    }

    #[test]
    fn a_rich_episode_is_valid_and_a_wrong_one_is_not() {
        let episode = serde_json::to_value(arbitrary::rich_episode()).unwrap();
        let schema = validator("episode");
        assert_valid(&schema, &episode);
        assert_valid(&validator("trajectory"), &episode["trajectory"]);

        for (pointer, wrong) in [
            ("/outcome", "won".into()),
            ("/trajectory/stop/reason", "tired".into()),
            ("/trajectory/nodes/2/message/content/2/arguments", serde_json::json!({})),
            ("/trajectory/children/0/trajectory/nodes", Value::Null),
            ("/task/seed", (-1).into()),
        ] {
            let mut broken = episode.clone();
            *broken.pointer_mut(pointer).expect(pointer) = wrong;
            assert!(!schema.is_valid(&broken), "{pointer}");
        }
    }

    #[test]
    fn the_records_of_a_run_are_valid() {
        let metrics = RunMetrics::default();
        assert_valid(&validator("metrics"), &serde_json::to_value(metrics).unwrap());
        assert_valid(&validator("topology"), &serde_json::to_value(Topology::default()).unwrap());
        let manifest = RunManifest {
            version: 1,
            name: "demo".to_owned(),
            nex_version: "0.1.0".to_owned(),
            seed: 7,
            driver: "expert".to_owned(),
            recipe: serde_json::json!({"worlds": ["hospital"]}),
            fingerprint: "00".to_owned(),
        };
        assert_valid(&validator("run"), &serde_json::to_value(manifest).unwrap());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn any_episode_is_valid(episode in arbitrary::episode()) {
            assert_valid(&validator("episode"), &serde_json::to_value(episode).unwrap());
        }
    }
}
