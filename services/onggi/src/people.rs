//! `onggi operator`: who runs the platform, and links that sign somebody in who cannot otherwise. On the database itself.

use anyhow::{Context, bail};
use onggi_domain::{
    Timestamp,
    account::{Email, User},
    tenant::MemberRole,
};
use onggi_metadata::{Error, Metadata, hash_key};

use crate::{
    cli::OperatorCommand,
    config::{Config, random_secret},
    operator::open,
};

/// How long a link can be used.
const LINK_HOURS: i64 = 1;
/// How long the link of the demo can be used: as long as somebody tries it.
const DEMO_HOURS: i64 = 24;
/// Who the demo belongs to.
const DEMO_EMAIL: &str = "demo@localhost";

/// Runs `onggi operator ...`.
pub(crate) async fn operator(command: OperatorCommand, config: Config) -> anyhow::Result<()> {
    let public_url = config.portal.public_url.clone();
    match command {
        OperatorCommand::Add { email, data } => {
            let (metadata, _) = open(config, &data).await?;
            let user = ensure(&metadata, address(&email)?, "").await?;
            metadata.users.set_operator(user.id, true).await?;
            println!("{} is an operator", user.email);
            tell(&link(&metadata, &user, LINK_HOURS).await?, public_url.as_ref(), LINK_HOURS);
            Ok(())
        }
        OperatorCommand::Remove { email, data } => {
            let (metadata, _) = open(config, &data).await?;
            let user = find(&metadata, &email).await?;
            match metadata.users.set_operator(user.id, false).await {
                Err(Error::Conflict(_)) => bail!("{} is the only operator; name another one first", user.email),
                changed => changed?,
            }
            println!("{} is no operator any more", user.email);
            Ok(())
        }
        OperatorCommand::Link { email, data } => {
            let (metadata, _) = open(config, &data).await?;
            let user = find(&metadata, &email).await?;
            tell(&link(&metadata, &user, LINK_HOURS).await?, public_url.as_ref(), LINK_HOURS);
            Ok(())
        }
        OperatorCommand::List { data } => {
            let (metadata, _) = open(config, &data).await?;
            let mut from = 0;
            loop {
                let page = metadata.users.list(from, 1000).await?;
                for user in page.items.iter().filter(|user| user.operator) {
                    println!("{}", user.email);
                }
                from += page.items.len() as u64;
                if page.items.is_empty() || from >= page.total {
                    return Ok(());
                }
            }
        }
    }
}

/// Makes the account that owns the demo's tenant; returns the path that signs in to it.
pub(crate) async fn demo(metadata: &Metadata, tenant: onggi_domain::TenantId) -> anyhow::Result<String> {
    let user = ensure(metadata, address(DEMO_EMAIL)?, "Demo").await?;
    match metadata.members.add(tenant, user.id, MemberRole::Owner, Timestamp::now()).await {
        Ok(()) | Err(Error::AlreadyExists(_)) => {}
        Err(error) => return Err(error.into()),
    }
    metadata.users.set_operator(user.id, true).await?;
    link(metadata, &user, DEMO_HOURS).await
}

fn address(email: &str) -> anyhow::Result<Email> {
    email.parse().with_context(|| format!("{email} is not an address"))
}

async fn find(metadata: &Metadata, email: &str) -> anyhow::Result<User> {
    match metadata.users.by_email(&address(email)?).await {
        Ok(known) => Ok(known.user),
        Err(Error::NotFound(_)) => bail!("there is no account {email}"),
        Err(error) => Err(error.into()),
    }
}

async fn ensure(metadata: &Metadata, email: Email, name: &str) -> anyhow::Result<User> {
    match metadata.users.by_email(&email).await {
        Ok(known) => Ok(known.user),
        Err(Error::NotFound(_)) => {
            let user = User::new(email, name, Timestamp::now());
            metadata.users.create(&user, None).await?;
            Ok(user)
        }
        Err(error) => Err(error.into()),
    }
}

/// The path of a new link that signs somebody in once.
async fn link(metadata: &Metadata, user: &User, hours: i64) -> anyhow::Result<String> {
    let token = random_secret();
    let until = Timestamp::now() + jiff::SignedDuration::from_hours(hours);
    metadata.users.add_link(user.id, &hash_key(&token), until).await?;
    Ok(format!("/portal/enter/{token}"))
}

fn tell(path: &str, public_url: Option<&url::Url>, hours: i64) {
    let base = public_url.map_or_else(String::new, |url| url.as_str().trim_end_matches('/').to_owned());
    println!("  signs in once, within {hours} h: {base}{path}");
}
