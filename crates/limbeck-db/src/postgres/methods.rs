//! libpq's `require_auth`: the ways of authentication that are good enough.

/// A way of authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Password,
    Md5,
    Scram,
    /// The server lets everybody in, or knows the client by its certificate.
    None,
}

const NAMES: [(&str, Option<Method>); 6] = [
    ("password", Some(Method::Password)),
    ("md5", Some(Method::Md5)),
    ("scram-sha-256", Some(Method::Scram)),
    ("none", Some(Method::None)),
    // limbeck never goes these ways, so to allow or to forbid them changes nothing.
    ("gss", None),
    ("sspi", None),
];

impl Method {
    /// libpq's name.
    pub(super) fn name(self) -> &'static str {
        let found = NAMES.iter().find(|(_, method)| *method == Some(self));
        found.map_or("", |(name, _)| name)
    }
}

/// What `require_auth` says; without it, every way will do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RequiredMethods {
    /// Whether only these are allowed, or all but these.
    listed: Option<(bool, Vec<Method>)>,
}

impl RequiredMethods {
    /// Reads the list: names, or names that each begin with `!`.
    pub(super) fn parse(text: Option<&str>) -> Result<Self, String> {
        let Some(text) = text else {
            return Ok(Self::default());
        };
        let forbids = text.starts_with('!');
        let mut methods = Vec::new();
        for word in text.split(',') {
            let name = word.strip_prefix('!').unwrap_or(word);
            if word.starts_with('!') != forbids {
                return Err("it both allows and forbids".into());
            }
            let Some((_, method)) = NAMES.iter().find(|(known, _)| *known == name) else {
                return Err(format!("`{name}` is no way of authentication"));
            };
            methods.extend(*method);
        }
        Ok(Self {
            listed: Some((!forbids, methods)),
        })
    }

    /// Whether the way is good enough.
    pub(super) fn allow(&self, method: Method) -> bool {
        let Some((only, methods)) = &self.listed else {
            return true;
        };
        methods.contains(&method) == *only
    }
}

#[cfg(test)]
mod tests {
    use super::{Method, RequiredMethods};

    #[test]
    fn lists_of_methods() {
        let check = |text: &str, expected: &[Method]| {
            let required = RequiredMethods::parse(Some(text)).unwrap();
            let all = [Method::Password, Method::Md5, Method::Scram, Method::None];
            let allowed: Vec<_> = all
                .into_iter()
                .filter(|each| required.allow(*each))
                .collect();
            assert_eq!(allowed, expected, "{text}");
        };
        check("scram-sha-256", &[Method::Scram]);
        check("md5,scram-sha-256", &[Method::Md5, Method::Scram]);
        check("none", &[Method::None]);
        check("!password,!md5", &[Method::Scram, Method::None]);
        check("!none", &[Method::Password, Method::Md5, Method::Scram]);
        check("gss", &[]);
        assert!(RequiredMethods::parse(Some("!md5,none")).is_err());
        assert!(RequiredMethods::parse(Some("kerberos")).is_err());
        assert!(RequiredMethods::parse(None).unwrap().allow(Method::None));
    }
}
