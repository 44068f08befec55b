//! What applications may have written for a connection, each in a way that its reader allows.

use limbeck_url::{ConnectionInfo, Host, Root, Secret};

/// Writes URLs with choices of its own: which bytes are encoded, in which case, and where things stand.
pub(crate) struct Author {
    state: u64,
    text: String,
    has_query: bool,
    plus_is_space: bool,
}

impl Author {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: seed | 1,
            text: String::new(),
            has_query: false,
            plus_is_space: false,
        }
    }

    /// True once in so many times.
    fn one_in(&mut self, times: u64) -> bool {
        // Xorshift: any sequence will do, and the same each time.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 33).is_multiple_of(times)
    }

    /// Encodes what stands in `special`, what no text may hold, and now and then something else.
    fn encoded(&mut self, text: &str, special: &str) {
        let last = text.chars().count().saturating_sub(1);
        for (at, character) in text.chars().enumerate() {
            let at_an_end = (at == 0 || at == last) && character.is_whitespace();
            let must = special.contains(character)
                || character == '%'
                || character.is_control()
                // Newer versions of libpq take no blank.
                || !self.plus_is_space && character == ' '
                || at_an_end;
            if must || self.one_in(4) {
                let lower = self.one_in(2);
                for byte in character.to_string().bytes() {
                    let pair = if lower {
                        format!("%{byte:02x}")
                    } else {
                        format!("%{byte:02X}")
                    };
                    self.text.push_str(&pair);
                }
            } else {
                self.text.push(character);
            }
        }
    }

    fn pair(&mut self, key: &str, value: &str) {
        self.text.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        self.text.push_str(key);
        self.text.push('=');
        if self.plus_is_space {
            let parts: Vec<_> = value.split(' ').collect();
            for (at, part) in parts.iter().enumerate() {
                if at > 0 {
                    let space = if self.one_in(2) { "+" } else { "%20" };
                    self.text.push_str(space);
                }
                self.encoded(part, "&+=@;");
            }
        } else {
            // Where no slash comes before it, an `@` ends a user and a password.
            self.encoded(value, "&=@");
        }
    }

    /// libpq's URI, whose every part is decoded.
    pub(crate) fn libpq(mut self, info: &ConnectionInfo) -> String {
        let scheme = if self.one_in(2) {
            "postgres://"
        } else {
            "postgresql://"
        };
        self.text.push_str(scheme);
        let password = info.password.as_ref().map(Secret::reveal_clear_text);
        let beside = self.one_in(5);
        if !beside && (info.user.is_some() || password.is_some()) {
            self.encoded(info.user.as_deref().unwrap_or_default(), ":@/");
            if let Some(password) = password {
                self.text.push(':');
                self.encoded(password, "@/");
            }
            self.text.push('@');
        }
        let in_query = info.hosts.iter().any(|host| host.socket().is_some()) || self.one_in(5);
        if !in_query {
            for (at, host) in info.hosts.iter().enumerate() {
                if at > 0 {
                    self.text.push(',');
                }
                self.host(host, true);
            }
        }
        match &info.database {
            Some(_) if beside => {}
            Some(database) => {
                self.text.push('/');
                self.encoded(database, "?");
            }
            None if self.one_in(2) => self.text.push('/'),
            None => {}
        }
        if beside {
            for (key, value) in [
                ("user", info.user.as_deref()),
                ("password", password),
                ("dbname", info.database.as_deref()),
            ] {
                if let Some(value) = value {
                    self.pair(key, value);
                }
            }
        }
        if in_query {
            self.hosts_in_query(info);
        }
        self.libpq_words(info);
        self.text
    }

    fn host(&mut self, host: &Host, encode: bool) {
        let name = host.name.as_deref().unwrap_or_default();
        if name.contains(':') {
            self.text.push_str(&format!("[{name}]"));
        } else if encode {
            self.encoded(name, ":,/?@[");
        } else {
            self.text.push_str(name);
        }
        if let Some(port) = host.port {
            self.text.push_str(&format!(":{port}"));
        }
    }

    fn hosts_in_query(&mut self, info: &ConnectionInfo) {
        let names: Vec<_> = info
            .hosts
            .iter()
            .map(|host| host.name.clone().unwrap_or_default())
            .collect();
        let ports: Vec<_> = info
            .hosts
            .iter()
            .map(|host| host.port.map(|port| port.to_string()).unwrap_or_default())
            .collect();
        if names.iter().any(|name| !name.is_empty()) {
            self.pair("host", &names.join(","));
        }
        if info.hosts.iter().any(|host| host.port.is_some()) {
            self.pair("port", &ports.join(","));
        }
    }

    fn libpq_words(&mut self, info: &ConnectionInfo) {
        let tls = &info.tls;
        let root = tls.root.as_ref().map(|root| match root {
            Root::File(path) => path.clone(),
            Root::System => "system".to_owned(),
        });
        let words = [
            ("sslmode", tls.level.map(|level| level.name().to_owned())),
            ("sslrootcert", root),
            ("sslcert", tls.certificate.clone()),
            ("sslkey", tls.key.clone()),
            (
                "sslpassword",
                tls.key_password
                    .as_ref()
                    .map(|secret| secret.reveal_clear_text().to_owned()),
            ),
            ("sslcrl", tls.revoked.clone()),
            (
                "connect_timeout",
                info.timeout.map(|timeout| timeout.to_string()),
            ),
        ];
        for (key, value) in words {
            if let Some(value) = value {
                self.pair(key, &value);
            }
        }
        for (key, value) in &info.parameters {
            self.pair(key, value);
        }
        let mut options = String::new();
        for (name, value) in &info.settings {
            if name == "application_name" {
                self.pair(name, value);
                continue;
            }
            let form = if self.one_in(2) { "-c " } else { "--" };
            options.push_str(if options.is_empty() { "" } else { " " });
            options.push_str(form);
            options.push_str(name);
            options.push('=');
            for character in value.chars() {
                // The server's `isspace`.
                if character == '\\' || " \t\n\u{b}\u{c}\r".contains(character) || self.one_in(9) {
                    options.push('\\');
                }
                options.push(character);
            }
        }
        if !options.is_empty() {
            self.pair("options", &options);
        }
        if info.transaction_pooler {
            self.pair("pgbouncer", "true");
        }
    }

    /// libpq's string of keywords, in which nothing is encoded; none for what it can't hold.
    pub(crate) fn keywords(mut self, info: &ConnectionInfo) -> Option<String> {
        // The query of a URI has the same keywords.
        let mut query = Self::new(self.state);
        query.hosts_in_query(info);
        query.libpq_words(info);
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (key, value) in [
            ("user", info.user.clone()),
            ("dbname", info.database.clone()),
            (
                "password",
                info.password
                    .as_ref()
                    .map(|secret| secret.reveal_clear_text().to_owned()),
            ),
        ] {
            pairs.extend(value.map(|value| (key.to_owned(), value)));
        }
        let query = query.text.strip_prefix('?').unwrap_or_default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=')?;
            let value = String::from_utf8(limbeck_url::percent_decode(value)).ok()?;
            pairs.push((key.to_owned(), value));
        }
        if pairs.is_empty()
            || pairs
                .iter()
                .any(|(_, value)| value.contains(char::is_control))
        {
            return None;
        }
        for (key, value) in pairs {
            let blank = if self.one_in(5) { " = " } else { "=" };
            self.text.push_str(&format!("{key}{blank}"));
            let quoted = value.is_empty() || value.contains(char::is_whitespace) || self.one_in(3);
            self.text.push_str(if quoted { "'" } else { "" });
            for character in value.chars() {
                if matches!(character, '\\' | '\'') || self.one_in(9) {
                    self.text.push('\\');
                }
                self.text.push(character);
            }
            self.text.push_str(if quoted { "' " } else { " " });
        }
        Some(self.text.trim_end().to_owned())
    }

    /// SQLAlchemy's URL for psycopg2, whose host and database stand as they are.
    pub(crate) fn sqlalchemy(mut self, info: &ConnectionInfo) -> String {
        self.plus_is_space = true;
        self.text.push_str("postgresql+psycopg2://");
        let password = info.password.as_ref().map(Secret::reveal_clear_text);
        if info.user.is_some() || password.is_some() {
            self.encoded(info.user.as_deref().unwrap_or_default(), ":@/");
            if let Some(password) = password {
                self.text.push(':');
                // Only an `@` ends it.
                self.encoded(password, "@");
            }
            self.text.push('@');
        }
        let in_query =
            info.hosts.len() > 1 || info.hosts.iter().any(|host| host.socket().is_some());
        if !in_query && let Some(host) = info.hosts.first() {
            self.host(host, false);
        }
        let plain = |name: &&String| {
            !name.contains(['?', '%', '@'])
                && name.trim() == **name
                && !name.contains(char::is_control)
        };
        let beside = match info.database.as_ref().filter(plain) {
            Some(database) => {
                self.text.push('/');
                self.text.push_str(database);
                None
            }
            None => info.database.as_ref(),
        };
        if let Some(database) = beside {
            self.pair("dbname", database);
        }
        if in_query {
            self.hosts_in_query(info);
        }
        self.libpq_words(info);
        self.text
    }
}
