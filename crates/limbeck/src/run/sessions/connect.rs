//! Opening the sessions that the worker asks for, and reusing those that are open.

use limbeck_db::{
    ConnectArgs, ConnectError, ConnectErrorKind, ConnectOptions, DbError, ProcessEnvironment,
    Product, Session,
};
use limbeck_script::worker::ConnectRequest;
use limbeck_url::DatabaseUrl;

use super::super::dry_run::DryRun;
use super::super::watchdog::Watchdog;
use super::super::wire::{connect_args, database_url};
use super::{DryRunSession, OpenedSession, Sessions};

/// The target of a connection request.
struct Destination {
    url: DatabaseUrl,
    arguments: ConnectArgs,
    options: ConnectOptions,
}

impl Destination {
    fn new(request: ConnectRequest, environment: &ProcessEnvironment) -> Result<Self, DbError> {
        let url = database_url(request.url).map_err(|error| {
            DbError::Connect(ConnectError {
                kind: ConnectErrorKind::Parameter,
                message: error.to_string(),
                hint: None,
            })
        })?;
        let arguments = connect_args(request.args)?;
        let options = ConnectOptions::from_url(&url, &arguments, environment)?;
        Ok(Self {
            url,
            arguments,
            options,
        })
    }
}

impl Sessions {
    /// Opens a session, or reopens one of a dry run, and returns its number.
    pub(in super::super) async fn connect(
        &mut self,
        request: ConnectRequest,
        environment: &ProcessEnvironment,
    ) -> Result<u32, DbError> {
        let destination = Destination::new(request, environment)?;
        refuse_cut_password(&destination.url)?;
        let opened = if let Some(opened) = self.reopen(&destination) {
            opened
        } else {
            let url = destination.url.clone();
            let opened = self.open(destination).await;
            opened.map_err(|error| hide_cut_password(error, &url))?
        };
        self.last += 1;
        self.open.insert(self.last, opened);
        Ok(self.last)
    }

    /// Returns the session of a dry run that `env.py` closed and now opens again. It must see its earlier work, which
    /// only the transaction of that session holds.
    fn reopen(&mut self, destination: &Destination) -> Option<OpenedSession> {
        let closed = self.open.iter().find_map(|(number, opened)| {
            let dry = opened.dry_run.as_ref()?;
            let same = dry.url == destination.url && dry.arguments == destination.arguments;
            (dry.is_closed && same).then_some(*number)
        })?;
        let mut opened = self.open.remove(&closed)?;
        if let Some(dry) = &mut opened.dry_run {
            dry.is_closed = false;
        }
        Some(opened)
    }

    /// Opens a session, or takes the one that the version probe left.
    async fn open(&mut self, destination: Destination) -> Result<OpenedSession, DbError> {
        let Destination {
            url,
            arguments,
            options,
        } = destination;
        let probed = self
            .probed
            .take_if(|probed| arguments.is_empty() && probed.url == url);
        let from_probe = probed.is_some();
        let mut session = match probed {
            Some(probed) => probed.session,
            None if self.watched.is_some() => Session::open_on_caller_thread(&options).await?,
            None => Session::open(&options).await?,
        };
        let watchdog = match &self.watched {
            Some(interrupt) if session.info().product == Product::Sqlite => {
                let watchdog = Watchdog::start(session.canceller(), interrupt.clone());
                Some(watchdog.map_err(DbError::Thread)?)
            }
            _ => None,
        };
        let dry_run = if self.dry_run {
            Some(DryRunSession {
                dry_run: DryRun::begin(&mut session).await?,
                url,
                arguments,
                is_closed: false,
            })
        } else {
            None
        };
        Ok(OpenedSession {
            session,
            options,
            dry_run,
            copy: None,
            from_probe,
            _watchdog: watchdog,
        })
    }
}

const CUT_PASSWORD_HINT: &str =
    "write `%40` for each `@` in the password: SQLAlchemy ends it at the first `@`";

/// Returns `true` if a password is set and the database's name contains an `@`, which is probably the password's.
fn may_have_cut_password(url: &DatabaseUrl) -> bool {
    url.password.is_some() && url.database.as_deref().is_some_and(|d| d.contains('@'))
}

/// Refuses a URL whose database's name contains an `@` and a `/` behind it: in `user:p@ss/word@host/app`, limbeck would
/// connect to `ss`, a part of the password.
fn refuse_cut_password(url: &DatabaseUrl) -> Result<(), DbError> {
    let database = url.database.as_deref().unwrap_or_default();
    let has_location = database
        .split_once('@')
        .is_some_and(|(_, location)| location.contains('/'));
    if !may_have_cut_password(url) || !has_location {
        return Ok(());
    }
    Err(DbError::Connect(ConnectError {
        kind: ConnectErrorKind::Parameter,
        message: "the database's name contains an `@` and a `/`, which probably belong to an unencoded password and to the \
                  host behind it"
            .into(),
        hint: Some(CUT_PASSWORD_HINT.into()),
    }))
}

/// Hides the host in a connection error if the host is probably a part of the password. SQLAlchemy ends a password at its
/// first `@`: in `user:p@ss/word@host/app` the host is `ss` and the database `word@host/app`.
fn hide_cut_password(error: DbError, url: &DatabaseUrl) -> DbError {
    match (error, &url.host) {
        (DbError::Connect(error), Some(host)) if may_have_cut_password(url) => {
            DbError::Connect(ConnectError {
                kind: error.kind,
                message: error.message.replace(host.as_str(), "***"),
                hint: Some(CUT_PASSWORD_HINT.into()),
            })
        }
        (error, _) => error,
    }
}
