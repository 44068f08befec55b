//! Random spellings of a connection's URL, as applications may write them for a reader.

use limbeck_url::{ConnectionInfo, Host, RootCertificates, Secret};

/// A writer of URLs that chooses at random which bytes to encode, their case, and the position of parameters.
pub(crate) struct RandomWriter {
    random_state: u64,
    text: String,
    has_query: bool,
    plus_is_space: bool,
}

/// The encoding of a host name in a URL.
#[derive(Clone, Copy, PartialEq, Eq)]
enum HostEncoding {
    None,
    Percent,
}

impl RandomWriter {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random_state: seed | 1,
            text: String::new(),
            has_query: false,
            plus_is_space: false,
        }
    }

    /// Returns `true` in one of `times` cases.
    fn one_in(&mut self, times: u64) -> bool {
        // Xorshift: the quality doesn't matter, and the sequence is reproducible.
        self.random_state ^= self.random_state << 13;
        self.random_state ^= self.random_state >> 7;
        self.random_state ^= self.random_state << 17;
        (self.random_state >> 33).is_multiple_of(times)
    }

    /// Appends a text. The characters in `special` and those that a URL can't contain are encoded, others at random.
    fn push_encoded(&mut self, text: &str, special: &str) {
        let last = text.chars().count().saturating_sub(1);
        for (at, character) in text.chars().enumerate() {
            let is_outer_blank = (at == 0 || at == last) && character.is_whitespace();
            let must_encode = special.contains(character)
                || character == '%'
                || character.is_control()
                // Newer versions of libpq reject blanks.
                || !self.plus_is_space && character == ' '
                || is_outer_blank;
            if must_encode || self.one_in(4) {
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

    /// Appends a parameter to the query.
    fn add_parameter(&mut self, key: &str, value: &str) {
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
                self.push_encoded(part, "&+=@;");
            }
        } else {
            // Without a slash before it, an `@` would end the credentials.
            self.push_encoded(value, "&=@");
        }
    }

    /// Writes a libpq URI, of which every part is decoded.
    pub(crate) fn libpq(mut self, info: &ConnectionInfo) -> String {
        let scheme = if self.one_in(2) {
            "postgres://"
        } else {
            "postgresql://"
        };
        self.text.push_str(scheme);
        let password = info.password.as_ref().map(Secret::reveal_clear_text);
        let credentials_in_query = self.one_in(5);
        if !credentials_in_query && (info.user.is_some() || password.is_some()) {
            self.push_encoded(info.user.as_deref().unwrap_or_default(), ":@/");
            if let Some(password) = password {
                self.text.push(':');
                self.push_encoded(password, "@/");
            }
            self.text.push('@');
        }
        let hosts_in_query =
            info.hosts.iter().any(|host| host.socket_path().is_some()) || self.one_in(5);
        if !hosts_in_query {
            for (at, host) in info.hosts.iter().enumerate() {
                if at > 0 {
                    self.text.push(',');
                }
                self.push_host(host, HostEncoding::Percent);
            }
        }
        match &info.database {
            Some(_) if credentials_in_query => {}
            Some(database) => {
                self.text.push('/');
                self.push_encoded(database, "?@");
            }
            None if self.one_in(2) => self.text.push('/'),
            None => {}
        }
        if credentials_in_query {
            for (key, value) in [
                ("user", info.user.as_deref()),
                ("password", password),
                ("dbname", info.database.as_deref()),
            ] {
                if let Some(value) = value {
                    self.add_parameter(key, value);
                }
            }
        }
        if hosts_in_query {
            self.add_hosts(info);
        }
        self.add_libpq_parameters(info);
        self.text
    }

    /// Appends `host:port`.
    fn push_host(&mut self, host: &Host, encoding: HostEncoding) {
        let name = host.name.as_deref().unwrap_or_default();
        if name.contains(':') {
            self.text.push_str(&format!("[{name}]"));
        } else if encoding == HostEncoding::Percent {
            self.push_encoded(name, ":,/?@[");
        } else {
            self.text.push_str(name);
        }
        if let Some(port) = host.port {
            self.text.push_str(&format!(":{port}"));
        }
    }

    /// Appends the hosts and ports as parameters.
    fn add_hosts(&mut self, info: &ConnectionInfo) {
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
            self.add_parameter("host", &names.join(","));
        }
        if info.hosts.iter().any(|host| host.port.is_some()) {
            self.add_parameter("port", &ports.join(","));
        }
    }

    /// Appends the parameters of libpq, except hosts and credentials.
    fn add_libpq_parameters(&mut self, info: &ConnectionInfo) {
        let tls = &info.tls;
        let root = tls.root_certificates.as_ref().map(|root| match root {
            RootCertificates::File(path) => path.clone(),
            RootCertificates::System => "system".to_owned(),
        });
        let parameters = [
            ("sslmode", tls.level.map(|level| level.name().to_owned())),
            ("sslrootcert", root),
            ("sslcert", tls.client_certificate.clone()),
            ("sslkey", tls.client_key.clone()),
            (
                "sslpassword",
                tls.client_key_password
                    .as_ref()
                    .map(|secret| secret.reveal_clear_text().to_owned()),
            ),
            ("sslcrl", tls.revocation_list.clone()),
            (
                "connect_timeout",
                info.connect_timeout.map(|timeout| timeout.to_string()),
            ),
        ];
        for (key, value) in parameters {
            if let Some(value) = value {
                self.add_parameter(key, &value);
            }
        }
        for (key, value) in &info.parameters {
            self.add_parameter(key, value);
        }
        let mut options = String::new();
        for (name, value) in &info.settings {
            if name == "application_name" {
                self.add_parameter(name, value);
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
            self.add_parameter("options", &options);
        }
        if info.transaction_pooler {
            self.add_parameter("pgbouncer", "true");
        }
    }

    /// Writes a libpq connection string, in which nothing is encoded. Returns `None` if the string can't express a value.
    pub(crate) fn keywords(mut self, info: &ConnectionInfo) -> Option<String> {
        // A URI's query has the same keywords.
        let mut query = Self::new(self.random_state);
        query.add_hosts(info);
        query.add_libpq_parameters(info);
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

    /// Writes a SQLAlchemy URL for psycopg2, in which host and database are not encoded.
    pub(crate) fn sqlalchemy(mut self, info: &ConnectionInfo) -> String {
        self.plus_is_space = true;
        self.text.push_str("postgresql+psycopg2://");
        let password = info.password.as_ref().map(Secret::reveal_clear_text);
        if info.user.is_some() || password.is_some() {
            self.push_encoded(info.user.as_deref().unwrap_or_default(), ":@/");
            if let Some(password) = password {
                self.text.push(':');
                // Only an `@` ends the password.
                self.push_encoded(password, "@");
            }
            self.text.push('@');
        }
        let hosts_in_query =
            info.hosts.len() > 1 || info.hosts.iter().any(|host| host.socket_path().is_some());
        if !hosts_in_query && let Some(host) = info.hosts.first() {
            self.push_host(host, HostEncoding::None);
        }
        let is_plain = |name: &&String| {
            !name.contains(['?', '%', '@'])
                && name.trim() == **name
                && !name.contains(char::is_control)
        };
        let database_parameter = match info.database.as_ref().filter(is_plain) {
            Some(database) => {
                self.text.push('/');
                self.text.push_str(database);
                None
            }
            None => info.database.as_ref(),
        };
        if let Some(database) = database_parameter {
            self.add_parameter("dbname", database);
        }
        if hosts_in_query {
            self.add_hosts(info);
        }
        self.add_libpq_parameters(info);
        self.text
    }
}
