//! `onggi tenant` and `onggi key`: what the operator does, on the database itself.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, bail};
use onggi_domain::{
    KeyId, Timestamp,
    key::{Action, IndexPattern, Key},
    tenant::TenantStatus,
};
use onggi_metadata::{Error, KeySecrets, Metadata, hash_key};

use crate::{
    cli::{DataArgs, KeyCommand, TenantCommand},
    config::Config,
};

pub(crate) async fn open(config: Config, data: &DataArgs) -> anyhow::Result<(Metadata, KeySecrets)> {
    let config = crate::with_data(config, data);
    std::fs::create_dir_all(&config.data).with_context(|| format!("cannot make {}", config.data.display()))?;
    let secrets = KeySecrets::new(config.server_secret()?);
    let url = config.database_url();
    Metadata::migrate(&url).await?;
    Ok((Metadata::connect(&url).await?, secrets))
}

/// Runs `onggi tenant ...`.
pub(crate) async fn tenant(command: TenantCommand, config: Config) -> anyhow::Result<()> {
    match command {
        TenantCommand::Create { name, plan, data } => {
            if let Some(plan) = &plan {
                config.plans.get(plan)?;
            }
            let (metadata, secrets) = open(config, &data).await?;
            let created = onggi_admin::operator::create_tenant(&metadata, &secrets, &name).await.map_err(|error| explain(error, &name))?;
            if let Some(plan) = &plan {
                metadata.tenants.set_plan(created.tenant.id, Some(plan)).await?;
            }
            println!("tenant {name} is there; keep its keys, the root key is shown only now");
            println!("  root key    {}", created.root_key);
            println!("  search key  {}", created.search_key);
            println!("  admin key   {}", created.admin_key);
            Ok(())
        }
        TenantCommand::Plan { name, plan, data } => {
            config.plans.get(&plan)?;
            let (metadata, _) = open(config, &data).await?;
            onggi_admin::operator::set_plan(&metadata, &name, Some(&plan)).await.map_err(|error| explain(error, &name))?;
            println!("tenant {name} has the plan {plan}");
            Ok(())
        }
        TenantCommand::List { data } => {
            let plans = config.plans.clone();
            let (metadata, _) = open(config, &data).await?;
            println!("{:<30} {:<10} {:<10} {:>8}  created", "tenant", "status", "plan", "indexes");
            for tenant in metadata.tenants.list().await? {
                let indexes = metadata.indexes.count(tenant.id).await?;
                let status = if tenant.status == TenantStatus::Suspended { "suspended" } else { "active" };
                let plan = &plans.of(tenant.plan.as_deref()).name;
                println!("{:<30} {status:<10} {plan:<10} {indexes:>8}  {}", tenant.name, tenant.created_at);
            }
            Ok(())
        }
        TenantCommand::Suspend { name, resume, data } => {
            let status = if resume { TenantStatus::Active } else { TenantStatus::Suspended };
            set_status(config, &data, &name, status).await?;
            println!("tenant {name} is {}", if resume { "served again" } else { "suspended: every request is refused, its data stays" });
            Ok(())
        }
        TenantCommand::Delete { name, yes, data } => {
            if !yes && !confirmed(&format!("delete tenant {name} with all its indexes? type its name"), &name)? {
                bail!("nothing was deleted");
            }
            set_status(config, &data, &name, TenantStatus::Deleted).await?;
            println!("tenant {name} is deleted; its containers and objects go within minutes while `onggi up` runs");
            Ok(())
        }
    }
}

async fn set_status(config: Config, data: &DataArgs, name: &str, status: TenantStatus) -> anyhow::Result<()> {
    let (metadata, _) = open(config, data).await?;
    let tenant = metadata.tenants.by_name(name).await.map_err(|error| explain(error, name))?;
    metadata.tenants.set_status(tenant.id, status).await?;
    Ok(())
}

pub(crate) fn explain(error: Error, name: &str) -> anyhow::Error {
    match error {
        Error::NotFound(_) => anyhow::anyhow!("there is no tenant {name}: `onggi tenant list` shows those there are"),
        Error::AlreadyExists(_) => anyhow::anyhow!("there is a tenant {name} already"),
        other => other.into(),
    }
}

fn confirmed(question: &str, answer: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("give --yes to do this without a terminal");
    }
    print!("{question}: ");
    std::io::stdout().flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim() == answer)
}

/// Runs `onggi key ...`.
pub(crate) async fn key(command: KeyCommand, config: Config) -> anyhow::Result<()> {
    match command {
        KeyCommand::Create { tenant, name, actions, indexes, expires_at, data } => {
            let (metadata, secrets) = open(config, &data).await?;
            let tenant = metadata.tenants.by_name(&tenant).await.map_err(|error| explain(error, &tenant))?;
            let now = Timestamp::now();
            let key = Key {
                uid: KeyId(uuid::Uuid::new_v4()),
                tenant: tenant.id,
                name,
                description: None,
                actions: actions.iter().map(|action| Action::from_name(action)).collect::<Result<_, _>>()?,
                indexes: indexes.into_iter().map(IndexPattern::try_from).collect::<Result<_, _>>()?,
                expires_at: expires_at
                    .map(|time| time.parse().with_context(|| format!("{time} is not a time like 2030-01-31T00:00:00Z")))
                    .transpose()?,
                salted: true,
                root: false,
                created_at: now,
                updated_at: now,
            };
            let secret = secrets.of(&key);
            metadata.keys.create(&key, &hash_key(&secret)).await?;
            println!("  uid  {}", key.uid);
            println!("  key  {secret}");
            Ok(())
        }
        KeyCommand::List { tenant, data } => {
            let (metadata, _) = open(config, &data).await?;
            let tenant = metadata.tenants.by_name(&tenant).await.map_err(|error| explain(error, &tenant))?;
            println!("{:<36}  {:<30} {:<20} actions", "uid", "name", "indexes");
            for key in metadata.keys.list(tenant.id, 0, 1000).await?.items {
                let indexes: Vec<&str> = key.indexes.iter().map(IndexPattern::as_str).collect();
                let actions: Vec<&str> = key.actions.iter().map(|action| action.as_str()).collect();
                println!("{:<36}  {:<30} {:<20} {}", key.uid, key.name.unwrap_or_default(), indexes.join(","), actions.join(","));
            }
            Ok(())
        }
        KeyCommand::Revoke { tenant, uid, data } => {
            let (metadata, _) = open(config, &data).await?;
            let tenant = metadata.tenants.by_name(&tenant).await.map_err(|error| explain(error, &tenant))?;
            let uid: KeyId = uid.parse().with_context(|| format!("{uid} is not the uid of a key: `onggi key list` shows them"))?;
            match metadata.keys.delete(tenant.id, uid).await {
                Ok(()) => println!("key {uid} is revoked"),
                Err(Error::NotFound(_)) => bail!("tenant {} has no key {uid}", tenant.name),
                Err(error) => return Err(error.into()),
            }
            Ok(())
        }
    }
}
