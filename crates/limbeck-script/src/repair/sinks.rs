//! Finds the code of an `env.py` that receives a database URL: engines, `context.configure` and the configuration.

use ruff_python_ast::{Expr, ExprCall};
use ruff_text_size::{Ranged, TextSize};

use super::resolve::{ConnectionOrigin, is_main_section, text_at};
use super::{EngineKind, Problem};
use crate::syntax::{CodePosition, ModuleIndex, string_literal};

/// A call that receives a URL.
#[derive(Debug)]
pub(super) struct Sink<'a> {
    pub(super) kind: SinkKind<'a>,
    pub(super) position: CodePosition,
}

/// The kinds of [`Sink`].
#[derive(Debug)]
pub(super) enum SinkKind<'a> {
    /// An engine that gets the URL as an argument.
    Engine { url: &'a Expr, engine: EngineKind },
    /// An engine that gets the URL as an item of a section of the configuration.
    Section {
        call: &'a ExprCall,
        section: &'a Expr,
        /// The key of the item.
        key: String,
        engine: EngineKind,
    },
    /// `context.configure(url=…)`, which makes no connection.
    Configure { url: &'a Expr },
    /// `set_main_option` or `set_section_option`.
    Option {
        url: &'a Expr,
        /// `true` if the call sets the main section of the configuration of this run.
        is_main_option: bool,
    },
}

impl Sink<'_> {
    /// Returns the kind of engine that the call makes, if it makes one.
    pub(super) fn engine(&self) -> Option<EngineKind> {
        match &self.kind {
            SinkKind::Engine { engine, .. } | SinkKind::Section { engine, .. } => Some(*engine),
            SinkKind::Configure { .. } | SinkKind::Option { .. } => None,
        }
    }
}

/// The functions of SQLAlchemy that make an engine, each with its kind.
const ENGINE_FUNCTIONS: [(&str, EngineKind); 4] = [
    ("create_engine", EngineKind::Sync),
    ("engine_from_config", EngineKind::Sync),
    ("create_async_engine", EngineKind::Async),
    ("async_engine_from_config", EngineKind::Async),
];

const ASYNC_ENGINE: &str = "AsyncEngine";

/// The keyword arguments of asyncpg that psycopg2 and psycopg don't have.
const ASYNCPG_ARGUMENTS: [&str; 6] = [
    "command_timeout",
    "prepared_statement_cache_size",
    "server_settings",
    "ssl",
    "statement_cache_size",
    "timeout",
];

/// Returns the name of an object of SQLAlchemy, given its path. `SQLModel` exports the same objects.
fn sqlalchemy_name(path: Option<&str>) -> Option<&str> {
    let (root, _) = path?.split_once('.')?;
    matches!(root, "sqlalchemy" | "sqlmodel").then(|| path?.rsplit('.').next())?
}

/// Returns `true` if a path names a function or class of SQLAlchemy that makes an engine.
pub(super) fn makes_engine(path: Option<&str>) -> bool {
    sqlalchemy_name(path).is_some_and(|name| {
        name == ASYNC_ENGINE || ENGINE_FUNCTIONS.iter().any(|(known, _)| *known == name)
    })
}

impl<'a> ModuleIndex<'a> {
    /// Returns every sink, in the order of the text.
    pub(super) fn sinks(&self) -> Result<Vec<Sink<'a>>, Problem> {
        let wrapped = self.engines_in_async_engines();
        let mut sinks = Vec::new();
        for (call, position) in self.calls() {
            let path = self.path(&call.func, position.scope);
            let path = path.as_deref();
            let is_wrapped = wrapped.iter().any(|inner| std::ptr::eq(*inner, call));
            let kind = match self.engine_sink(call, path, is_wrapped, position)? {
                Some(kind) => Some(kind),
                None => other_sink(call, path)?,
            };
            sinks.extend(kind.map(|kind| Sink { kind, position }));
        }
        Ok(sinks)
    }

    /// Returns the engines that the module wraps in `AsyncEngine(…)`.
    fn engines_in_async_engines(&self) -> Vec<&ExprCall> {
        let inner = self.calls().filter_map(|(call, position)| {
            let path = self.path(&call.func, position.scope);
            if sqlalchemy_name(path.as_deref()) != Some(ASYNC_ENGINE) {
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

    fn engine_sink(
        &self,
        call: &'a ExprCall,
        path: Option<&str>,
        is_wrapped: bool,
        position: CodePosition,
    ) -> Result<Option<SinkKind<'a>>, Problem> {
        let known = sqlalchemy_name(path)
            .and_then(|name| ENGINE_FUNCTIONS.iter().find(|(known, _)| *known == name));
        let Some((name, engine)) = known else {
            return Ok(None);
        };
        let engine = if is_wrapped {
            EngineKind::Async
        } else {
            *engine
        };
        let arguments = &call.arguments;
        let unsupported = |reason: String| Err(Problem::at(call.start(), reason));
        if engine == EngineKind::Sync
            && let Some(argument) = self.asyncpg_argument(call, position)
        {
            return unsupported(format!(
                "`{name}` has the argument `{argument}` of asyncpg, which a synchronous driver doesn't accept: \
                 remove it, and write `sslmode` into the URL if the argument configures TLS"
            ));
        }
        if let Some(url) = arguments.find_keyword("url") {
            let url = &url.value;
            return Ok(Some(SinkKind::Engine { url, engine }));
        }
        let first = arguments
            .args
            .first()
            .filter(|first| !first.is_starred_expr());
        let takes_section = name.ends_with("_from_config");
        if !takes_section {
            return match first {
                Some(url) => Ok(Some(SinkKind::Engine { url, engine })),
                None => unsupported(format!("`{name}` gets its URL by `*` or `**`")),
            };
        }
        let section = first.or_else(|| {
            let keyword = arguments.find_keyword("configuration")?;
            Some(&keyword.value)
        });
        let has_unpacking = arguments
            .keywords
            .iter()
            .any(|keyword| keyword.arg.is_none())
            || arguments.args.iter().any(Expr::is_starred_expr);
        let Some(section) = section.filter(|_| !has_unpacking) else {
            return unsupported(format!(
                "`{name}` gets arguments by `*` or `**`, which may contain the URL"
            ));
        };
        let prefix = match arguments.find_argument_value("prefix", 1) {
            None => "sqlalchemy.",
            Some(Expr::StringLiteral(text)) => text.value.to_str(),
            Some(_) => return unsupported(format!("the `prefix` of `{name}` is computed")),
        };
        Ok(Some(SinkKind::Section {
            call,
            section,
            key: format!("{prefix}url"),
            engine,
        }))
    }

    /// Returns the first keyword argument of asyncpg in the `connect_args`.
    fn asyncpg_argument(&self, call: &'a ExprCall, position: CodePosition) -> Option<&'static str> {
        let connect_args = &call.arguments.find_keyword("connect_args")?.value;
        let Expr::Dict(items) = self.value(connect_args, position.scope).0 else {
            return None;
        };
        let mut keys = items.iter_keys().flatten().filter_map(string_literal);
        keys.find_map(|key| ASYNCPG_ARGUMENTS.into_iter().find(|known| *known == key))
    }

    /// Returns the offset of the first call of `context.configure`.
    pub(super) fn configure_offset(&self) -> Option<TextSize> {
        let mut calls = self.calls();
        let configure = calls.find(|(call, position)| {
            self.path(&call.func, position.scope).as_deref() == Some("alembic.context.configure")
        });
        configure.map(|(call, _)| call.start())
    }

    /// Returns `true` if the module sets any option. The values in the ini file may refer to such an option.
    pub(super) fn sets_options(&self) -> bool {
        self.calls().any(|(call, _)| match &*call.func {
            Expr::Attribute(method) => matches!(
                method.attr.as_str(),
                "set_main_option" | "set_section_option"
            ),
            _ => false,
        })
    }

    /// Returns `true` if the module calls a method that may change a section: `section.update(…)`.
    pub(super) fn changes_in_place(&self, section: &Expr) -> bool {
        let Expr::Name(section) = section else {
            return false;
        };
        self.calls().any(|(call, _)| match &*call.func {
            Expr::Attribute(method) => {
                matches!(
                    method.attr.as_str(),
                    "update" | "setdefault" | "__setitem__"
                ) && matches!(&*method.value, Expr::Name(name) if name.id == section.id)
            }
            _ => false,
        })
    }

    /// Returns the problem of the first connection that an imported object opens.
    pub(super) fn imported_connection(&self) -> Option<Problem> {
        self.calls().find_map(|(call, position)| {
            let Expr::Attribute(method) = &*call.func else {
                return None;
            };
            if !matches!(method.attr.as_str(), "connect" | "begin") {
                return None;
            }
            match self.connection_origin(&method.value, position.scope) {
                ConnectionOrigin::Imported(path) => Some(Problem::at(
                    call.start(),
                    format!(
                        "the connection comes from `{path}`, which makes its engine outside of env.py: \
                         make an engine here, with the URL of the application"
                    ),
                )),
                ConnectionOrigin::Engine | ConnectionOrigin::Unknown => None,
            }
        })
    }
}

/// Returns the sink that a call is, if it receives a URL and makes no engine.
fn other_sink<'a>(call: &'a ExprCall, path: Option<&str>) -> Result<Option<SinkKind<'a>>, Problem> {
    if path == Some("alembic.context.configure") {
        let url = call.arguments.find_keyword("url");
        return Ok(url.map(|url| SinkKind::Configure { url: &url.value }));
    }
    if let Expr::Name(name) = &*call.func
        && path.is_none()
        && matches!(name.id.as_str(), "exec" | "eval")
    {
        let reason = format!("`{}` runs code that limbeck can't read", name.id);
        return Err(Problem::at(call.start(), reason));
    }
    let Expr::Attribute(method) = &*call.func else {
        return Ok(None);
    };
    // A `Config` other than that of this run may belong to another command.
    let is_own_config = path.is_some_and(|path| path.starts_with("alembic.context.config."));
    let (is_main_option, name_position) = match method.attr.as_str() {
        "set_main_option" => (is_own_config, 0),
        "set_section_option" => {
            let section = call.arguments.find_positional(0);
            let is_main_section = section.is_some_and(is_main_section);
            (is_own_config && is_main_section, 1)
        }
        _ => return Ok(None),
    };
    if text_at(call, name_position) != Some("sqlalchemy.url") {
        return Ok(None);
    }
    let url = call
        .arguments
        .find_argument_value("value", name_position + 1);
    Ok(url.map(|url| SinkKind::Option {
        url,
        is_main_option,
    }))
}
