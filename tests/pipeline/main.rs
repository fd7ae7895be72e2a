//! Documents from event to manifest: the real handler, pipeline and workers over a store in memory.

mod documents;
mod events;
mod faults;
mod function;
mod paper;
mod renditions;
mod repetition;
