//! Authentication methods and libpq's `require_auth`, the list of allowed ones.

/// An authentication method that limbeck supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AuthMethod {
    Password,
    Md5,
    Scram,
    /// No exchange: the server trusts the client, or knows it by its certificate.
    None,
}

const NAMES: [(&str, Option<AuthMethod>); 6] = [
    ("password", Some(AuthMethod::Password)),
    ("md5", Some(AuthMethod::Md5)),
    ("scram-sha-256", Some(AuthMethod::Scram)),
    ("none", Some(AuthMethod::None)),
    // limbeck supports neither, so allowing or forbidding them changes nothing.
    ("gss", None),
    ("sspi", None),
];

impl AuthMethod {
    /// Returns libpq's name.
    pub(super) fn name(self) -> &'static str {
        let found = NAMES.iter().find(|(_, method)| *method == Some(self));
        found.map_or("", |(name, _)| name)
    }
}

/// The methods that `require_auth` allows. The default allows all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum AllowedMethods {
    #[default]
    All,
    Only(Vec<AuthMethod>),
    AllExcept(Vec<AuthMethod>),
}

impl AllowedMethods {
    /// Parses the value of `require_auth`: names, or names that each start with `!`.
    pub(super) fn parse(text: Option<&str>) -> Result<Self, String> {
        let Some(text) = text else {
            return Ok(Self::All);
        };
        let forbids = text.starts_with('!');
        let mut methods = Vec::new();
        for word in text.split(',') {
            let name = word.strip_prefix('!').unwrap_or(word);
            if word.starts_with('!') != forbids {
                return Err("it both allows and forbids".into());
            }
            let Some((_, method)) = NAMES.iter().find(|(known, _)| *known == name) else {
                return Err(format!("`{name}` is not an authentication method"));
            };
            methods.extend(*method);
        }
        Ok(if forbids {
            Self::AllExcept(methods)
        } else {
            Self::Only(methods)
        })
    }

    /// Returns `true` if the method is allowed.
    pub(super) fn allow(&self, method: AuthMethod) -> bool {
        match self {
            Self::All => true,
            Self::Only(methods) => methods.contains(&method),
            Self::AllExcept(methods) => !methods.contains(&method),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AllowedMethods, AuthMethod};

    #[test]
    fn parses_allowing_and_forbidding_lists() {
        let check = |text: &str, expected: &[AuthMethod]| {
            let allowed = AllowedMethods::parse(Some(text)).unwrap();
            let all = [
                AuthMethod::Password,
                AuthMethod::Md5,
                AuthMethod::Scram,
                AuthMethod::None,
            ];
            let found: Vec<_> = all
                .into_iter()
                .filter(|each| allowed.allow(*each))
                .collect();
            assert_eq!(found, expected, "{text}");
        };
        check("scram-sha-256", &[AuthMethod::Scram]);
        check("md5,scram-sha-256", &[AuthMethod::Md5, AuthMethod::Scram]);
        check("none", &[AuthMethod::None]);
        check("!password,!md5", &[AuthMethod::Scram, AuthMethod::None]);
        check(
            "!none",
            &[AuthMethod::Password, AuthMethod::Md5, AuthMethod::Scram],
        );
        check("gss", &[]);
        assert!(AllowedMethods::parse(Some("!md5,none")).is_err());
        assert!(AllowedMethods::parse(Some("kerberos")).is_err());
        assert!(AllowedMethods::parse(None).unwrap().allow(AuthMethod::None));
    }
}
