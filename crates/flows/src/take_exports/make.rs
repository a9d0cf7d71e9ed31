//! Makes the file of an export, sealed.

use customers::exports::{self, Export, ExportFailure, ExportState};
use customers::settings;
use kernel::{ExportId, Timestamp, TypedId as _};
use platform::{Ctx, Platform, Scope};

use super::{Contents, RIGHT, file_of, params_of, sealed};
use crate::audiences;
use crate::engine::EngineHandle;
use crate::export_customers::{self, CustomersFile, ExportError, ExportFormat};
use crate::list_customers::ListError;

/// How much larger than when it was approved an export may be when it is made: by a tenth, or so many.
const MORE: u64 = 100;

/// Makes the file of a queued export, with what its asker may and sees now; gives when it goes, `None` if
/// there is nothing to do any more. Done again it makes it anew.
///
/// # Errors
/// As the database, the engine or the disk says; the export stays queued.
pub async fn make(
    engine: &EngineHandle,
    system: &Ctx,
    id: ExportId,
) -> Result<Option<Timestamp>, ExportError> {
    let platform = engine.platform();
    let mut tx = platform.db.read_for(system.scope).await?;
    let export = exports::get(&mut tx, system, id).await?;
    let Some(export) = export.filter(|export| export.state == ExportState::Queued) else {
        return Ok(None);
    };
    let access = match export.asker {
        Some(asker) => identity::access_of(&mut tx, system.scope, asker).await?,
        None => None,
    };
    let hours = settings::export_hours(&mut tx, system.scope).await?;
    tx.rollback().await?;
    let access = access.map(|(access, _)| access);
    let (Some(access), Some(asker)) =
        (access.filter(|access| access.permissions().allow(RIGHT)), export.asker)
    else {
        return give_up(platform, system, id, ExportFailure::RightGone).await;
    };
    let cx = platform.ctx(Scope::user(system.scope.org(), asker)).with(access);
    let (Ok(params), Some(format)) =
        (params_of(&export.query), ExportFormat::of_name(&export.format))
    else {
        return give_up(platform, system, id, ExportFailure::Broke).await;
    };
    if export.approved
        && let Some(audience) = params.audience
        && audiences::changed_since(platform, &cx, audience, export.asked_at).await?
    {
        return give_up(platform, system, id, ExportFailure::Redefined).await;
    }
    let count = match export_customers::count(engine, &cx, &params).await {
        // What its asker may not ask any more, such as an audience that went, does not come back.
        Err(ExportError::List(ListError::Fields(_) | ListError::NoAudiences)) => {
            return give_up(platform, system, id, ExportFailure::Broke).await;
        }
        counted => counted?,
    };
    let most = most(&export);
    if export.approved && count > most {
        return give_up(platform, system, id, ExportFailure::Grew).await;
    }
    // Whoever is erased from now on may still be in the file.
    let begun = platform.now();
    let file = CustomersFile::begin_asked(engine, &cx, &params, format, &export, most).await?;
    let (count, bytes) = seal(platform, &cx, id, file).await?;
    let expires_at = platform.now().plus_millis(i64::from(hours) * 3_600_000);
    let mut tx = platform.db.begin_for(system.scope).await?;
    exports::made(&mut tx, system, id, count, bytes, begun, expires_at).await?;
    tx.commit().await?;
    Ok(Some(expires_at))
}

fn file_error(error: std::io::Error) -> ExportError {
    ExportError::File(platform::disk::told(&error))
}

/// Customers that may be in the file: of an approved one a few more than when it was approved, and of others
/// those that were counted against what one may take within a day.
fn most(export: &Export) -> u64 {
    if export.approved {
        (export.count + MORE).max(export.count + export.count / 10)
    } else {
        export.count
    }
}

/// Writes and seals; gives customers and bytes of the file as it is fetched.
async fn seal(
    platform: &Platform,
    cx: &Ctx,
    id: ExportId,
    file: CustomersFile,
) -> Result<(u64, u64), ExportError> {
    let (clear, who) = file.write_unnamed().await?;
    let count = who.len() as u64;
    let contents = Contents {
        fields: cx.access.fields().clone(),
        customers: who.into_iter().map(|id| id.uuid()).collect(),
    };
    let head =
        serde_json::to_vec(&contents).map_err(|error| ExportError::File(error.to_string()))?;
    let (keys, ids) = (cx.keys(), cx.ids.clone());
    let target = file_of(platform, cx.scope, id);
    let sealing =
        tokio::task::spawn_blocking(move || sealed::write(&keys, &*ids, id, &head, clear, &target));
    let bytes =
        sealing.await.map_err(|error| ExportError::File(error.to_string()))?.map_err(file_error)?;
    Ok((count, bytes))
}

/// Notes that a queued export cannot be made, and why.
///
/// # Errors
/// As the database says.
pub async fn give_up<T>(
    platform: &Platform,
    cx: &Ctx,
    id: ExportId,
    why: ExportFailure,
) -> Result<Option<T>, ExportError> {
    let mut tx = platform.db.begin_for(cx.scope).await?;
    exports::failed(&mut tx, cx, id, why).await?;
    tx.commit().await?;
    Ok(None)
}
