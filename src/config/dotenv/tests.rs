//! Tables and properties of `.env` files.
