//! The page in the browser: the revisions with what is applied and what is pending, and how the run goes.

mod application;
mod document;
mod fold;
mod graph;
mod history;
mod sql;
mod words;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use limbeck::project::Project;
use limbeck_supervisor::{Audience, Drawn, Facts, Page, SchemaFacts};
use maud::Markup;
use tokio::sync::Notify;

use self::document::{Asked, POLICY};
use self::graph::Graph;
use self::sql::Sql;
pub(crate) use self::sql::Sql as PendingSql;

/// What the page shows beside the facts of the run, shared between who learns it and who draws it.
#[derive(Clone)]
pub(crate) struct Picture(Arc<Inner>);

struct Inner {
    /// The project's name.
    name: String,
    /// Tells this run's versions from those of another one at the same address.
    run: String,
    known: Mutex<Known>,
    /// Somebody looks, and something is pending whose SQL is not known.
    wanted: Notify,
}

#[derive(Default)]
struct Known {
    project: Option<&'static Project>,
    /// The project's, once somebody has looked.
    graph: Option<Arc<Graph>>,
    /// Grows with each other project.
    generation: u64,
    sql: Arc<Sql>,
    drawn: Option<Cached>,
}

/// The parts of the page that change seldom, as they were drawn last.
struct Cached {
    of: Stable,
    drawn: Arc<Seldom>,
}

/// What is pending, all revisions, and what these two are known by.
#[derive(Default)]
struct Seldom {
    version: String,
    pending: String,
    history: String,
}

/// All that these parts are drawn from.
#[derive(Clone, PartialEq, Eq)]
struct Stable {
    generation: u64,
    schema: Option<SchemaFacts>,
    step: Option<String>,
    done: usize,
    sql: Arc<Sql>,
    whole: bool,
}

impl Picture {
    /// For a project of this name.
    pub(crate) fn new(name: &str) -> Self {
        let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self(Arc::new(Inner {
            name: name.to_owned(),
            run: format!("{:x}", started.unwrap_or_default().as_nanos()),
            known: Mutex::default(),
            wanted: Notify::new(),
        }))
    }

    /// The page, for the server.
    pub(crate) fn page(&self, audience: Audience) -> Page {
        let picture = self.clone();
        Page::new(audience, move |facts, query| picture.draw(facts, query))
    }

    /// These are the project's revisions.
    pub(crate) fn note_project(&self, project: &'static Project) {
        let mut known = self.lock();
        known.project = Some(project);
        known.graph = None;
        known.generation += 1;
        known.sql = Arc::default();
    }

    /// The project, once it was read.
    pub(crate) fn project(&self) -> Option<&'static Project> {
        self.lock().project
    }

    /// Waits until somebody looks while something is pending whose SQL is not known.
    pub(crate) async fn wanted(&self) {
        self.0.wanted.notified().await;
    }

    /// The SQL of what is pending, or why there is none.
    pub(crate) fn note_sql(&self, sql: Sql) {
        self.lock().sql = Arc::new(sql);
    }

    fn draw(&self, facts: &Facts, query: &str) -> Drawn {
        let asked = Asked::of(query);
        let seldom = self.seldom(facts, asked.whole);
        let html = document::draw(&self.0.name, facts, &asked, &seldom);
        Drawn {
            html: html.into_string(),
            policy: POLICY.as_str(),
        }
    }

    fn seldom(&self, facts: &Facts, whole: bool) -> Arc<Seldom> {
        let mut known = self.lock();
        let schema = facts.schema.as_ref();
        let pending = schema.map_or(&[][..], |schema| &schema.pending);
        if !pending.is_empty() && !known.sql.covers(pending) {
            // Asked for once: whoever looks next finds that it is being written.
            known.sql = Arc::new(Sql::being_written(pending));
            self.0.wanted.notify_one();
        }
        let of = Stable {
            generation: known.generation,
            schema: facts.schema.clone(),
            step: facts.step.as_ref().map(|step| step.revision.clone()),
            done: facts.steps_done,
            sql: Arc::clone(&known.sql),
            whole,
        };
        if let Some(cached) = &known.drawn
            && cached.of == of
        {
            return Arc::clone(&cached.drawn);
        }
        let (project, graph) = (known.project, known.graph.clone());
        drop(known);
        let graph = graph.unwrap_or_else(|| self.graph(project, of.generation));
        let [pending, history] = history::draw(&graph, &of).map(Markup::into_string);
        let drawn = Arc::new(Seldom {
            version: words::version(&format!("{}{pending}{history}", self.0.run)),
            pending,
            history,
        });
        self.lock().drawn = Some(Cached {
            of,
            drawn: Arc::clone(&drawn),
        });
        drawn
    }

    /// Lays out the history; one that can't be listed is refused elsewhere, with a reason.
    fn graph(&self, project: Option<&Project>, generation: u64) -> Arc<Graph> {
        let graph = project.and_then(|project| Graph::of(project).ok());
        let graph = Arc::new(graph.unwrap_or_default());
        let mut known = self.lock();
        if known.generation == generation {
            known.graph = Some(Arc::clone(&graph));
        }
        graph
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // No change to what is known can be half made.
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
