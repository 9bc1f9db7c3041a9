//! Accounts and members.

use onggi_domain::{
    TenantId, UserId,
    account::{Email, User},
    tenant::{MemberRole, TenantStatus},
};

use crate::{World, assert_error, at};

pub(crate) fn email(name: &str) -> Email {
    format!("{name}@acme.test").parse().unwrap()
}

impl World {
    /// A stored account.
    pub(crate) async fn user(&self, name: &str) -> User {
        let user = User::new(email(name), name, at(1));
        self.metadata.users.create(&user, None).await.unwrap();
        user
    }
}

pub(crate) async fn an_address_has_one_account(world: World) {
    let users = &world.metadata.users;
    let kim = User::new(email("kim"), "Kim", at(1));
    users.create(&kim, Some("hash 1")).await.unwrap();
    assert_error!(users.create(&User::new(email("kim"), "Other", at(2)), None).await, AlreadyExists("user"));
    assert_eq!(users.get(kim.id).await.unwrap(), kim);
    let known = users.by_email(&email("kim")).await.unwrap();
    assert_eq!((known.user, known.password_hash.as_deref(), known.failures, known.locked_until), (kim.clone(), Some("hash 1"), 0, None));
    assert_error!(users.by_email(&email("lee")).await, NotFound("user"));
    assert_error!(users.get(UserId::generate()).await, NotFound("user"));

    users.set_name(kim.id, "Kim M.").await.unwrap();
    users.set_operator(kim.id, true).await.unwrap();
    users.set_password(kim.id, "hash 2").await.unwrap();
    let lee = world.user("a-lee").await;
    let page = users.list(0, 1).await.unwrap();
    assert_eq!((page.items, page.total), (vec![lee], 2), "by address");
    let known = users.credentials(kim.id).await.unwrap();
    assert_eq!((known.user.name.as_str(), known.user.operator, known.password_hash.as_deref()), ("Kim M.", true, Some("hash 2")));
    assert_error!(users.set_operator(UserId::generate(), true).await, NotFound("user"));
}

pub(crate) async fn failures_are_counted_until_a_sign_in(world: World) {
    let users = &world.metadata.users;
    let kim = world.user("kim").await;
    assert_eq!(users.count_failure(kim.id).await.unwrap(), 1);
    assert_eq!(users.count_failure(kim.id).await.unwrap(), 2);
    users.lock(kim.id, at(60)).await.unwrap();
    let known = users.credentials(kim.id).await.unwrap();
    assert_eq!((known.failures, known.locked_until), (2, Some(at(60))));
    users.signed_in(kim.id, at(5)).await.unwrap();
    let known = users.credentials(kim.id).await.unwrap();
    assert_eq!((known.failures, known.locked_until, known.user.signed_in_at), (0, None, Some(at(5))));
    assert_error!(users.count_failure(UserId::generate()).await, NotFound("user"));
}

pub(crate) async fn an_identity_is_one_persons(world: World) {
    let users = &world.metadata.users;
    let (kim, lee) = (world.user("kim").await, world.user("lee").await);
    assert_error!(users.by_identity("https://id.test", "1").await, NotFound("user"));
    users.add_identity(kim.id, "https://id.test", "1", at(2)).await.unwrap();
    assert_error!(users.add_identity(lee.id, "https://id.test", "1", at(2)).await, AlreadyExists("identity"));
    users.add_identity(lee.id, "https://other.test", "1", at(2)).await.unwrap();
    assert_eq!(users.by_identity("https://id.test", "1").await.unwrap().id, kim.id);
    assert_eq!(users.by_identity("https://other.test", "1").await.unwrap().id, lee.id);
    assert_eq!(users.identities(kim.id).await.unwrap(), ["https://id.test"]);
    assert_error!(users.add_identity(UserId::generate(), "https://id.test", "2", at(2)).await, NotFound("user"));
}

pub(crate) async fn a_link_signs_in_once(world: World) {
    let users = &world.metadata.users;
    let kim = world.user("kim").await;
    users.add_link(kim.id, "hash", at(60)).await.unwrap();
    assert_eq!(users.by_link("hash", at(59)).await.unwrap().id, kim.id);
    assert_error!(users.by_link("hash", at(60)).await, NotFound("link"));
    assert_error!(users.take_link("hash", at(60)).await, NotFound("link"));
    assert_eq!(users.take_link("hash", at(59)).await.unwrap().id, kim.id);
    assert_error!(users.take_link("hash", at(59)).await, NotFound("link"));
    assert_error!(users.add_link(UserId::generate(), "other", at(60)).await, NotFound("user"));
}

pub(crate) async fn members_are_of_one_tenant(world: World) {
    let members = &world.metadata.members;
    let (acme, other) = (world.tenant("acme").await, world.tenant("other").await);
    let (kim, lee) = (world.user("kim").await, world.user("a-lee").await);
    members.add(acme.id, kim.id, MemberRole::Owner, at(2)).await.unwrap();
    members.add(acme.id, lee.id, MemberRole::Viewer, at(3)).await.unwrap();
    members.add(other.id, kim.id, MemberRole::Viewer, at(4)).await.unwrap();
    assert_error!(members.add(acme.id, kim.id, MemberRole::Viewer, at(5)).await, AlreadyExists("member"));
    assert_error!(members.add(TenantId::generate(), kim.id, MemberRole::Viewer, at(5)).await, NotFound("tenant"));

    let listed = members.list(acme.id).await.unwrap();
    assert_eq!(
        listed.iter().map(|member| (member.user.id, member.role, member.created_at)).collect::<Vec<_>>(),
        [(lee.id, MemberRole::Viewer, at(3)), (kim.id, MemberRole::Owner, at(2)),]
    );
    assert_eq!(members.of_user(kim.id).await.unwrap(), [(acme.clone(), MemberRole::Owner), (other.clone(), MemberRole::Viewer)]);
    world.metadata.tenants.set_status(acme.id, TenantStatus::Deleted).await.unwrap();
    assert_eq!(members.of_user(kim.id).await.unwrap(), [(other, MemberRole::Viewer)]);
}

pub(crate) async fn a_tenant_keeps_an_owner(world: World) {
    let members = &world.metadata.members;
    let acme = world.tenant("acme").await;
    let (kim, lee) = (world.user("kim").await, world.user("lee").await);
    members.add(acme.id, kim.id, MemberRole::Owner, at(2)).await.unwrap();
    members.add(acme.id, lee.id, MemberRole::Developer, at(2)).await.unwrap();
    assert_error!(members.remove(acme.id, kim.id).await, Conflict("number of owners"));
    assert_error!(members.set_role(acme.id, kim.id, MemberRole::Viewer).await, Conflict("number of owners"));
    members.set_role(acme.id, lee.id, MemberRole::Owner).await.unwrap();
    // Of two owners that let each other go at once, one stays.
    let (one, two) = tokio::join!(members.remove(acme.id, kim.id), members.remove(acme.id, lee.id));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    let left = members.list(acme.id).await.unwrap();
    assert_eq!(left.iter().map(|member| member.role).collect::<Vec<_>>(), [MemberRole::Owner]);
    let gone = if left[0].user.id == kim.id { lee.id } else { kim.id };
    assert_error!(members.remove(acme.id, gone).await, NotFound("member"));
    assert_error!(members.set_role(acme.id, gone, MemberRole::Owner).await, NotFound("member"));
}

pub(crate) async fn a_platform_keeps_an_operator(world: World) {
    let users = &world.metadata.users;
    let (kim, lee) = (world.user("kim").await, world.user("lee").await);
    users.set_operator(kim.id, true).await.unwrap();
    assert_error!(users.set_operator(kim.id, false).await, Conflict("number of operators"));
    users.set_operator(lee.id, false).await.unwrap();
    users.set_operator(lee.id, true).await.unwrap();
    // Of two operators that let each other go at once, one stays.
    let (one, two) = tokio::join!(users.set_operator(kim.id, false), users.set_operator(lee.id, false));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    let operators = users.list(0, 10).await.unwrap().items.into_iter().filter(|user| user.operator).count();
    assert_eq!(operators, 1);
    assert_error!(users.set_operator(UserId::generate(), false).await, NotFound("user"));
}
