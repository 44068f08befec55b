"""Creation of the `ssl.SSLContext` for drivers whose URLs can't express TLS settings."""

from __future__ import annotations

import ssl


def tls_context(
    root_certificates: str | None,
    verify_certificate: bool,
    check_hostname: bool,
    client_certificate: str | None,
    client_key: str | None,
    client_key_password: str | None,
    revocation_list: str | None,
) -> ssl.SSLContext:
    """Returns the context. Raises `OSError` with the path if a file is missing or can't be read."""
    # From Python 3.13 on, `create_default_context` rejects certificates that libpq and asyncpg accept.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if root_certificates is not None:
        _load(context, root_certificates)
    elif verify_certificate:
        context.load_default_certs()
    context.check_hostname = check_hostname
    context.verify_mode = ssl.CERT_REQUIRED if verify_certificate else ssl.CERT_NONE
    if revocation_list is not None:
        _load(context, revocation_list)
        # Like libpq: each authority in the chain needs a list.
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    if client_certificate is not None:
        try:
            # Without a password, OpenSSL would ask for one on the terminal.
            context.load_cert_chain(client_certificate, client_key, client_key_password or "")
        except OSError as error:
            files = f"`{client_certificate}`" + (f" and `{client_key}`" if client_key else "")
            raise _unreadable(error, files) from None
    return context


def _load(context: ssl.SSLContext, path: str) -> None:
    try:
        context.load_verify_locations(cafile=path)
    except OSError as error:
        raise _unreadable(error, f"`{path}`") from None


def _unreadable(error: OSError, files: str) -> OSError:
    """Returns an error that names the files, which OpenSSL's errors don't."""
    return OSError(error.errno, f"could not load {files} for TLS: {error.strerror}")
