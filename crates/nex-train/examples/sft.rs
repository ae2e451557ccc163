//! Fine-tunes a policy on the episodes of a run, and lets it answer the first samples:
//! `cargo run --release -p nex-train --example sft -- runs/NAME/episodes OUT [STEPS]`.

#![allow(clippy::print_stdout)]

use nex_train::{
    Declaration, Encoder, EncodingStyle, EpisodeFilter, EpisodeSource, Mark, ModelConfig, Policy, Request,
    Sampling, SftOptions, TooLong, default_threads, generate_on_threads, train_sft,
};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [episodes, out, rest @ ..] = arguments.as_slice() else {
        return Err("usage: sft EPISODES OUT [STEPS]".into());
    };
    let steps = rest.first().map_or(Ok(200), |steps| steps.parse())?;
    let source = EpisodeSource { stores: vec![PathBuf::from(episodes)], filter: EpisodeFilter::Successful };
    let style = EncodingStyle::Structured { tools: Declaration::None };
    let tokenizer = source.train_tokenizer(&style, 1024, 64 << 20)?;
    let encoder = Encoder::new(tokenizer.clone(), style);
    let model =
        ModelConfig { smeared_keys: true, ..ModelConfig::new(4, 4, 128, tokenizer.vocabulary(), 2048) };
    let (samples, report) = source.samples(&encoder, model.context, TooLong::CutBehindReply)?;
    println!("{}", serde_json::to_string_pretty(&report)?);
    let options = SftOptions::from_scratch(model, steps, 4096);
    let run = train_sft(&PathBuf::from(out), &options, &samples, &tokenizer, None, &mut |metrics| {
        if metrics.step % 10 == 0 {
            println!(
                "step {:5}  loss {:.4}  gradient {:.3}",
                metrics.step, metrics.loss, metrics.gradient_norm
            );
        }
        ControlFlow::Continue(())
    })?;
    let policy = Policy::load(&run.checkpoint)?;
    let first_action =
        |sample: &nex_train::EncodedSample| sample.is_action.iter().position(|is| *is).unwrap_or(0);
    let requests: Vec<Request> = samples
        .iter()
        .take(4)
        .map(|sample| Request {
            prompt: sample.tokens[..first_action(sample)].to_vec(),
            max_tokens: 100,
            stop: vec![Mark::End.id()],
            sampling: Sampling { temperature: 0.0, top_p: 1.0 },
            seed: 0,
        })
        .collect();
    let generations = generate_on_threads(&Arc::new(policy.model), &requests, 4, default_threads(), None)?;
    for (request, generation) in requests.iter().zip(generations) {
        let tokens: Vec<u32> = generation.tokens.iter().map(|sampled| sampled.token).collect();
        println!(
            "{}\n→ {:?}\n",
            policy.tokenizer.decode(&request.prompt)?,
            encoder.decode_reply(&tokens)?.content
        );
    }
    Ok(())
}
