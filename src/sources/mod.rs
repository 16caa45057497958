//! Where signals come from. Each source is `fn(&View) -> Vec<Reading>`: it reads, and judges nothing.
pub mod aws;
pub mod connections;
pub mod env;
pub mod ini;
pub mod kube;
pub mod origin;

pub mod directory;
