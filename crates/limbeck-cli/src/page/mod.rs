//! The page for the browser: the state of the run, and the revisions with their state in the database.

mod application;
mod document;
mod fold;
mod format;
mod graph;
mod history;
mod sql;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use limbeck::project::Project;
use limbeck::revision::RevisionMap;
use limbeck_supervisor::{
    AppliedRevision, Page, PageAccess, RenderedPage, SchemaState, StateSnapshot,
};
use maud::Markup;
use tokio::sync::Notify;

use self::document::{POLICY, PageQuery};
use self::graph::Graph;
pub(crate) use self::sql::PendingSql;

/// The page's data besides the state of the run. The launcher updates it, and the health server renders it.
#[derive(Clone)]
pub(crate) struct PageState(Arc<Inner>);

struct Inner {
    /// The project's name.
    project_name: String,
    /// A prefix for versions of the page, so that two runs at the same address never share one.
    run_id: String,
    data: Mutex<Data>,
    /// Notified when a client requests the page and the SQL of a pending revision is missing.
    sql_requested: Notify,
}

#[derive(Default)]
struct Data {
    project: Option<&'static Project>,
    /// The layout of the project's history, after the first request.
    graph: Option<Arc<Graph>>,
    /// The number of times that the project was replaced.
    generation: u64,
    sql: Arc<PendingSql>,
    cache: Option<CachedSections>,
}

/// The last rendered revision sections and their inputs.
struct CachedSections {
    inputs: RevisionInputs,
    sections: Arc<RevisionSections>,
}

/// The HTML of the revision sections, which change seldom.
#[derive(Default)]
struct RevisionSections {
    /// A digest of both sections.
    version: String,
    /// The section of pending revisions.
    pending: String,
    /// The section of all revisions.
    history: String,
}

/// The inputs of the revision sections. Equal inputs give equal sections.
#[derive(Clone, PartialEq, Eq)]
struct RevisionInputs {
    generation: u64,
    schema: Option<SchemaState>,
    /// The revision of the running step.
    step: Option<String>,
    steps_done: usize,
    /// The revisions that this run has applied.
    applied: Vec<AppliedRevision>,
    sql: Arc<PendingSql>,
    /// `true` if the list contains all revisions, however many there are.
    show_all: bool,
}

impl PageState {
    /// Creates the page of a project.
    pub(crate) fn new(project_name: &str) -> Self {
        let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self(Arc::new(Inner {
            project_name: project_name.to_owned(),
            run_id: format!("{:x}", started.unwrap_or_default().as_nanos()),
            data: Mutex::default(),
            sql_requested: Notify::new(),
        }))
    }

    /// Returns the page for the health server.
    pub(crate) fn page(&self, access: PageAccess) -> Page {
        let this = self.clone();
        Page::new(access, move |state, query| this.render(state, query))
    }

    /// Sets the project, or replaces it after its scripts have changed.
    pub(crate) fn set_project(&self, project: &'static Project) {
        let mut data = self.lock();
        data.project = Some(project);
        data.graph = None;
        data.generation += 1;
        data.sql = Arc::default();
    }

    /// Returns the project, if it has been set.
    pub(crate) fn project(&self) -> Option<&'static Project> {
        self.lock().project
    }

    /// Waits until a client requests the page and the SQL of a pending revision is missing.
    pub(crate) async fn sql_requested(&self) {
        self.0.sql_requested.notified().await;
    }

    /// Sets the SQL of the pending revisions, or the reason why it is missing.
    pub(crate) fn set_sql(&self, sql: PendingSql) {
        self.lock().sql = Arc::new(sql);
    }

    fn render(&self, state: &StateSnapshot, query: &str) -> RenderedPage {
        let query = PageQuery::parse(query);
        let sections = self.revision_sections(state, query.show_all);
        let html = document::render(&self.0.project_name, state, &query, &sections);
        RenderedPage {
            html: html.into_string(),
            content_security_policy: POLICY.as_str(),
        }
    }

    fn revision_sections(&self, state: &StateSnapshot, show_all: bool) -> Arc<RevisionSections> {
        let mut data = self.lock();
        let schema = state.schema.as_ref();
        let pending = schema.map_or(&[][..], |schema| &schema.pending);
        if !pending.is_empty() && !data.sql.covers(pending) {
            // This marks the SQL as requested, so that further requests don't ask for it again.
            data.sql = Arc::new(PendingSql::being_written(pending));
            self.0.sql_requested.notify_one();
        }
        let inputs = RevisionInputs {
            generation: data.generation,
            schema: state.schema.clone(),
            step: state.step.as_ref().map(|step| step.revision.clone()),
            steps_done: state.steps_done,
            applied: state.applied.clone(),
            sql: Arc::clone(&data.sql),
            show_all,
        };
        if let Some(cache) = &data.cache
            && cache.inputs == inputs
        {
            return Arc::clone(&cache.sections);
        }
        let (project, graph) = (data.project, data.graph.clone());
        drop(data);
        let graph = graph.unwrap_or_else(|| self.lay_out(project, inputs.generation));
        let no_revisions = RevisionMap::default();
        let map = project.map_or(&no_revisions, |project| &project.map);
        let sections = history::render(map, &graph, &inputs);
        let [pending, history] = sections.map(Markup::into_string);
        let sections = Arc::new(RevisionSections {
            version: format::version(&format!("{}{pending}{history}", self.0.run_id)),
            pending,
            history,
        });
        self.lock().cache = Some(CachedSections {
            inputs,
            sections: Arc::clone(&sections),
        });
        sections
    }

    /// Lays out the history. The graph is empty if the history can't be listed: the run itself reports that error.
    fn lay_out(&self, project: Option<&Project>, generation: u64) -> Arc<Graph> {
        let graph = project.and_then(|project| Graph::of_project(project).ok());
        let graph = Arc::new(graph.unwrap_or_default());
        let mut data = self.lock();
        if data.generation == generation {
            data.graph = Some(Arc::clone(&graph));
        }
        graph
    }

    fn lock(&self) -> MutexGuard<'_, Data> {
        // Updates only assign values, so the data behind a poisoned lock are still consistent.
        self.0.data.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
