//! Behaviour of the built program, one file per behaviour, and the rules of the house.

mod hostile;
mod layers;
mod support;
