//! config

#[allow(dead_code, reason = "used by the loader")]
mod dotenv;
#[allow(dead_code, reason = "used by the loader")]
mod interpolate;
#[allow(dead_code, reason = "used by the loader")]
mod units;
