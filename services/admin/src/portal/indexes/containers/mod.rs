//! `/portal/t/{tenant}/i/{uid}/containers`: what runs for an index, live; what is selected and what that costs; what happened.

mod cards;
mod choice;
mod happened;
mod price;

use std::sync::Arc;

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{Method, StatusCode};
use onggi_domain::{
    Code,
    container::{Container, ContainerStatus, IndexPhase, Role, Selection},
    index::Index,
};
use serde::Deserialize;
use serde_json::{Value, json};

use self::{
    cards::{Card, Missing, Pulse, missing},
    choice::Choice,
    happened::{Decision, Event, happened},
    price::{Offers, Price},
};
use super::{IndexPlace, index};
use crate::portal::{
    Portal,
    failure::{Failure, Result},
    live,
    page::{Page, Section, html, piece},
    visit::{Member, done},
};

/// The tab's name in paths.
pub(super) const TAB: &str = "containers";

pub(crate) fn router() -> Router<Portal> {
    Router::new()
        .route("/portal/t/{tenant}/i/{uid}/containers", get(show).post(change))
        .route("/portal/t/{tenant}/i/{uid}/containers/events", get(events))
        .route("/portal/t/{tenant}/i/{uid}/wake", post(wake))
        .route("/portal/t/{tenant}/i/{uid}/sleep", post(sleep))
}

/// What the API says of an index's containers.
#[derive(Deserialize)]
struct Seen {
    phase: IndexPhase,
    containers: Vec<Container>,
    /// Searchers that should run.
    wanted: Option<u32>,
    #[serde(default)]
    decisions: Vec<Decision>,
    /// Of what is selected.
    price: Option<Price>,
}

/// What the page shows of it.
struct View {
    phase: IndexPhase,
    /// Whether the controller could be asked.
    reachable: bool,
    cards: Vec<Card>,
    missing: Vec<Missing>,
    ready: usize,
    wanted: u32,
    price: Option<Price>,
    events: Vec<Event>,
}

impl View {
    fn phase_text(&self) -> &'static str {
        match self.phase {
            _ if !self.reachable => "containers.unreachable",
            IndexPhase::Asleep => "overview.asleep",
            IndexPhase::Waking => "overview.waking",
            IndexPhase::Awake => "overview.awake",
        }
    }

    fn tone(&self) -> &'static str {
        match self.phase {
            _ if !self.reachable => "warn",
            IndexPhase::Asleep => "calm",
            IndexPhase::Waking => "info",
            IndexPhase::Awake => "good",
        }
    }

    fn is_asleep(&self) -> bool {
        self.phase == IndexPhase::Asleep
    }
}

#[derive(Template)]
#[template(path = "containers.html")]
struct ContainersPage {
    page: Page,
    index: IndexPlace,
    view: View,
    choice: Choice,
    offers: Offers,
    /// Whether a range can be selected.
    ranged: bool,
    /// Seconds of each unit of the idle time, its text, and whether it is chosen.
    units: [(u32, &'static str, bool); 4],
    wrong: Option<String>,
}

#[derive(Template)]
#[template(path = "containers_state.html")]
struct StatePiece<'a> {
    page: &'a Page,
    index: &'a IndexPlace,
    view: &'a View,
}

#[derive(Template)]
#[template(path = "containers_cards.html")]
struct Cards<'a> {
    page: &'a Page,
    view: &'a View,
}

#[derive(Template)]
#[template(path = "containers_happened.html")]
struct Happened<'a> {
    page: &'a Page,
    view: &'a View,
}

async fn show(State(portal): State<Portal>, member: Member, Path((_, uid)): Path<(String, String)>) -> Result<Response> {
    render(&portal, &member, &uid, None, None).await
}

/// The page; with a choice that was refused, and why.
async fn render(portal: &Portal, member: &Member, uid: &str, refused: Option<Choice>, wrong: Option<String>) -> Result<Response> {
    let place = IndexPlace::of(portal, member, uid, TAB).await?;
    let index = index(portal, member, uid).await?;
    let page = Page::tenant(member, Section::Overview);
    let (selection, view) = look(portal, member, &page, &index, &Pulse::default()).await?;
    let offers = portal.get(member, "/plan").await.ok().as_ref().and_then(Offers::of_plan);
    let choice = refused.unwrap_or_else(|| Choice::of(&selection));
    let texts = ["containers.seconds", "containers.minutes", "containers.hours", "containers.days"];
    let units = std::array::from_fn(|at| (Choice::UNITS[at], texts[at], Choice::UNITS[at].to_string() == choice.unit));
    html(&ContainersPage {
        ranged: selection.get("autoscale").is_some(),
        offers: offers.unwrap_or_else(|| Offers::of_sizes(&portal.admin.0.sizes, Selection::MAX_REPLICAS)),
        choice,
        units,
        index: place,
        view,
        page,
        wrong,
    })
}

/// What is selected, in the shape of the API, and what is seen of it. When the controller cannot be asked, the page still shows what is selected.
async fn look(portal: &Portal, member: &Member, page: &Page, index: &Index, pulse: &Pulse) -> Result<(Value, View)> {
    let (selection, seen, reachable) = match portal.get(member, &format!("/indexes/{}/containers", index.uid)).await {
        Ok(answer) => {
            let seen: Seen = serde_json::from_value(answer.clone()).map_err(Failure::internal)?;
            (answer, seen, true)
        }
        Err(Failure::Api(error)) if error.code == Code::Unavailable => {
            let phase = if index.awake { IndexPhase::Awake } else { IndexPhase::Asleep };
            let seen = Seen { phase, containers: Vec::new(), wanted: None, decisions: Vec::new(), price: None };
            (serde_json::to_value(&index.selection).map_err(Failure::internal)?, seen, false)
        }
        Err(other) => return Err(other),
    };
    let tasks = portal.get(member, &format!("/tasks?limit=20&indexUids={}", index.uid)).await.unwrap_or(Value::Null);
    let wanted = seen.wanted.unwrap_or_else(|| index.replicas_wanted());
    let running = |container: &&Container| container.role == Role::Searcher && container.status == ContainerStatus::Running;
    let view = View {
        ready: seen.containers.iter().filter(running).count(),
        missing: if reachable { missing(seen.phase, wanted, &seen.containers) } else { Vec::new() },
        cards: pulse.cards(seen.containers, portal.admin.0.sizes.get(&index.selection.size).ok()),
        events: happened(page, &seen.decisions, &tasks),
        phase: seen.phase,
        price: seen.price,
        reachable,
        wanted,
    };
    Ok((selection, view))
}

async fn events(State(portal): State<Portal>, member: Member, Path((_, uid)): Path<(String, String)>) -> Result<Response> {
    index(&portal, &member, &uid).await?;
    let (ours, pulse) = (portal.clone(), Arc::new(Pulse::default()));
    live::changes(&portal, member.user.id, move || {
        let (portal, member, uid, pulse) = (ours.clone(), member.clone(), uid.clone(), pulse.clone());
        async move {
            let place = IndexPlace::of(&portal, &member, &uid, TAB).await?;
            let index = index(&portal, &member, &uid).await?;
            let page = Page::tenant(&member, Section::Overview);
            let (_, view) = look(&portal, &member, &page, &index, &pulse).await?;
            Ok(vec![
                ("state".to_owned(), piece(&StatePiece { page: &page, index: &place, view: &view })?),
                ("cards".to_owned(), piece(&Cards { page: &page, view: &view })?),
                ("happened".to_owned(), piece(&Happened { page: &page, view: &view })?),
            ])
        }
    })
}

async fn change(
    State(portal): State<Portal>,
    member: Member,
    Path((_, uid)): Path<(String, String)>,
    Form(choice): Form<Choice>,
) -> Result<Response> {
    let index = index(&portal, &member, &uid).await?;
    let refused = match choice.patch() {
        Ok(patch) => match portal.call(&member, Method::PATCH, &format!("/indexes/{}/containers", index.uid), Some(&patch)).await {
            Ok(_) => return Ok(done(&member.href(&format!("/i/{}/{TAB}", index.uid)), "containers.notice_saved")),
            Err(Failure::Api(error)) if error.code.status() < 500 => error.message,
            Err(other) => return Err(other),
        },
        Err(text) => member.visit.language.text(text).to_owned(),
    };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&portal, &member, &uid, Some(choice), Some(refused)).await?).into_response())
}

async fn wake(State(portal): State<Portal>, member: Member, Path((_, uid)): Path<(String, String)>) -> Result<Response> {
    told(&portal, &member, &uid, "wake", "containers.notice_woken").await
}

async fn sleep(State(portal): State<Portal>, member: Member, Path((_, uid)): Path<(String, String)>) -> Result<Response> {
    told(&portal, &member, &uid, "sleep", "containers.notice_asleep").await
}

/// Wakes the index or sends it to sleep.
async fn told(portal: &Portal, member: &Member, uid: &str, what: &str, notice: &'static str) -> Result<Response> {
    let index = index(portal, member, uid).await?;
    match portal.call(member, Method::POST, &format!("/indexes/{}/{what}", index.uid), Some(&json!({}))).await {
        Ok(_) => Ok(done(&member.href(&format!("/i/{}/{TAB}", index.uid)), notice)),
        // That it did not wake in time is no reason to leave the page.
        Err(Failure::Api(error)) if error.code.status() == 503 => render(portal, member, uid, None, Some(error.message)).await,
        Err(other) => Err(other),
    }
}
