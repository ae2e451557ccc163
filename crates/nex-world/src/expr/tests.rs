//! Tables of expressions: what they give, and what is said about wrong ones.
