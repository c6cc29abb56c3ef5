//! The thin proxy: HTTP, WebSocket, SQLite and the upstream around the switchboard.
//!
//! - [`server`]: routes, sockets, the loop around the switchboard.
//! - `config`, `store`, `upstream`, `statics`, `clock`: everything that touches a file, a disk, another host or the
//!   time.
//!
//! One call in, at most one request out: nothing here retries and nothing here schedules.

pub mod server;
