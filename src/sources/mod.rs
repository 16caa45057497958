//! Where signals come from. Each source is `fn(&View) -> Vec<Reading>`: it reads, and judges nothing.
pub mod env;
pub mod kube;
pub mod origin;

pub mod directory;
