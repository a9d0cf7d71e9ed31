//! A page as the engine finds it, with an audience as of the same state of the engine.

use std::sync::Arc;

use analytics::audience::AudienceError;
use analytics::{CustomerFacts, ListPage, ListQuery, View};
use insight::audiences::AudienceStoreError;
use kernel::{AudienceId, FieldErrors};
use platform::{Ctx, Tx};

use super::{CustomerParams, ListError, Place, Told};
use crate::audiences::{Asked, AudienceRefused};
use crate::engine::EngineHandle;

/// What the engine is asked.
pub(crate) struct Asking {
    pub(crate) query: ListQuery,
    /// The audience whose members alone are listed, as of one day on all pages.
    audience: Option<Asked>,
}

impl Asking {
    /// What `params` ask for, as whoever asks may.
    ///
    /// # Errors
    /// `NoAudiences`; `Fields` if the audience is not there or cannot be asked; otherwise as the database says.
    pub(crate) async fn new(
        engine: &EngineHandle,
        tx: &mut Tx,
        cx: &Ctx,
        params: &CustomerParams,
        told: &Told,
    ) -> Result<Self, ListError> {
        let audience = match params.audience {
            Some(id) => Some(audience(engine, tx, cx, id, params).await?),
            None => None,
        };
        let query = super::query(tx, cx, &engine.shops(), params, told).await?;
        Ok(Self { query, audience })
    }

    /// Where the page after `page` begins.
    pub(super) fn next(&self, page: &ListPage) -> Option<Place> {
        let day = self.audience.as_ref().map(|asked| asked.as_of.day);
        page.next.map(|list| Place { list, day })
    }
}

async fn audience(
    engine: &EngineHandle,
    tx: &mut Tx,
    cx: &Ctx,
    id: AudienceId,
    params: &CustomerParams,
) -> Result<Asked, ListError> {
    if !cx.access.permissions().allow("insight.read") {
        return Err(ListError::NoAudiences);
    }
    let day = params.after.and_then(|after| after.0.0.day);
    Asked::kept(tx, engine, cx, id, day).await.map_err(|error| match error {
        AudienceRefused::Db(error) => error.into(),
        AudienceRefused::Engine(error) => error.into(),
        AudienceRefused::Store(AudienceStoreError::Unknown(_)) => {
            refused("there is no such audience; it may have been deleted".to_owned())
        }
        error => refused(error.to_string()),
    })
}

fn refused(why: String) -> ListError {
    let mut errors = FieldErrors::default();
    errors.push("audience", why);
    ListError::Fields(errors)
}

impl From<AudienceError> for ListError {
    fn from(error: AudienceError) -> Self {
        refused(error.to_string())
    }
}

/// A page of ids with what the engine knows of each.
pub(crate) struct Found {
    pub(crate) page: ListPage,
    pub(crate) facts: Vec<Option<CustomerFacts>>,
}

impl Found {
    /// Asks one state of the engine, so that all parts belong together.
    ///
    /// # Errors
    /// `Fields` if the audience cannot be asked any more.
    pub(crate) async fn ask(
        engine: &EngineHandle,
        asking: &Asking,
        told: &Told,
    ) -> Result<Self, ListError> {
        let query = &asking.query;
        let Some(asked) = &asking.audience else {
            let ask = || engine.ask(|engine| Self::of(engine.view(), query, told));
            // A name asked for the first time is searched for in a few milliseconds.
            let by_text = query.filter.q.is_some();
            return Ok(if by_text { tokio::task::block_in_place(ask) } else { ask() });
        };
        let (mut query, told) = (query.clone(), told.clone());
        let (tree, named, as_of) = (asked.tree.clone(), Arc::clone(&asked.named), asked.as_of);
        let found = engine.ask_apart(move |snapshot| {
            let members = snapshot.audience_of_list(&tree, &named, as_of)?;
            query.filter.members = Some(Arc::new(members));
            Ok::<_, AudienceError>(Self::of(snapshot.view(), &query, &told))
        });
        Ok(found.await??)
    }

    fn of(view: View<'_>, query: &ListQuery, told: &Told) -> Self {
        let page = match &told.scores {
            None => view.list(query),
            Some(scores) => view.list_by(query, scores),
        };
        let facts = page.ids.iter().map(|id| told.facts(view, *id)).collect();
        Self { page, facts }
    }
}
