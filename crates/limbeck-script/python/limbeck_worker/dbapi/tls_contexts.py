"""The parts of an `ssl.SSLContext` that the host needs."""
import base64
import functools
import os
import ssl


def record_certificate_files():
    """Make each context keep the paths of its own certificate and key, which Python's contexts don't return."""
    load = ssl.SSLContext.load_cert_chain
    if hasattr(load, "__wrapped__"):
        return

    @functools.wraps(load)
    def load_cert_chain(self, certfile, keyfile=None, password=None):
        load(self, certfile, keyfile, password)
        self.limbeck_client = [os.fsdecode(certfile), os.fsdecode(keyfile or certfile)]

    ssl.SSLContext.load_cert_chain = load_cert_chain


def describe(context):
    """Return the protocol's form of a context."""
    return {
        "verify": context.verify_mode == ssl.CERT_REQUIRED,
        "check_hostname": bool(context.check_hostname),
        "authorities": [
            base64.b64encode(certificate).decode("ascii") for certificate in context.get_ca_certs(binary_form=True)
        ],
        "client": getattr(context, "limbeck_client", None),
        "revocation": bool(context.verify_flags & (ssl.VERIFY_CRL_CHECK_LEAF | ssl.VERIFY_CRL_CHECK_CHAIN)),
    }
