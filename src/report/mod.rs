//! What was found, for machines and pipes: one file per format.

pub mod follow;
