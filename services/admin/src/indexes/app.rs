//! What happens to indexes. What Meilisearch finds out only when it works on a task becomes a failed task here too.

use onggi_domain::{
    ApiError, Code, IndexUid, Timestamp,
    auth::Identity,
    container::Selection,
    index::{Index, Swap},
    key::Action,
    plan::Selected,
    task::{Task, TaskKind},
};
use onggi_web::{Error, Result};
use serde_json::json;

use crate::app::{Admin, new_task, require};

/// A change of an index.
pub(crate) struct Change {
    /// Its new name.
    pub(crate) uid: Option<IndexUid>,
    /// Its primary key.
    pub(crate) primary_key: Option<String>,
}

impl Admin {
    /// Creates an index of the default size.
    pub(crate) async fn create_index(&self, caller: &Identity, uid: IndexUid, primary_key: Option<String>) -> Result<Task> {
        require(caller, Action::IndexesCreate, &uid)?;
        let details = json!({"primaryKey": primary_key});
        let selection = Selection::new(self.0.sizes.default_size());
        let index = Index::new(caller.tenant, uid.clone(), primary_key, selection, Timestamp::now());
        let created = match self.store(&index).await {
            Ok(()) => None,
            // Before anything else is done, as with everything that a caller may not do.
            Err(onggi_metadata::Error::Refused(error)) => return Err(error.into()),
            Err(onggi_metadata::Error::AlreadyExists(_)) => Some(already_exists(&uid)),
            Err(error) => return Err(Error::internal(error)),
        };
        let id = created.is_none().then_some(index.id);
        let task = self.complete(&new_task(caller, id, Some(uid), TaskKind::IndexCreation, details), created.as_ref()).await?;
        if created.is_none() {
            self.notify(index.id);
        }
        Ok(task)
    }

    /// Stores a new index, if the tenant's plan has room for it.
    pub(crate) async fn store(&self, index: &Index) -> Result<(), onggi_metadata::Error> {
        let plan = self.0.metadata.tenants.get(index.tenant).await?.plan;
        let plan = self.0.plans.of(plan.as_deref());
        let check = |before: &[Selected], after: &[Selected]| plan.check_selections(before, after, &self.0.sizes);
        self.0.metadata.indexes.create_within(index, &check).await
    }

    /// Names the primary key of an index without documents, or gives the index another name.
    pub(crate) async fn update_index(&self, caller: &Identity, uid: IndexUid, change: Change) -> Result<Task> {
        if let Some(new) = &change.uid {
            require(caller, Action::IndexesUpdate, new)?;
        }
        let mut details = json!({"primaryKey": change.primary_key});
        if let Some(new) = &change.uid {
            details["oldIndexUid"] = json!(uid);
            details["newIndexUid"] = json!(new);
        }
        let index = self.find(caller, &uid).await?;
        let failure = match &index {
            Some(index) => self.apply(index, &change).await?.err(),
            None => Some(ApiError::index_not_found(uid.as_str())),
        };
        let id = index.map(|index| index.id);
        self.complete(&new_task(caller, id, Some(uid), TaskKind::IndexUpdate, details), failure.as_ref()).await
    }

    async fn apply(&self, index: &Index, change: &Change) -> Result<Result<(), ApiError>> {
        let metadata = &self.0.metadata;
        if let Some(wanted) = &change.primary_key
            && index.primary_key.as_ref() != Some(wanted)
        {
            let holds = if self.has_documents(index).await? {
                metadata.indexes.set_primary_key_if_absent(index.id, wanted).await.map_err(Error::internal)?
            } else {
                metadata.indexes.set_primary_key(index.id, Some(wanted)).await.map_err(Error::internal)?;
                wanted.clone()
            };
            if holds != *wanted {
                let message = format!("Index `{}`: Index already has a primary key: `{holds}`.", index.uid);
                return Ok(Err(ApiError::new(Code::IndexPrimaryKeyAlreadyExists, message)));
            }
        }
        if let Some(new) = &change.uid
            && *new != index.uid
        {
            return match metadata.indexes.rename(index.id, new).await {
                Ok(()) => Ok(Ok(())),
                Err(onggi_metadata::Error::AlreadyExists(_)) => Ok(Err(already_exists(new))),
                Err(error) => Err(Error::internal(error)),
            };
        }
        Ok(Ok(()))
    }

    /// Whether there are documents, or writes under way that may bring some.
    async fn has_documents(&self, index: &Index) -> Result<bool> {
        let published = index.published.as_ref().is_some_and(|published| published.documents > 0);
        Ok(published || self.0.metadata.tasks.pending(index.id).await.map_err(Error::internal)? > 0)
    }

    /// Deletes an index: from now on nobody sees it; its containers and objects go in the background.
    pub(crate) async fn delete_index(&self, caller: &Identity, uid: IndexUid) -> Result<Task> {
        let Some(index) = self.find(caller, &uid).await? else {
            let error = ApiError::index_not_found(uid.as_str());
            let task = new_task(caller, None, Some(uid), TaskKind::IndexDeletion, json!({"deletedDocuments": 0}));
            return self.complete(&task, Some(&error)).await;
        };
        self.0.metadata.indexes.delete(index.id).await.map_err(Error::internal)?;
        let documents = index.published.map_or(0, |published| published.documents);
        let details = json!({"deletedDocuments": documents});
        let task = self.complete(&new_task(caller, Some(index.id), Some(uid), TaskKind::IndexDeletion, details), None).await?;
        self.0.metadata.tasks.cancel_all(index.id, Some(task.uid), Timestamp::now()).await.map_err(Error::internal)?;
        self.notify(index.id);
        Ok(task)
    }

    /// Segments are merged as they grow, so there is never anything left to compact: the task is at its end at once.
    pub(crate) async fn compact_index(&self, caller: &Identity, uid: IndexUid) -> Result<Task> {
        let index = self.find(caller, &uid).await?;
        let failure = index.is_none().then(|| ApiError::index_not_found(uid.as_str()));
        let size = index.as_ref().map(|index| {
            let bytes = index.published.as_ref().map_or(0, |published| published.stored_bytes);
            bytesize::ByteSize(bytes).to_string()
        });
        let details = json!({"indexUid": uid, "preCompactionSize": size, "postCompactionSize": size});
        let id = index.map(|index| index.id);
        self.complete(&new_task(caller, id, Some(uid), TaskKind::IndexCompaction, details), failure.as_ref()).await
    }

    /// Exchanges the names of pairs of indexes, or gives one the name of the other, which must be free: all or none.
    pub(crate) async fn swap_indexes(&self, caller: &Identity, swaps: Vec<Swap>) -> Result<Task> {
        let mut seen: Vec<&IndexUid> = Vec::new();
        for uid in swaps.iter().flat_map(|swap| [&swap.from, &swap.to]) {
            require(caller, Action::IndexesSwap, uid)?;
            if seen.contains(&uid) {
                let message = format!("Indexes must be declared only once during a swap. `{uid}` was specified several times.");
                return Err(Error::api(Code::InvalidSwapDuplicateIndexFound, message));
            }
            seen.push(uid);
        }
        let mut absent = Vec::new();
        for uid in seen {
            let is_new_name = swaps.iter().any(|swap| swap.rename && swap.to == *uid);
            if !is_new_name && self.find(caller, uid).await?.is_none() {
                absent.push(format!("`{uid}`"));
            }
        }
        let failure = match &absent[..] {
            [] => self.swap(caller, &swaps).await?.err(),
            [one] => Some(ApiError::new(Code::IndexNotFound, format!("Index {one} not found."))),
            several => Some(ApiError::new(Code::IndexNotFound, format!("Indexes {} not found.", several.join(", ")))),
        };
        let swaps: Vec<_> = swaps.iter().map(|swap| json!({"indexes": [swap.from, swap.to], "rename": swap.rename})).collect();
        let task = new_task(caller, None, None, TaskKind::IndexSwap, json!({"swaps": swaps}));
        self.complete(&task, failure.as_ref()).await
    }

    async fn swap(&self, caller: &Identity, swaps: &[Swap]) -> Result<Result<(), ApiError>> {
        match self.0.metadata.indexes.swap(caller.tenant, swaps).await {
            Ok(()) => Ok(Ok(())),
            Err(onggi_metadata::Error::AlreadyExists(_)) => {
                let renamed: Vec<_> =
                    swaps.iter().filter(|swap| swap.rename).map(|swap| format!("`{}` to `{}`", swap.from, swap.to)).collect();
                let message = format!(
                    "Cannot rename {}: an index of the new name exists already; nothing was renamed. Delete it first, or swap the two \
                     without `rename`.",
                    renamed.join(", ")
                );
                Ok(Err(ApiError::new(Code::IndexAlreadyExists, message)))
            }
            Err(onggi_metadata::Error::NotFound(_)) => {
                Ok(Err(ApiError::new(Code::IndexNotFound, "One of the indexes was deleted meanwhile; nothing was swapped.")))
            }
            Err(error) => Err(Error::internal(error)),
        }
    }
}

/// The error for a name that is taken.
pub(crate) fn already_exists(uid: &IndexUid) -> ApiError {
    ApiError::new(Code::IndexAlreadyExists, format!("Index `{uid}` already exists."))
}
