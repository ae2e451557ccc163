//! The providers over real HTTP, against a server that answers as a test says.

mod anthropic;
mod faults;
mod mock;
mod openai;
mod openai_stream;
mod stack;
