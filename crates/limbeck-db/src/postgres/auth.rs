//! Who we are: the answers to the server's demand for a password.

use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::sasl::{self, ScramSha256};
use postgres_protocol::message::backend::{AuthenticationSaslBody, Message};
use postgres_protocol::{authentication, message::frontend};

use super::connect::ConnectFailure;
use super::error::{refusal, server_error, unreachable};
use super::methods::Method;
use super::options::{ChannelBinding, HostAddress, PostgresOptions};
use super::stream::Stream;
use crate::{ConnectError, ConnectErrorKind};

/// What is known of the connection that a password is sent over.
pub(super) struct Authentication<'a> {
    pub(super) options: &'a PostgresOptions,
    pub(super) target: &'a HostAddress,
    /// The connection is encrypted.
    pub(super) encrypted: bool,
    /// The digest of the server's certificate, where it has one.
    pub(super) end_point: Option<Vec<u8>>,
}

impl Authentication<'_> {
    /// Answers until the server is content, and says whether the password was bound to the connection.
    pub(super) async fn run(&self, stream: &mut Stream) -> Result<bool, ConnectFailure> {
        let mut bound = false;
        let mut authenticated = false;
        loop {
            match self.read(stream).await? {
                Message::AuthenticationOk => {
                    if self.options.channel_binding == ChannelBinding::Require && !bound {
                        let why = "channel binding was demanded, and the server asked for none";
                        return Err(self.failed(why).into());
                    }
                    if !authenticated {
                        self.require(Method::None)?;
                    }
                    return Ok(bound);
                }
                Message::AuthenticationCleartextPassword => {
                    self.refuse_without_binding()?;
                    self.require(Method::Password)?;
                    authenticated = true;
                    let password = self.password()?.as_bytes().to_vec();
                    self.send(stream, |buffer| {
                        frontend::password_message(&password, buffer)
                    })
                    .await?;
                }
                Message::AuthenticationMd5Password(body) => {
                    self.refuse_without_binding()?;
                    self.require(Method::Md5)?;
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
                    self.require(Method::Scram)?;
                    self.sasl(stream, &body, &mut bound).await?;
                    authenticated = true;
                }
                Message::AuthenticationGss
                | Message::AuthenticationSspi
                | Message::AuthenticationKerberosV5 => {
                    return Err(self
                        .failed("the server asks for GSSAPI, which limbeck does not speak")
                        .into());
                }
                _ => {
                    return Err(self
                        .failed("the server asks for an unknown kind of authentication")
                        .into());
                }
            }
        }
    }

    async fn sasl(
        &self,
        stream: &mut Stream,
        body: &AuthenticationSaslBody,
        bound: &mut bool,
    ) -> Result<(), ConnectFailure> {
        let (mut plain, mut plus) = (false, false);
        let mut mechanisms = body.mechanisms();
        while let Some(mechanism) = mechanisms
            .next()
            .map_err(|error| unreachable(&error, self.target))?
        {
            match mechanism {
                sasl::SCRAM_SHA_256 => plain = true,
                sasl::SCRAM_SHA_256_PLUS => plus = true,
                _ => {}
            }
        }
        let wanted = self.options.channel_binding != ChannelBinding::Disable;
        let end_point = self.end_point.clone().filter(|_| wanted);
        let (mechanism, binding) = match end_point {
            Some(digest) if plus => {
                *bound = true;
                (
                    sasl::SCRAM_SHA_256_PLUS,
                    sasl::ChannelBinding::tls_server_end_point(digest),
                )
            }
            // We could and the server can't: it learns that, so that nobody in between can have hidden it.
            Some(_) if plain => (sasl::SCRAM_SHA_256, sasl::ChannelBinding::unrequested()),
            _ if plain => (sasl::SCRAM_SHA_256, sasl::ChannelBinding::unsupported()),
            _ => {
                return Err(self
                    .failed("the server offers no SCRAM that limbeck speaks")
                    .into());
            }
        };
        if self.options.channel_binding == ChannelBinding::Require && !*bound {
            let why = if self.encrypted {
                "channel binding was demanded, and the server does not offer it"
            } else {
                "channel binding was demanded, and it needs TLS"
            };
            return Err(self.failed(why).into());
        }
        let mut scram = ScramSha256::new(self.password()?.as_bytes(), binding);
        let first = scram.message().to_vec();
        self.send(stream, |buffer| {
            frontend::sasl_initial_response(mechanism, &first, buffer)
        })
        .await?;
        let broken =
            |_| self.failed("the server's SCRAM messages are not what the password calls for");
        match self.read(stream).await? {
            Message::AuthenticationSaslContinue(body) => {
                scram.update(body.data()).map_err(broken)?;
            }
            _ => return Err(self.failed("the server broke off SCRAM").into()),
        }
        let second = scram.message().to_vec();
        self.send(stream, |buffer| frontend::sasl_response(&second, buffer))
            .await?;
        match self.read(stream).await? {
            // The server, too, has to know the password.
            Message::AuthenticationSaslFinal(body) => {
                Ok(scram.finish(body.data()).map_err(broken)?)
            }
            _ => Err(self.failed("the server broke off SCRAM").into()),
        }
    }

    async fn read(&self, stream: &mut Stream) -> Result<Message, ConnectFailure> {
        loop {
            match stream
                .read()
                .await
                .map_err(|error| unreachable(&error, self.target))?
            {
                Message::ErrorResponse(body) => {
                    let error = server_error(body.fields())
                        .map_err(|error| unreachable(&error, self.target))?;
                    return Err(ConnectFailure::refused(refusal(&error, self.target)));
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
        write(&mut stream.outgoing).map_err(|error| unreachable(&error, self.target))?;
        stream
            .flush()
            .await
            .map_err(|error| unreachable(&error, self.target))
    }

    /// A password that anybody in between could take is not given away where binding was demanded.
    fn refuse_without_binding(&self) -> Result<(), ConnectError> {
        if self.options.channel_binding == ChannelBinding::Require {
            return Err(self.failed(
                "channel binding was demanded, and the server wants the password without it",
            ));
        }
        Ok(())
    }

    fn require(&self, method: Method) -> Result<(), ConnectError> {
        if self.options.required.allow(method) {
            return Ok(());
        }
        let asked = match method {
            Method::None => "asks for no authentication".to_owned(),
            other => format!("asks for `{}`", other.name()),
        };
        Err(self.failed(&format!(
            "the server {asked}, which `require_auth` rules out"
        )))
    }

    fn password(&self) -> Result<&str, ConnectError> {
        let password = self
            .options
            .password
            .as_ref()
            .or(self.target.password.as_ref());
        password
            .map(limbeck_url::Secret::reveal_clear_text)
            .ok_or_else(|| ConnectError {
                kind: ConnectErrorKind::Authentication,
                message: format!(
                    "the server at {} asks for a password, and there is none",
                    self.target
                ),
                hint: Some(match &self.options.ignored_passfile {
                    Some(file) => format!(
                        "`{0}` is not read, because others may read it: run `chmod 0600 {0}`",
                        file.display()
                    ),
                    None => {
                        "put it into the URL, into PGPASSWORD or into ~/.pgpass (mode 0600)".into()
                    }
                }),
            })
    }

    fn failed(&self, why: &str) -> ConnectError {
        ConnectError {
            kind: ConnectErrorKind::Authentication,
            message: format!(
                "could not authenticate with the server at {}: {why}",
                self.target
            ),
            hint: None,
        }
    }
}
