//! Where an `env.py` hands a database URL on: to an engine, to `context.configure`, to the configuration.

use ruff_python_ast::{Expr, ExprCall};
use ruff_text_size::{Ranged, TextSize};

use super::names::{ConnectionSource, is_main_section, text_at};
use super::survey::{CodePosition, Survey};
use super::{EngineKind, Problem};

/// A place where a URL is handed on.
#[derive(Debug)]
pub(super) struct Sink<'a> {
    pub(super) kind: SinkKind<'a>,
    pub(super) position: CodePosition,
}

/// What takes the URL.
#[derive(Debug)]
pub(super) enum SinkKind<'a> {
    /// An engine, by its own argument.
    Engine { url: &'a Expr, mode: EngineKind },
    /// An engine, out of a section of the configuration.
    Section {
        call: &'a ExprCall,
        section: &'a Expr,
        key: String,
        mode: EngineKind,
    },
    /// `context.configure(url=…)`, which makes no connection.
    Configure { url: &'a Expr },
    /// `set_main_option` or `set_section_option`.
    Option { url: &'a Expr, main: bool },
}

const ENGINES: [(&str, EngineKind, bool); 4] = [
    ("create_engine", EngineKind::Sync, false),
    ("engine_from_config", EngineKind::Sync, true),
    ("create_async_engine", EngineKind::Async, false),
    ("async_engine_from_config", EngineKind::Async, true),
];

const ASYNC_ENGINE: &str = "AsyncEngine";

/// What psycopg2 and psycopg have no keyword argument for.
const ONLY_ASYNCPG: [&str; 6] = [
    "command_timeout",
    "prepared_statement_cache_size",
    "server_settings",
    "ssl",
    "statement_cache_size",
    "timeout",
];

/// The name of something of SQLAlchemy's, also where `SQLModel` hands it on.
fn of_sqlalchemy(path: Option<&str>) -> Option<&str> {
    let (root, _) = path?.split_once('.')?;
    matches!(root, "sqlalchemy" | "sqlmodel").then(|| path?.rsplit('.').next())?
}

/// Whether a path is one of SQLAlchemy's makers of engines.
pub(super) fn is_engine(path: Option<&str>) -> bool {
    of_sqlalchemy(path).is_some_and(|name| {
        name == ASYNC_ENGINE || ENGINES.iter().any(|(known, ..)| *known == name)
    })
}

impl<'a> Survey<'a> {
    /// Every sink, in the order of the text.
    pub(super) fn sinks(&self) -> Result<Vec<Sink<'a>>, Problem> {
        let wrapped = self.wrapped_in_async_engines();
        let mut sinks = Vec::new();
        for (call, position) in &self.calls {
            let path = self.path(&call.func, position.scope);
            let is_async = wrapped.iter().any(|one| std::ptr::eq(*one, *call));
            let kind = match self.engine(call, path.as_deref(), is_async, *position)? {
                Some(kind) => Some(kind),
                None => other(call, path.as_deref())?,
            };
            sinks.extend(kind.map(|kind| Sink {
                kind,
                position: *position,
            }));
        }
        Ok(sinks)
    }

    /// The engines that an `AsyncEngine(…)` is made of.
    fn wrapped_in_async_engines(&self) -> Vec<&ExprCall> {
        let inner = self.calls.iter().filter_map(|(call, position)| {
            let path = self.path(&call.func, position.scope);
            if of_sqlalchemy(path.as_deref()) != Some(ASYNC_ENGINE) {
                return None;
            }
            let argument = call.arguments.find_argument_value("sync_engine", 0)?;
            match self.value(argument, position.scope).0 {
                Expr::Call(call) => Some(call),
                _ => None,
            }
        });
        inner.collect()
    }

    fn engine(
        &self,
        call: &'a ExprCall,
        path: Option<&str>,
        is_async: bool,
        position: CodePosition,
    ) -> Result<Option<SinkKind<'a>>, Problem> {
        let Some(name) = of_sqlalchemy(path) else {
            return Ok(None);
        };
        let Some((_, mode, from_section)) = ENGINES.iter().find(|(known, ..)| *known == name)
        else {
            return Ok(None);
        };
        let mode = if is_async { EngineKind::Async } else { *mode };
        let arguments = &call.arguments;
        let spread = arguments
            .keywords
            .iter()
            .any(|keyword| keyword.arg.is_none())
            || arguments.args.iter().any(Expr::is_starred_expr);
        let refuse = |reason: String| Err(Problem::at(call.start(), reason));
        if mode == EngineKind::Sync
            && let Some(word) = self.argument_of_asyncpg(call, position)
        {
            return refuse(format!(
                "`{name}` is given `{word}` for asyncpg, which a synchronous driver does not take: \
                 take it out, and write `sslmode` into the URL where it says how TLS is used"
            ));
        }
        if let Some(url) = arguments.find_keyword("url") {
            return Ok(Some(SinkKind::Engine {
                url: &url.value,
                mode,
            }));
        }
        let first = arguments
            .args
            .first()
            .filter(|first| !first.is_starred_expr());
        if !from_section {
            return match first {
                Some(url) => Ok(Some(SinkKind::Engine { url, mode })),
                None => refuse(format!("`{name}` is given its URL by `*` or `**`")),
            };
        }
        let section = first.or_else(|| {
            arguments
                .find_keyword("configuration")
                .map(|one| &one.value)
        });
        let Some(section) = section.filter(|_| !spread) else {
            return refuse(format!(
                "`{name}` is given arguments by `*` or `**`, among which the URL may be"
            ));
        };
        let prefix = match arguments.find_argument_value("prefix", 1) {
            None => "sqlalchemy.",
            Some(Expr::StringLiteral(text)) => text.value.to_str(),
            Some(_) => return refuse(format!("the `prefix` of `{name}` is computed")),
        };
        Ok(Some(SinkKind::Section {
            call,
            section,
            key: format!("{prefix}url"),
            mode,
        }))
    }

    /// A keyword argument of asyncpg's among the `connect_args`.
    fn argument_of_asyncpg(
        &self,
        call: &'a ExprCall,
        position: CodePosition,
    ) -> Option<&'static str> {
        let given = &call.arguments.find_keyword("connect_args")?.value;
        let Expr::Dict(given) = self.value(given, position.scope).0 else {
            return None;
        };
        let mut keys = given.iter_keys().flatten();
        keys.find_map(|key| match key {
            Expr::StringLiteral(key) => ONLY_ASYNCPG
                .into_iter()
                .find(|known| *known == key.value.to_str()),
            _ => None,
        })
    }

    /// Where `context.configure` is called first.
    pub(super) fn configured_at(&self) -> Option<TextSize> {
        let mut calls = self.calls.iter();
        let is_it = |call: &ExprCall, position: CodePosition| {
            self.path(&call.func, position.scope).as_deref() == Some("alembic.context.configure")
        };
        calls
            .find(|(call, position)| is_it(call, *position))
            .map(|(call, _)| call.start())
    }

    /// Whether anything is written into the configuration, which the file's own values may be filled in with.
    pub(super) fn changes_options(&self) -> bool {
        self.calls.iter().any(|(call, _)| {
            let method = match &*call.func {
                Expr::Attribute(method) => method.attr.as_str(),
                _ => "",
            };
            matches!(method, "set_main_option" | "set_section_option")
        })
    }

    /// Whether a method may change what a name stands for: `section.update(…)`.
    pub(super) fn changes_in_place(&self, section: &Expr) -> bool {
        let Expr::Name(section) = section else {
            return false;
        };
        self.calls.iter().any(|(call, _)| match &*call.func {
            Expr::Attribute(method) => {
                matches!(
                    method.attr.as_str(),
                    "update" | "setdefault" | "__setitem__"
                ) && matches!(&*method.value, Expr::Name(name) if name.id == section.id)
            }
            _ => false,
        })
    }

    /// The first connection that comes from something imported, and its path.
    pub(super) fn imported_connection(&self) -> Option<Problem> {
        self.calls.iter().find_map(|(call, position)| {
            let Expr::Attribute(method) = &*call.func else {
                return None;
            };
            if !matches!(method.attr.as_str(), "connect" | "begin") {
                return None;
            }
            match self.maker(&method.value, position.scope) {
                ConnectionSource::Imported(path) => Some(Problem::at(
                    call.start(),
                    format!(
                        "the connection comes from `{path}`, where env.py hands no URL on: \
                         make an engine here, of the URL that the application has"
                    ),
                )),
                ConnectionSource::Engine | ConnectionSource::Unknown => None,
            }
        })
    }
}

/// What takes a URL and is no engine.
fn other<'a>(call: &'a ExprCall, path: Option<&str>) -> Result<Option<SinkKind<'a>>, Problem> {
    if path == Some("alembic.context.configure") {
        let url = call.arguments.find_keyword("url");
        return Ok(url.map(|url| SinkKind::Configure { url: &url.value }));
    }
    if let Expr::Name(name) = &*call.func
        && path.is_none()
        && matches!(name.id.as_str(), "exec" | "eval")
    {
        let reason = format!("`{}` runs code that can't be read here", name.id);
        return Err(Problem::at(call.start(), reason));
    }
    let Expr::Attribute(method) = &*call.func else {
        return Ok(None);
    };
    // Another `Config` than the one of this run may be made for a command of its own.
    let own = path.is_some_and(|path| path.starts_with("alembic.context.config."));
    let (main, place) = match method.attr.as_str() {
        "set_main_option" => (own, 0),
        "set_section_option" => {
            let section = call.arguments.find_positional(0);
            (own && section.is_some_and(is_main_section), 1)
        }
        _ => return Ok(None),
    };
    if text_at(call, place) != Some("sqlalchemy.url") {
        return Ok(None);
    }
    let url = call.arguments.find_argument_value("value", place + 1);
    Ok(url.map(|url| SinkKind::Option { url, main }))
}
