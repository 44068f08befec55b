"""Makes the `ssl.SSLContext` that drivers take where their URLs can't say how a connection is protected."""

from __future__ import annotations

import ssl


def tls_context(
    authorities: str | None,
    verify: bool,
    check_hostname: bool,
    certificate: str | None,
    key: str | None,
    key_password: str | None,
    revoked: str | None,
) -> ssl.SSLContext:
    """The context; files that are missing or can't be read raise here, with their names."""
    # `create_default_context` would refuse certificates that libpq and asyncpg take, from Python 3.13 on.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if authorities is not None:
        _load(context, authorities)
    elif verify:
        context.load_default_certs()
    context.check_hostname = check_hostname
    context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    if revoked is not None:
        _load(context, revoked)
        # As libpq does it: each authority on the way needs its list.
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    if certificate is not None:
        try:
            # Without a password OpenSSL would ask the terminal for it.
            context.load_cert_chain(certificate, key, key_password or "")
        except OSError as error:
            raise _unreadable(error, f"`{certificate}`" + (f" and `{key}`" if key else "")) from None
    return context


def _load(context: ssl.SSLContext, path: str) -> None:
    try:
        context.load_verify_locations(cafile=path)
    except OSError as error:
        raise _unreadable(error, f"`{path}`") from None


def _unreadable(error: OSError, what: str) -> OSError:
    """OpenSSL's errors name no file."""
    return OSError(error.errno, f"could not load {what} for TLS: {error.strerror}")
