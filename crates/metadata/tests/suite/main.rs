//! What every database must do, run on each: SQLite in a file of its own, and PostgreSQL, which the suite starts itself.

mod accounts;
mod indexes;
mod keys;
mod postgres;
mod searches;
mod sessions;
mod tasks;
mod tenants;
mod usage;
mod webhooks;

use onggi_domain::{IndexUid, TaskUid, Timestamp, container::Selection, index::Index, tenant::Tenant, tenant::TenantStatus};
use onggi_metadata::Metadata;

/// A new and empty database.
struct World {
    metadata: Metadata,
    /// The directory of an SQLite file, removed with the world.
    _directory: Option<tempfile::TempDir>,
}

impl World {
    async fn on_sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("metadata.db").display());
        Metadata::migrate(&url).await.unwrap();
        Self { metadata: Metadata::connect(&url).await.unwrap(), _directory: Some(directory) }
    }

    async fn on_postgres() -> Self {
        let url = postgres::new_database().await;
        Metadata::migrate(&url).await.unwrap();
        Self { metadata: Metadata::connect(&url).await.unwrap(), _directory: None }
    }

    /// A stored tenant.
    async fn tenant(&self, name: &str) -> Tenant {
        let tenant = new_tenant(name);
        self.metadata.tenants.create(&tenant).await.unwrap();
        tenant
    }

    /// A stored index, as it reads back.
    async fn index(&self, tenant: &Tenant, name: &str) -> Index {
        let index = new_index(tenant, name);
        self.metadata.indexes.create(&index).await.unwrap();
        self.metadata.indexes.get_by_id(index.id).await.unwrap()
    }
}

fn new_tenant(name: &str) -> Tenant {
    Tenant { id: onggi_domain::TenantId::generate(), name: name.to_owned(), status: TenantStatus::Active, plan: None, created_at: at(1) }
}

fn new_index(tenant: &Tenant, name: &str) -> Index {
    Index::new(tenant.id, uid(name), None, Selection::new("small"), at(1))
}

fn uid(name: &str) -> IndexUid {
    name.parse().unwrap()
}

/// A time, in seconds.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

/// Fails unless a result is this error about that thing.
macro_rules! assert_error {
    ($result:expr, $variant:ident $(($what:literal))?) => {
        match $result {
            Err(onggi_metadata::Error::$variant(what)) => {
                let _ = what;
                $(assert_eq!(what, $what);)?
            }
            other => panic!("expected {}, not {other:?}", stringify!($variant)),
        }
    };
}
pub(crate) use assert_error;

/// Each test once for each database.
macro_rules! on_each_database {
    ($($module:ident::$test:ident,)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")] async fn $test() { crate::$module::$test(crate::World::on_sqlite().await).await; })*
        }
        mod postgresql {
            $(#[tokio::test(flavor = "multi_thread")] async fn $test() { crate::$module::$test(crate::World::on_postgres().await).await; })*
        }
    };
}

on_each_database! {
    tenants::a_tenant_is_found_by_id_and_name,
    tenants::a_name_is_free_again_when_its_tenant_is_deleted,
    tenants::deleting_a_tenant_deletes_its_indexes_and_tells_so,
    tenants::nothing_is_created_in_a_deleted_tenant,
    tenants::a_deleted_tenant_is_purged_when_its_last_index_is,
    accounts::an_address_has_one_account,
    accounts::failures_are_counted_until_a_sign_in,
    accounts::an_identity_is_one_persons,
    accounts::a_link_signs_in_once,
    accounts::members_are_of_one_tenant,
    accounts::a_tenant_keeps_an_owner,
    accounts::a_platform_keeps_an_operator,
    sessions::a_session_is_found_by_its_token_until_it_is_over,
    sessions::sessions_are_listed_and_revoked,
    sessions::a_session_says_what_its_person_is_in_a_tenant,
    sessions::an_invitation_is_accepted_once,
    sessions::an_invitation_is_replaced_and_withdrawn,
    indexes::an_index_reads_back_as_it_was_created,
    indexes::a_uid_is_unique_among_the_living_indexes_of_a_tenant,
    indexes::an_index_of_another_tenant_does_not_exist,
    indexes::a_list_holds_what_matches_the_patterns_page_by_page,
    indexes::the_first_primary_key_holds,
    indexes::an_index_takes_another_name_unless_it_is_taken,
    indexes::a_swap_exchanges_all_pairs_or_none,
    indexes::swaps_of_the_same_indexes_at_once_all_take_effect,
    indexes::selecting_replicas_sends_to_sleep_and_wakes,
    indexes::only_changes_of_what_should_run_grow_the_revision,
    indexes::a_reader_of_revisions_misses_none_while_others_write,
    indexes::an_older_generation_is_not_recorded_over_a_newer_one,
    indexes::a_deleted_index_waits_for_its_purge,
    keys::a_key_is_found_by_its_secret_and_by_its_uid,
    keys::a_key_of_another_tenant_does_not_exist,
    keys::keys_are_listed_newest_first_without_the_root_key,
    keys::name_and_description_change_and_nothing_else,
    keys::a_key_remembers_when_it_was_used_to_the_minute,
    keys::a_deleted_key_is_unknown,
    keys::two_tenants_may_have_keys_of_one_uid,
    tasks::uids_are_contiguous_for_each_tenant_when_many_allocate_at_once,
    tasks::a_task_that_needs_no_log_is_at_its_end_at_once,
    tasks::a_task_of_another_tenant_does_not_exist,
    tasks::a_task_goes_from_enqueued_over_processing_to_its_end,
    tasks::a_task_without_an_entry_is_found_and_abandoned,
    tasks::settling_twice_changes_nothing,
    tasks::settling_restores_a_lost_task_and_its_uid_is_not_given_again,
    tasks::settling_keeps_what_was_known_when_the_task_was_accepted,
    tasks::a_dump_is_finished_without_an_outcome,
    tasks::all_unfinished_tasks_of_an_index_are_canceled,
    tasks::a_list_is_filtered_by_each_field,
    tasks::a_list_is_paged_in_both_directions,
    tasks::a_caller_sees_the_tasks_of_the_indexes_that_its_key_allows,
    tasks::only_finished_tasks_are_deleted,
    tasks::what_a_caller_gave_along_is_kept,
    tasks::batches_are_listed_by_the_tasks_in_them,
    tasks::a_cancelation_over_two_indexes_ends_with_the_later_one,
    tasks::the_oldest_finished_tasks_are_trimmed,
    tasks::the_tasks_of_a_log_are_restored_to_an_older_database,
    tasks::the_backlog_is_what_is_under_way,
    usage::a_run_is_counted_once_however_often_it_is_told,
    usage::a_pause_of_who_counts_is_made_good_and_what_is_settled_stays,
    usage::hours_are_told_apart_by_index_size_and_role,
    usage::storage_is_noted_where_it_changes,
    usage::what_a_tenant_holds_is_what_its_living_indexes_hold,
    usage::a_tenant_has_the_plan_that_it_was_given,
    usage::what_is_selected_is_checked_together_with_the_other_indexes,
    usage::indexes_that_are_created_at_once_keep_the_quota_together,
    usage::an_alert_is_passed_once_a_month_and_told_until_it_is_heard,
    keys::an_identity_provider_is_set_replaced_and_removed,
    searches::a_batch_counts_once_however_often_it_is_told,
    searches::batches_that_are_added_at_once_are_all_counted,
    searches::queries_are_listed_by_number_failures_and_time_and_the_rare_ones_forgotten,
    webhooks::a_webhook_is_stored_changed_and_deleted,
    webhooks::a_webhook_of_another_tenant_does_not_exist,
    webhooks::a_tenant_has_a_bounded_number_of_webhooks,
    webhooks::every_end_of_a_task_is_noted_for_each_webhook_of_its_tenant,
    webhooks::what_was_delivered_is_forgotten_and_what_failed_waits,
    webhooks::only_webhooks_with_something_to_be_told_are_due,
}

#[tokio::test]
async fn a_second_migration_has_nothing_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}", directory.path().join("metadata.db").display());
    for url in [sqlite, postgres::new_database().await] {
        assert!(Metadata::migrate(&url).await.unwrap() > 0);
        assert_eq!(Metadata::migrate(&url).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_version_that_is_gone_back_to_takes_a_database_that_a_newer_one_has_migrated() {
    let url = postgres::new_database().await;
    Metadata::migrate(&url).await.unwrap();
    postgres::execute(
        &url,
        "ALTER TABLE indexes ADD COLUMN of_the_future TEXT;
         INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'newer', TRUE, ''::bytea, 1)",
    )
    .await;
    assert_eq!(Metadata::migrate(&url).await.unwrap(), 0);
    let metadata = Metadata::connect(&url).await.unwrap();
    let tenant = new_tenant("acme");
    metadata.tenants.create(&tenant).await.unwrap();
    metadata.indexes.create(&new_index(&tenant, "movies")).await.unwrap();
    assert_eq!(metadata.indexes.get(tenant.id, &uid("movies")).await.unwrap().uid, uid("movies"));
}

#[tokio::test]
async fn what_postgresql_ends_to_resolve_a_deadlock_is_begun_again() {
    let url = &postgres::new_database().await;
    Metadata::migrate(url).await.unwrap();
    let metadata = Metadata::connect(url).await.unwrap();
    let tenant = new_tenant("acme");
    metadata.tenants.create(&tenant).await.unwrap();
    let index = new_index(&tenant, "movies");
    metadata.indexes.create(&index).await.unwrap();

    let upload = tasks::upload(&index, 1);
    let task = postgres::in_a_deadlock(url, ["tasks", "tenants"], metadata.tasks.allocate(&upload)).await.unwrap();
    assert_eq!(task.uid, TaskUid(0), "a transaction that was ended gives its uid back");

    let key = keys::new_key(tenant.id, 1);
    postgres::in_a_deadlock(url, ["tenants", "keys"], metadata.keys.create(&key, "hash")).await.unwrap();

    let purged = postgres::in_a_deadlock(url, ["indexes", "tenants"], metadata.tenants.purge(tenant.id)).await.unwrap();
    assert!(!purged, "the tenant lives");
}

#[tokio::test]
async fn a_database_in_memory_can_be_used_at_once() {
    let metadata = Metadata::connect("sqlite::memory:").await.unwrap();
    metadata.tenants.create(&new_tenant("acme")).await.unwrap();
    assert_eq!(metadata.clone().tenants.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_address_of_another_database_is_refused_with_those_that_are_known() {
    let error = Metadata::connect("mysql://localhost/onggi").await.err().expect("an error").to_string();
    assert!(error.contains("sqlite:") && error.contains("postgres://"), "{error}");
}
