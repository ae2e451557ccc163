//! The builders against a scripted model over real HTTP: good ones, and every bad one that is known.

mod bad;
mod good;
mod scripts;
mod server;

use nex_agent_gen::builders::{BuildLimits, BuildOptions, BuildOutcome, build};
use nex_agent_gen::forge::ForgeRequest;
use nex_llm::{ApiKey, ChatModel, ModelConfig, open_model};
use server::{Script, Server};
use std::sync::Arc;

/// A model behind `server`, asked once and again after a failure, without a wait.
fn model_of(server: &Server) -> Arc<dyn ChatModel> {
    let mut config = ModelConfig { base_url: Some(server.address.clone()), ..ModelConfig::default() };
    config.api_key = Some(ApiKey::new("none"));
    config.retry.max_attempts = 2;
    config.retry.base_delay = std::time::Duration::from_millis(1);
    open_model("openai:scripted", &config).expect("a model")
}

fn request(sentence: &str) -> ForgeRequest {
    ForgeRequest { sentence: sentence.to_owned(), seed: 7, ..ForgeRequest::default() }
}

/// Lets the builders of `script` build `request`.
fn build_by(script: Script, request: &ForgeRequest) -> (BuildOutcome, Server) {
    build_within(script, request, BuildOptions::default())
}

fn build_within(script: Script, request: &ForgeRequest, options: BuildOptions) -> (BuildOutcome, Server) {
    let server = Server::start(script);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let outcome = runtime.block_on(build(request, model_of(&server), options));
    (outcome, server)
}

fn limits(change: impl Fn(&mut BuildLimits)) -> BuildOptions {
    let mut options = BuildOptions::default();
    change(&mut options.limits);
    options
}
