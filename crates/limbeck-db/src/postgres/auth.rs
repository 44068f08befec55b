//! The client's side of authentication.

use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::sasl::{self, ScramSha256};
use postgres_protocol::message::backend::{AuthenticationSaslBody, Message};
use postgres_protocol::{authentication, message::frontend};

use super::auth_method::AuthMethod;
use super::error::{ConnectFailure, refusal, server_error, socket_error};
use super::host::HostAddress;
use super::options::{ChannelBinding, PostgresOptions};
use super::stream::Stream;
use crate::{ConnectError, ConnectErrorKind};

/// The authentication of one connection: its options and the state of its transport.
pub(super) struct Authentication<'a> {
    pub(super) options: &'a PostgresOptions,
    pub(super) host: &'a HostAddress,
    pub(super) is_encrypted: bool,
    /// The digest of the server's certificate for channel binding, if the certificate has one.
    pub(super) end_point: Option<Vec<u8>>,
}

/// The binding of the password to the TLS connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PasswordBinding {
    Bound,
    NotBound,
}

impl Authentication<'_> {
    /// Answers the server's requests until it accepts the client.
    pub(super) async fn run(&self, stream: &mut Stream) -> Result<PasswordBinding, ConnectFailure> {
        let mut binding = PasswordBinding::NotBound;
        let mut authenticated = false;
        loop {
            match self.read(stream).await? {
                Message::AuthenticationOk => {
                    if self.requires_binding() && binding == PasswordBinding::NotBound {
                        let why = "channel binding is required, and the server did not ask for it";
                        return Err(self.failure(why).into());
                    }
                    if !authenticated {
                        self.check_method(AuthMethod::None)?;
                    }
                    return Ok(binding);
                }
                Message::AuthenticationCleartextPassword => {
                    self.refuse_without_binding()?;
                    self.check_method(AuthMethod::Password)?;
                    authenticated = true;
                    let password = self.password()?.as_bytes().to_vec();
                    self.send(stream, |buffer| {
                        frontend::password_message(&password, buffer)
                    })
                    .await?;
                }
                Message::AuthenticationMd5Password(body) => {
                    self.refuse_without_binding()?;
                    self.check_method(AuthMethod::Md5)?;
                    authenticated = true;
                    let user = self.options.user.as_bytes();
                    let hash =
                        authentication::md5_hash(user, self.password()?.as_bytes(), body.salt());
                    self.send(stream, |buffer| {
                        frontend::password_message(hash.as_bytes(), buffer)
                    })
                    .await?;
                }
                Message::AuthenticationSasl(body) => {
                    self.check_method(AuthMethod::Scram)?;
                    binding = self.sasl(stream, &body).await?;
                    authenticated = true;
                }
                Message::AuthenticationGss
                | Message::AuthenticationSspi
                | Message::AuthenticationKerberosV5 => {
                    return Err(self
                        .failure("the server asks for GSSAPI, which limbeck does not support")
                        .into());
                }
                _ => {
                    return Err(self
                        .failure("the server asks for an unknown kind of authentication")
                        .into());
                }
            }
        }
    }

    async fn sasl(
        &self,
        stream: &mut Stream,
        body: &AuthenticationSaslBody,
    ) -> Result<PasswordBinding, ConnectFailure> {
        let (mut plain, mut plus) = (false, false);
        let mut mechanisms = body.mechanisms();
        while let Some(mechanism) = mechanisms
            .next()
            .map_err(|error| socket_error(&error, self.host))?
        {
            match mechanism {
                sasl::SCRAM_SHA_256 => plain = true,
                sasl::SCRAM_SHA_256_PLUS => plus = true,
                _ => {}
            }
        }
        let may_bind = self.options.channel_binding != ChannelBinding::Disable;
        let end_point = self.end_point.clone().filter(|_| may_bind);
        let (mechanism, channel_binding, binding) = match end_point {
            Some(digest) if plus => (
                sasl::SCRAM_SHA_256_PLUS,
                sasl::ChannelBinding::tls_server_end_point(digest),
                PasswordBinding::Bound,
            ),
            // The client supports binding and the server does not. SCRAM reports this to the server, which
            // thereby notices a machine in the middle that removed its offer.
            Some(_) if plain => (
                sasl::SCRAM_SHA_256,
                sasl::ChannelBinding::unrequested(),
                PasswordBinding::NotBound,
            ),
            _ if plain => (
                sasl::SCRAM_SHA_256,
                sasl::ChannelBinding::unsupported(),
                PasswordBinding::NotBound,
            ),
            _ => {
                return Err(self
                    .failure("the server offers no SCRAM mechanism that limbeck supports")
                    .into());
            }
        };
        if self.requires_binding() && binding == PasswordBinding::NotBound {
            let why = if self.is_encrypted {
                "channel binding is required, and the server does not offer it"
            } else {
                "channel binding is required, and it needs TLS"
            };
            return Err(self.failure(why).into());
        }
        let mut scram = ScramSha256::new(self.password()?.as_bytes(), channel_binding);
        let first = scram.message().to_vec();
        self.send(stream, |buffer| {
            frontend::sasl_initial_response(mechanism, &first, buffer)
        })
        .await?;
        let mismatch = |_| self.failure("the server's SCRAM messages do not match the password");
        match self.read(stream).await? {
            Message::AuthenticationSaslContinue(body) => {
                scram.update(body.data()).map_err(mismatch)?;
            }
            _ => return Err(self.failure("the server broke off SCRAM").into()),
        }
        let second = scram.message().to_vec();
        self.send(stream, |buffer| frontend::sasl_response(&second, buffer))
            .await?;
        match self.read(stream).await? {
            // This proves that the server knows the password, too.
            Message::AuthenticationSaslFinal(body) => {
                scram.finish(body.data()).map_err(mismatch)?;
                Ok(binding)
            }
            _ => Err(self.failure("the server broke off SCRAM").into()),
        }
    }

    async fn read(&self, stream: &mut Stream) -> Result<Message, ConnectFailure> {
        loop {
            match stream
                .read()
                .await
                .map_err(|error| socket_error(&error, self.host))?
            {
                Message::ErrorResponse(body) => {
                    let error = server_error(body.fields())
                        .map_err(|error| socket_error(&error, self.host))?;
                    return Err(ConnectFailure::refused(refusal(&error, self.host)));
                }
                Message::NoticeResponse(_) => {}
                message => return Ok(message),
            }
        }
    }

    async fn send(
        &self,
        stream: &mut Stream,
        write: impl FnOnce(&mut bytes::BytesMut) -> std::io::Result<()>,
    ) -> Result<(), ConnectError> {
        write(&mut stream.outgoing).map_err(|error| socket_error(&error, self.host))?;
        stream
            .flush()
            .await
            .map_err(|error| socket_error(&error, self.host))
    }

    fn requires_binding(&self) -> bool {
        self.options.channel_binding == ChannelBinding::Require
    }

    /// Refuses to send a password that a machine in the middle could use, if binding is required.
    fn refuse_without_binding(&self) -> Result<(), ConnectError> {
        if self.requires_binding() {
            return Err(self.failure(
                "channel binding is required, and the server asks for the password without it",
            ));
        }
        Ok(())
    }

    fn check_method(&self, method: AuthMethod) -> Result<(), ConnectError> {
        if self.options.allowed_methods.allow(method) {
            return Ok(());
        }
        let request = match method {
            AuthMethod::None => "asks for no authentication".to_owned(),
            other => format!("asks for `{}`", other.name()),
        };
        Err(self.failure(&format!(
            "the server {request}, which `require_auth` rules out"
        )))
    }

    fn password(&self) -> Result<&str, ConnectError> {
        let password = self
            .options
            .password
            .as_ref()
            .or(self.host.password.as_ref());
        password
            .map(limbeck_url::Secret::reveal_clear_text)
            .ok_or_else(|| ConnectError {
                kind: ConnectErrorKind::Authentication,
                message: format!(
                    "the server at {} asks for a password, and none is configured",
                    self.host
                ),
                hint: Some(match &self.options.ignored_passfile {
                    Some(file) => format!(
                        "limbeck ignores `{0}` because other users can read it: run `chmod 0600 {0}`",
                        file.display()
                    ),
                    None => {
                        "put it into the URL, into PGPASSWORD or into ~/.pgpass (mode 0600)".into()
                    }
                }),
            })
    }

    fn failure(&self, why: &str) -> ConnectError {
        ConnectError {
            kind: ConnectErrorKind::Authentication,
            message: format!(
                "could not authenticate with the server at {}: {why}",
                self.host
            ),
            hint: None,
        }
    }
}
