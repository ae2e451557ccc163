//! What a run has used up, counted in itself and in all runs above it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tokens and calls of one run and of those below it.
pub(crate) struct Spending {
    tokens: AtomicU64,
    token_budget: Option<u64>,
    calls: AtomicU64,
    max_calls: u64,
    parent: Option<Arc<Spending>>,
}

impl Spending {
    pub(crate) fn new(token_budget: Option<u64>, max_calls: u32, parent: Option<Arc<Spending>>) -> Self {
        Self {
            tokens: AtomicU64::new(0),
            token_budget,
            calls: AtomicU64::new(0),
            max_calls: u64::from(max_calls),
            parent,
        }
    }

    /// Adds `tokens` here and above.
    pub(crate) fn spend_tokens(&self, tokens: u64) {
        self.tokens.fetch_add(tokens, Ordering::Relaxed);
        if let Some(parent) = &self.parent {
            parent.spend_tokens(tokens);
        }
    }

    /// The tokens used where a budget, here or above, is used up.
    pub(crate) fn exhausted_tokens(&self) -> Option<u64> {
        let used = self.tokens.load(Ordering::Relaxed);
        if self.token_budget.is_some_and(|budget| used >= budget) {
            return Some(used);
        }
        self.parent.as_ref().and_then(|parent| parent.exhausted_tokens())
    }

    /// Takes one call off the allowance here and above; false, and nothing taken, where none is
    /// left.
    pub(crate) fn take_call(&self) -> bool {
        let taken = self
            .calls
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                (used < self.max_calls).then_some(used + 1)
            })
            .is_ok();
        if taken && !self.parent.as_ref().is_none_or(|parent| parent.take_call()) {
            self.calls.fetch_sub(1, Ordering::Relaxed);
            return false;
        }
        taken
    }

    /// The limit that [`Spending::take_call`] ran into: the narrowest one used up.
    pub(crate) fn call_limit(&self) -> u32 {
        if self.calls.load(Ordering::Relaxed) >= self.max_calls {
            return u32::try_from(self.max_calls).unwrap_or(u32::MAX);
        }
        self.parent.as_ref().map_or(u32::MAX, |parent| parent.call_limit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_cannot_spend_more_than_its_parent_has() {
        let parent = Arc::new(Spending::new(Some(100), 3, None));
        let child = Spending::new(None, 10, Some(parent.clone()));
        assert!(parent.take_call());
        assert!(child.take_call() && child.take_call());
        assert!(!child.take_call(), "the parent's three are used up");
        assert_eq!(child.call_limit(), 3);
        assert_eq!(child.exhausted_tokens(), None);
        child.spend_tokens(100);
        assert_eq!((child.exhausted_tokens(), parent.exhausted_tokens()), (Some(100), Some(100)));
    }
}
