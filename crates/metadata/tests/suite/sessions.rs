//! Sessions and invitations.

use onggi_domain::{
    InvitationId, SessionId, Timestamp, UserId,
    account::{Invitation, Session},
    tenant::{MemberRole, Standing, TenantStatus},
};

use crate::{World, accounts::email, assert_error, at};

/// A session that ends at 100.
fn session(user: UserId, seen_at: Timestamp) -> Session {
    let id = SessionId::generate();
    Session { id, user, created_at: at(1), seen_at, expires_at: at(100), user_agent: "browser".to_owned(), address: "192.0.2.1".to_owned() }
}

pub(crate) async fn a_session_is_found_by_its_token_until_it_is_over(world: World) {
    let sessions = &world.metadata.sessions;
    let kim = world.user("kim").await;
    let stored = session(kim.id, at(10));
    sessions.create(&stored, "hash").await.unwrap();
    assert_error!(sessions.create(&session(UserId::generate(), at(1)), "other").await, NotFound("user"));
    assert_error!(sessions.create(&session(kim.id, at(1)), "hash").await, AlreadyExists("session"));
    assert_eq!(sessions.find("hash", at(99), at(9)).await.unwrap(), (stored.clone(), kim.clone()));
    assert_error!(sessions.find("hash", at(100), at(9)).await, NotFound("session"));
    assert_error!(sessions.find("hash", at(99), at(10)).await, NotFound("session"));
    assert_error!(sessions.find("other", at(99), at(9)).await, NotFound("session"));
    sessions.touch(stored.id, at(50)).await.unwrap();
    sessions.touch(stored.id, at(40)).await.unwrap();
    assert_eq!(sessions.find("hash", at(99), at(49)).await.unwrap().0.seen_at, at(50));
    assert_eq!(sessions.trim(at(99), at(49)).await.unwrap(), 0);
    assert_eq!(sessions.trim(at(99), at(50)).await.unwrap(), 1);
}

pub(crate) async fn sessions_are_listed_and_revoked(world: World) {
    let sessions = &world.metadata.sessions;
    let (kim, lee) = (world.user("kim").await, world.user("lee").await);
    let (older, newer, theirs) = (session(kim.id, at(10)), session(kim.id, at(20)), session(lee.id, at(10)));
    for (hash, session) in [("a", &older), ("b", &newer), ("c", &theirs)] {
        sessions.create(session, hash).await.unwrap();
    }
    assert_eq!(sessions.list(kim.id, at(50), at(5)).await.unwrap(), [newer.clone(), older.clone()]);
    assert_eq!(sessions.list(kim.id, at(50), at(10)).await.unwrap(), std::slice::from_ref(&newer));
    assert_error!(sessions.revoke(kim.id, theirs.id).await, NotFound("session"));
    sessions.revoke(kim.id, older.id).await.unwrap();
    assert_error!(sessions.find("a", at(50), at(5)).await, NotFound("session"));
    sessions.create(&session(kim.id, at(10)), "d").await.unwrap();
    assert_eq!(sessions.revoke_others(kim.id, Some(newer.id)).await.unwrap(), 1);
    assert_eq!(sessions.list(kim.id, at(50), at(5)).await.unwrap(), [newer]);
    assert_eq!(sessions.revoke_others(kim.id, None).await.unwrap(), 1);
    assert!(sessions.find("c", at(50), at(5)).await.is_ok());
}

pub(crate) async fn a_session_says_what_its_person_is_in_a_tenant(world: World) {
    let (sessions, members) = (&world.metadata.sessions, &world.metadata.members);
    let (acme, other) = (world.tenant("acme").await, world.tenant("other").await);
    let kim = world.user("kim").await;
    let stored = session(kim.id, at(10));
    sessions.create(&stored, "hash").await.unwrap();
    members.add(acme.id, kim.id, MemberRole::Developer, at(2)).await.unwrap();
    let found = sessions.member("hash", acme.id, at(50), at(5)).await.unwrap();
    assert_eq!(found, (stored, MemberRole::Developer, Standing { status: TenantStatus::Active, plan: acme.plan.clone() }));
    assert_error!(sessions.member("hash", other.id, at(50), at(5)).await, NotFound("member"));
    assert_error!(sessions.member("other", acme.id, at(50), at(5)).await, NotFound("session"));
    world.metadata.tenants.set_status(acme.id, TenantStatus::Suspended).await.unwrap();
    assert_eq!(sessions.member("hash", acme.id, at(50), at(5)).await.unwrap().2.status, TenantStatus::Suspended);
    world.metadata.tenants.set_status(acme.id, TenantStatus::Deleted).await.unwrap();
    assert_error!(sessions.member("hash", acme.id, at(50), at(5)).await, NotFound("member"));
}

impl World {
    async fn invitation(&self, role: MemberRole) -> Invitation {
        let tenant = self.metadata.tenants.by_name("acme").await.unwrap().id;
        let invited_by = self.user(&format!("owner-{}", UserId::generate())).await.id;
        Invitation { id: InvitationId::generate(), tenant, email: email("kim"), role, invited_by, created_at: at(1), expires_at: at(60) }
    }
}

pub(crate) async fn an_invitation_is_accepted_once(world: World) {
    let invitations = &world.metadata.invitations;
    let acme = world.tenant("acme").await;
    let kim = world.user("kim").await;
    let invitation = world.invitation(MemberRole::Developer).await;
    invitations.create(&invitation, "hash").await.unwrap();
    assert_eq!(invitations.find("hash", at(59)).await.unwrap(), invitation);
    assert_error!(invitations.find("hash", at(60)).await, NotFound("invitation"));
    assert_error!(invitations.accept("hash", kim.id, at(60)).await, NotFound("invitation"));
    assert_eq!(invitations.accept("hash", kim.id, at(59)).await.unwrap(), invitation);
    assert_error!(invitations.accept("hash", kim.id, at(59)).await, NotFound("invitation"));
    assert_eq!(world.metadata.members.of_user(kim.id).await.unwrap(), [(acme.clone(), MemberRole::Developer)]);

    // A member keeps the higher of two roles.
    for (role, after) in [(MemberRole::Viewer, MemberRole::Developer), (MemberRole::Owner, MemberRole::Owner)] {
        invitations.create(&world.invitation(role).await, "again").await.unwrap();
        invitations.accept("again", kim.id, at(2)).await.unwrap();
        assert_eq!(world.metadata.members.of_user(kim.id).await.unwrap(), [(acme.clone(), after)]);
    }
}

pub(crate) async fn an_invitation_is_replaced_and_withdrawn(world: World) {
    let invitations = &world.metadata.invitations;
    let (acme, other) = (world.tenant("acme").await, world.tenant("other").await);
    let (first, second) = (world.invitation(MemberRole::Viewer).await, world.invitation(MemberRole::Owner).await);
    invitations.create(&first, "first").await.unwrap();
    invitations.create(&second, "second").await.unwrap();
    assert_error!(invitations.find("first", at(2)).await, NotFound("invitation"));
    assert_eq!(world.metadata.sessions.trim(at(59), at(1)).await.unwrap(), 0);
    assert_eq!(invitations.list(acme.id, at(2)).await.unwrap(), std::slice::from_ref(&second));
    assert!(invitations.list(acme.id, at(60)).await.unwrap().is_empty());
    assert_error!(invitations.revoke(other.id, second.id).await, NotFound("invitation"));
    invitations.revoke(acme.id, second.id).await.unwrap();
    assert_error!(invitations.find("second", at(2)).await, NotFound("invitation"));

    // One whose time is over is forgotten with the sessions.
    invitations.create(&world.invitation(MemberRole::Viewer).await, "third").await.unwrap();
    world.metadata.sessions.trim(at(60), at(1)).await.unwrap();
    assert!(invitations.list(acme.id, at(2)).await.unwrap().is_empty());
}
