//! Ids in paths.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use kernel::TypedId;

use crate::Problem;

/// The one id of a path such as `/customers/{id}`. A text that is no such id is a 404: nothing can be
/// there.
#[derive(Debug, Clone, Copy)]
pub struct PathId<T>(pub T);

/// The two ids of a path such as `/customers/{id}/notes/{note}`, in their order.
#[derive(Debug, Clone, Copy)]
pub struct PathIds<A, B>(pub A, pub B);

impl<S, T> FromRequestParts<S> for PathId<T>
where
    S: Send + Sync,
    T: TypedId + FromStr,
    T::Err: std::fmt::Display,
{
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = raw(parts, state).await?;
        Ok(Self(id_at(&params, 0)?))
    }
}

impl<S, A, B> FromRequestParts<S> for PathIds<A, B>
where
    S: Send + Sync,
    A: TypedId + FromStr,
    B: TypedId + FromStr,
    A::Err: std::fmt::Display,
    B::Err: std::fmt::Display,
{
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = raw(parts, state).await?;
        Ok(Self(id_at(&params, 0)?, id_at(&params, 1)?))
    }
}

async fn raw<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<RawPathParams, Problem> {
    RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|error| Problem::malformed(error.to_string()))
}

fn id_at<T>(params: &RawPathParams, index: usize) -> Result<T, Problem>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    let (_, text) = params
        .iter()
        .nth(index)
        .ok_or_else(|| Problem::internal(&"the route has fewer parameters than its handler"))?;
    text.parse().map_err(|error: T::Err| Problem::not_found("record").detail(error.to_string()))
}
