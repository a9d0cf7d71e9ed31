//! The edge: extractors that refuse with a [`Problem`](crate::Problem), versions, request ids, and
//! the layer that runs a handler to its end.

mod body;
mod headers;
mod path;
mod query;
mod run_to_end;

pub use body::{Idempotent, JSON_LIMIT_BYTES, JsonBody, read_json};
pub use headers::{Cx, ETag, Idempotency, IfMatch};
pub use path::{PathId, PathIds};
pub use query::{QueryParams, parse_query};
pub use run_to_end::{RequestId, current_request_id, run_to_end, with_request_id};
