//! Ctrl-C and SIGTERM: the first drains, the second leaves at once.

use crate::failure::Code;
use crate::terminal::tell;
use tokio_util::sync::CancellationToken;

/// A token that is cancelled by the first signal; the second ends the process. Must be called
/// within a runtime. Child processes end with this one whatever happens (see `nex_tools::McpPool`).
pub(crate) fn cancel_on_signal(what_happens: &'static str) -> CancellationToken {
    let token = CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        wait_for_signal().await;
        tell(format!("interrupted: {what_happens}; interrupt again to leave at once"));
        cancel.cancel();
        wait_for_signal().await;
        std::process::exit(Code::Interrupted as i32);
    });
    token
}

async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
