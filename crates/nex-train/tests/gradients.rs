//! Gradients against finite differences, for every tensor and every option of the model.

use nex_train::{CrossEntropy, GradientEngine, Link, Model, ModelConfig, PackedRow, ToolBias};

/// Two samples in one row, the second with two calls that are linked to their outputs.
fn row(vocabulary: u32) -> PackedRow {
    let mut row = PackedRow::default();
    let tokens = |count: u32, step: u32| (0..count).map(|i| (i * step + 3) % vocabulary).collect::<Vec<_>>();
    row.push(&tokens(5, 7), &[false, true, true, false, true], &[]);
    let is_action: Vec<bool> = (0..17).map(|i| i % 3 != 0).collect();
    let links = [Link { call: 2..5, output: 6..9 }, Link { call: 9..12, output: 12..15 }];
    row.push(&tokens(17, 5), &is_action, &links);
    row
}

/// Numbers that are no one's start: gains off 1, biases off 0, attention that is not flat.
fn stirred(config: ModelConfig) -> Model {
    let mut model = Model::new(config, 11).unwrap();
    for (i, number) in model.parameters.iter_mut().enumerate() {
        *number += 0.3 * (i as f32 * 1.7).sin();
    }
    model
}

fn loss_of(engine: &mut GradientEngine, parameters: &[f32], rows: &[PackedRow]) -> f64 {
    let (loss, count) = engine.evaluate(parameters, rows).unwrap();
    loss / count as f64
}

fn check(config: ModelConfig, recomputes: bool) {
    let rows = [row(config.vocabulary as u32)];
    let model = stirred(config);
    let mut engine = GradientEngine::new(&model.config, 32, 1, 1, recomputes);
    let targets = rows[0].targets.len();
    let scale = 1.0 / targets as f32;
    let batch = engine.compute(&model.parameters, &rows, |_| CrossEntropy { scale }).unwrap();
    let loss = loss_of(&mut engine, &model.parameters, &rows);
    assert!((batch.loss - loss).abs() < 1e-5, "loss {} by training, {loss} by evaluation", batch.loss);
    let gradient = engine.gradient().to_vec();
    for tensor in model.layout.tensors() {
        // Along the gradient itself, so that every entry counts and none hides; and along a fixed
        // direction that knows nothing of it.
        for direction in 0..2 {
            let along: Vec<f64> = tensor
                .range
                .clone()
                .map(|i| if direction == 0 { f64::from(gradient[i]) } else { (i as f64 * 0.9).cos() })
                .collect();
            let length = along.iter().map(|x| x * x).sum::<f64>().sqrt();
            assert!(length > 1e-7, "{} has no gradient at all", tensor.name);
            let step = 4e-3;
            let mut moved = model.parameters.clone();
            let mut at = |factor: f64| {
                for (i, along) in tensor.range.clone().zip(&along) {
                    moved[i] = (f64::from(model.parameters[i]) + factor * step * along / length) as f32;
                }
                loss_of(&mut engine, &moved, &rows)
            };
            // Fourth order: the curvature of the third cancels.
            let slope = (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * step);
            let expected: f64 =
                tensor.range.clone().zip(&along).map(|(i, x)| f64::from(gradient[i]) * x / length).sum();
            let norm: f64 =
                gradient[tensor.range.clone()].iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
            let error = (slope - expected).abs();
            assert!(
                error < 2e-4 + 5e-3 * norm,
                "{}: gradient {expected:.6} along direction {direction}, difference quotient {slope:.6}",
                tensor.name
            );
        }
    }
}

fn small() -> ModelConfig {
    ModelConfig { intermediate: 24, ..ModelConfig::new(2, 2, 16, 23, 32) }
}

#[test]
fn plain_model() {
    check(small(), false);
}

#[test]
fn untied_output() {
    check(ModelConfig { tied_embeddings: false, ..small() }, false);
}

#[test]
fn smeared_keys() {
    check(ModelConfig { smeared_keys: true, ..small() }, false);
}

#[test]
fn fixed_tool_bias() {
    check(ModelConfig { tool_bias: ToolBias::Fixed { value: 1.5 }, ..small() }, false);
}

#[test]
fn learned_tool_bias() {
    check(ModelConfig { tool_bias: ToolBias::Learned { initial: 0.8 }, ..small() }, false);
}

#[test]
fn everything_at_once_with_recomputed_activations() {
    let config = ModelConfig {
        tied_embeddings: false,
        smeared_keys: true,
        tool_bias: ToolBias::Learned { initial: 0.8 },
        ..small()
    };
    check(config.clone(), true);
    // Recomputing changes memory, not one bit of the result.
    let (model, rows) = (stirred(config), [row(23)]);
    let gradient = |recomputes| {
        let mut engine = GradientEngine::new(&model.config, 32, 1, 1, recomputes);
        engine.compute(&model.parameters, &rows, |_| CrossEntropy { scale: 1.0 }).unwrap();
        engine.gradient().to_vec()
    };
    assert_eq!(gradient(false), gradient(true));
}

#[test]
fn the_tool_bias_changes_only_what_sees_its_outputs() {
    let with = |tool_bias| {
        let model = stirred(ModelConfig { tool_bias, ..small() });
        let mut workspace = nex_train::Workspace::new(&model.config, 32, false);
        workspace.forward(&model.parameters, &row(23)).unwrap();
        workspace.hidden()[..22 * 16].to_vec()
    };
    let (off, on) = (with(ToolBias::Off), with(ToolBias::Fixed { value: 2.0 }));
    // The first output stands at 5 + 6.
    assert_eq!(off[..11 * 16], on[..11 * 16]);
    assert!((11..14).all(|t| off[t * 16..(t + 1) * 16] != on[t * 16..(t + 1) * 16]));
}

#[test]
fn a_batch_has_the_same_bytes_at_any_number_of_threads() {
    let model = stirred(ModelConfig { smeared_keys: true, ..small() });
    let rows: Vec<PackedRow> = (0..7)
        .map(|i| {
            let mut row = PackedRow::default();
            let tokens: Vec<u32> = (0..9 + i).map(|t| (t * (i + 2)) % 23).collect();
            row.push(&tokens, &vec![true; tokens.len()], &[]);
            row
        })
        .collect();
    let gradient = |threads| {
        let mut engine = GradientEngine::new(&model.config, 32, threads, 4, false);
        let loss = engine.compute(&model.parameters, &rows, |_| CrossEntropy { scale: 0.01 }).unwrap();
        (loss, engine.gradient().to_vec())
    };
    let one = gradient(1);
    assert_eq!(one, gradient(2));
    assert_eq!(one, gradient(3));
}

#[test]
fn samples_in_a_row_do_not_see_each_other() {
    for tool_bias in [ToolBias::Off, ToolBias::Learned { initial: 1.0 }] {
        let model = stirred(ModelConfig { smeared_keys: true, tool_bias, ..small() });
        let packed = row(23);
        let mut engine = GradientEngine::new(&model.config, 32, 1, 2, false);
        let together =
            engine.compute(&model.parameters, std::slice::from_ref(&packed), |_| CrossEntropy { scale: 0.1 });
        let together = (together.unwrap(), engine.gradient().to_vec());
        let alone: Vec<PackedRow> = packed
            .segments
            .iter()
            .map(|segment| {
                let is_action: Vec<bool> = segment
                    .clone()
                    .map(|at| packed.targets.iter().any(|target| target.position + 1 == at))
                    .collect();
                let links: Vec<Link> = packed
                    .links
                    .iter()
                    .filter(|link| link.call.start >= segment.start && link.output.end <= segment.end)
                    .map(|link| Link {
                        call: link.call.start - segment.start..link.call.end - segment.start,
                        output: link.output.start - segment.start..link.output.end - segment.start,
                    })
                    .collect();
                let mut row = PackedRow::default();
                row.push(&packed.tokens[segment.clone()], &is_action, &links);
                row
            })
            .collect();
        let apart = engine.compute(&model.parameters, &alone, |_| CrossEntropy { scale: 0.1 }).unwrap();
        assert!(
            (together.0.loss - apart.loss).abs() < 1e-5,
            "{} packed, {} apart",
            together.0.loss,
            apart.loss
        );
        for (a, b) in together.1.iter().zip(engine.gradient()) {
            assert!((a - b).abs() < 1e-5);
        }
    }
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let model = Model::new(small(), 1).unwrap();
    let mut engine = GradientEngine::new(&model.config, 32, 2, 2, false);
    let mut told = |row: PackedRow| {
        engine.compute(&model.parameters, &[row], |_| CrossEntropy { scale: 1.0 }).unwrap_err().to_string()
    };
    assert_eq!(told(PackedRow::default()), "packed row: it has 0 tokens; 1 to 32 are possible");
    let mut foreign = row(23);
    foreign.tokens[3] = 23;
    assert_eq!(told(foreign), "packed row: token 23 is outside the vocabulary of 23");
    let mut crossed = row(23);
    crossed.links[0].call = 0..3;
    assert_eq!(told(crossed), "packed row: call 0..3 and output 11..14 are not in order in one sample");
}
