//! The kinds of projects: their ini, `env.py` and application.

/// A project, as its differences from a project of `init`.
pub(super) struct Shape {
    pub(super) name: &'static str,
    /// Alembic's template; `None` is `generic`.
    pub(super) template: Option<&'static str>,
    pub(super) url: Url,
    /// The URL is in the ini, and in no variable.
    pub(super) in_ini: bool,
    pub(super) databases: &'static [&'static str],
    pub(super) files: &'static [(&'static str, &'static str)],
}

/// The form of the application's URL.
#[derive(Clone, Copy)]
pub(super) enum Url {
    /// `postgresql+asyncpg://…?ssl=require`
    Asyncpg,
    /// `postgresql+asyncpg://…?sslmode=require`
    AsyncpgWithSslmode,
    /// `postgres://…?sslmode=require`
    Bare,
}

const SHAPE: Shape = Shape {
    name: "",
    template: None,
    url: Url::Asyncpg,
    in_ini: false,
    databases: &["main"],
    files: &[],
};

const ENV: &str = "migrations/env.py";

pub(super) const SYNCHRONOUS: &[Shape] = &[
    Shape {
        name: "the stock template",
        in_ini: true,
        ..SHAPE
    },
    Shape {
        name: "the stock template for several databases",
        template: Some("multidb"),
        in_ini: true,
        databases: &["engine1", "engine2"],
        ..SHAPE
    },
    Shape {
        name: "set_main_option from os.environ",
        files: &[(ENV, include_str!("environments/set_main_option.py"))],
        ..SHAPE
    },
    Shape {
        name: "set_main_option from settings, sometimes",
        files: &[
            (ENV, include_str!("environments/settings_sometimes.py")),
            ("app/__init__.py", ""),
            ("app/config.py", include_str!("environments/app_config.py")),
        ],
        ..SHAPE
    },
    Shape {
        name: "set_main_option from settings that have an object, percent signs doubled",
        files: &[
            (ENV, include_str!("environments/settings_object.py")),
            ("app/__init__.py", ""),
            ("app/config.py", include_str!("environments/app_config.py")),
        ],
        ..SHAPE
    },
    Shape {
        name: "a chain of .replace()",
        files: &[(ENV, include_str!("environments/replace_chain.py"))],
        ..SHAPE
    },
    Shape {
        name: "a URL that is built from parts",
        files: &[(ENV, include_str!("environments/parts.py"))],
        ..SHAPE
    },
    Shape {
        name: "create_engine(get_url())",
        files: &[(ENV, include_str!("environments/get_url.py"))],
        ..SHAPE
    },
    Shape {
        name: "a section whose URL is replaced",
        files: &[(ENV, include_str!("environments/section.py"))],
        ..SHAPE
    },
    Shape {
        name: "a settings class that makes a URL object",
        files: &[
            (ENV, include_str!("environments/url_object.py")),
            ("app/__init__.py", ""),
            ("app/config.py", include_str!("environments/app_config.py")),
        ],
        ..SHAPE
    },
    Shape {
        name: "other sources with a connection and without",
        files: &[(ENV, include_str!("environments/two_sources.py"))],
        ..SHAPE
    },
    Shape {
        name: "os.getenv with a default, without functions, with tabs",
        files: &[(ENV, include_str!("environments/getenv_tabs.py"))],
        ..SHAPE
    },
    Shape {
        name: "engine_from_config(url=…)",
        files: &[(ENV, include_str!("environments/url_keyword.py"))],
        ..SHAPE
    },
    Shape {
        name: "the stock template with the URL of a hoster",
        url: Url::Bare,
        in_ini: true,
        ..SHAPE
    },
];

pub(super) const ASYNCHRONOUS: &[Shape] = &[
    Shape {
        name: "the stock template for asyncio, with libpq's word",
        template: Some("async"),
        url: Url::AsyncpgWithSslmode,
        in_ini: true,
        ..SHAPE
    },
    Shape {
        name: "the stock template for asyncio, with the URL of a hoster",
        template: Some("async"),
        url: Url::Bare,
        in_ini: true,
        ..SHAPE
    },
    Shape {
        name: "create_async_engine(settings.url)",
        url: Url::AsyncpgWithSslmode,
        files: &[
            (ENV, include_str!("environments/create_async_engine.py")),
            ("app/__init__.py", ""),
            ("app/config.py", include_str!("environments/app_config.py")),
        ],
        ..SHAPE
    },
    Shape {
        name: "AsyncEngine(engine_from_config(…)), the older template",
        url: Url::Bare,
        files: &[(ENV, include_str!("environments/async_engine.py"))],
        ..SHAPE
    },
];
