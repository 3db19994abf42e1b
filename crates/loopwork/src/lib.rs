//! asyncio in Rust.
