//! config

#[allow(dead_code, reason = "used by the loader")]
pub(crate) mod dotenv;
#[allow(dead_code, reason = "used by the loader")]
pub(crate) mod interpolate;
#[allow(dead_code, reason = "used by the loader")]
mod units;
