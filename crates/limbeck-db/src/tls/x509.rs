//! Reads what an X.509 certificate says, no more than the rules of libpq need.

/// The parts of a certificate, as they stand in its DER form.
#[derive(Debug)]
pub(super) struct Certificate<'a> {
    /// What the signature is made over.
    pub(super) signed: &'a [u8],
    /// The signature's algorithm: what is within its sequence.
    pub(super) algorithm: &'a [u8],
    pub(super) signature: &'a [u8],
    pub(super) version: u8,
    pub(super) serial: &'a [u8],
    pub(super) issuer: &'a [u8],
    pub(super) subject: &'a [u8],
    /// Seconds since 1970, from and to.
    pub(super) valid: (u64, u64),
    /// The whole `SubjectPublicKeyInfo`.
    pub(super) key_info: &'a [u8],
    /// The key's algorithm: what is within its sequence.
    pub(super) key_algorithm: &'a [u8],
    pub(super) key: &'a [u8],
    extensions: Vec<Extension<'a>>,
}

#[derive(Debug)]
struct Extension<'a> {
    id: &'a [u8],
    critical: bool,
    value: &'a [u8],
}

/// A place in DER data.
#[derive(Debug)]
pub(super) struct Der<'a>(pub(super) &'a [u8]);

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;

const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SERVER_AUTHENTICATION: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];

/// Bits of the key usage, in its first byte.
const KEY_CERT_SIGN: u8 = 0b0000_0100;
const LIST_SIGN: u8 = 0b0000_0010;
/// Digital signature, key encipherment or key agreement.
const KEY_FOR_TLS: u8 = 0b1010_1000;

/// The tags of alternative names.
pub(super) const DNS_NAME: u8 = 0x82;
pub(super) const IP_ADDRESS: u8 = 0x87;

impl<'a> Der<'a> {
    /// The next element: its tag, all of it, and its value.
    fn next(&mut self) -> Option<(u8, &'a [u8], &'a [u8])> {
        let data = self.0;
        let (&tag, rest) = data.split_first()?;
        let (&length, rest) = rest.split_first()?;
        let (length, rest) = if length < 0x80 {
            (usize::from(length), rest)
        } else {
            let count = usize::from(length & 0x7f);
            let (bytes, rest) = rest.split_at_checked(count).filter(|_| count <= 4)?;
            let length = bytes
                .iter()
                .fold(0, |sum, &byte| (sum << 8) | usize::from(byte));
            (length, rest)
        };
        let (value, after) = rest.split_at_checked(length)?;
        self.0 = after;
        Some((tag, &data[..data.len() - after.len()], value))
    }

    /// The value of the next element, which must have this tag.
    fn value(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next()
            .filter(|(found, ..)| *found == tag)
            .map(|(.., value)| value)
    }

    /// The same when the next element has the tag; otherwise nothing is taken.
    fn optional(&mut self, tag: u8) -> Option<&'a [u8]> {
        (self.0.first() == Some(&tag))
            .then(|| self.value(tag))
            .flatten()
    }

    /// The bytes of a bit string without unused bits.
    fn bits(&mut self) -> Option<&'a [u8]> {
        self.value(BIT_STRING)?.strip_prefix(&[0])
    }
}

impl<'a> Iterator for Der<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        Der::next(self).map(|(tag, _, value)| (tag, value))
    }
}

impl<'a> Certificate<'a> {
    /// Takes a certificate apart; `None` when it is none.
    pub(super) fn parse(der: &'a [u8]) -> Option<Self> {
        let mut outer = Der(Der(der).value(SEQUENCE)?);
        let (_, signed, body) = Der::next(&mut outer).filter(|(tag, ..)| *tag == SEQUENCE)?;
        let algorithm = outer.value(SEQUENCE)?;
        let signature = outer.bits()?;
        let mut body = Der(body);
        let version = match body.optional(0xa0) {
            None => 1,
            Some(version) => Der(version).value(INTEGER)?.last()?.checked_add(1)?,
        };
        let serial = body.value(INTEGER)?;
        // The inner algorithm has to be the outer one, or the signature says nothing about it.
        if body.value(SEQUENCE)? != algorithm {
            return None;
        }
        let issuer = body.value(SEQUENCE)?;
        let mut validity = Der(body.value(SEQUENCE)?);
        let mut moment = || {
            let (tag, value) = Iterator::next(&mut validity)?;
            seconds(tag, value)
        };
        let valid = (moment()?, moment()?);
        let subject = body.value(SEQUENCE)?;
        let (_, key_info, key) = Der::next(&mut body).filter(|(tag, ..)| *tag == SEQUENCE)?;
        let mut key = Der(key);
        let key_algorithm = key.value(SEQUENCE)?;
        let key = key.bits()?;
        // Unique identifiers of issuer and subject, which nobody uses.
        body.optional(0x81);
        body.optional(0x82);
        let extensions = match body.optional(0xa3) {
            None => Vec::new(),
            Some(list) => Der(Der(list).value(SEQUENCE)?)
                .map(|(_, extension)| {
                    let mut extension = Der(extension);
                    Some(Extension {
                        id: extension.value(0x06)?,
                        critical: extension.optional(0x01).is_some_and(|flag| flag != [0]),
                        value: extension.value(0x04)?,
                    })
                })
                .collect::<Option<_>>()?,
        };
        Some(Self {
            signed,
            algorithm,
            signature,
            version,
            serial,
            issuer,
            subject,
            valid,
            key_info,
            key_algorithm,
            key,
            extensions,
        })
    }

    /// Issuer and subject are the same.
    pub(super) fn is_self_issued(&self) -> bool {
        self.issuer == self.subject
    }

    /// Says of itself that it is an authority.
    pub(super) fn is_marked_as_authority(&self) -> bool {
        self.constraints().is_some_and(|authority| authority)
    }

    /// How many authorities may stand between this one and a server's certificate; `None` for any number.
    pub(super) fn path_length(&self) -> Option<usize> {
        let value = self.extension(BASIC_CONSTRAINTS)?;
        let mut sequence = Der(Der(value).value(SEQUENCE)?);
        sequence.optional(0x01);
        let digits = sequence.optional(INTEGER)?;
        Some(digits.iter().fold(0_usize, |sum, &digit| {
            sum.saturating_mul(256).saturating_add(usize::from(digit))
        }))
    }

    /// May sign certificates of servers, as OpenSSL sees it: a self-issued one of version 1 may, too.
    pub(super) fn may_sign(&self) -> bool {
        let usage = self.key_usage();
        let allowed = self.is_for_servers() && usage.is_none_or(|usage| usage & KEY_CERT_SIGN != 0);
        let authority = match self.constraints() {
            Some(authority) => authority,
            None => usage.is_some() || (self.version == 1 && self.is_self_issued()),
        };
        allowed && authority
    }

    /// May sign revocation lists.
    pub(super) fn may_revoke(&self) -> bool {
        self.key_usage().is_none_or(|usage| usage & LIST_SIGN != 0)
    }

    /// May be a TLS server's, as far as its key usage says.
    pub(super) fn may_serve(&self) -> bool {
        self.key_usage()
            .is_none_or(|usage| usage & KEY_FOR_TLS != 0)
    }

    /// May be a TLS server's, as far as its extended key usage says.
    pub(super) fn is_for_servers(&self) -> bool {
        let Some(list) = self.extension(EXTENDED_KEY_USAGE) else {
            return true;
        };
        Der(list)
            .value(SEQUENCE)
            .is_some_and(|list| Der(list).any(|(_, purpose)| purpose == SERVER_AUTHENTICATION))
    }

    /// Has a critical extension that is not looked at here.
    pub(super) fn demands_the_unknown(&self) -> bool {
        let known = [
            ALTERNATIVE_NAME,
            BASIC_CONSTRAINTS,
            KEY_USAGE,
            EXTENDED_KEY_USAGE,
        ];
        self.extensions
            .iter()
            .any(|extension| extension.critical && !known.contains(&extension.id))
    }

    /// The alternative names, by their tag.
    pub(super) fn alternative_names(&self) -> impl Iterator<Item = (u8, &'a [u8])> {
        let list = self.extension(ALTERNATIVE_NAME);
        Der(list
            .and_then(|list| Der(list).value(SEQUENCE))
            .unwrap_or_default())
    }

    /// The last common name of the subject.
    pub(super) fn common_name(&self) -> Option<&'a str> {
        let parts = Der(self.subject).flat_map(|(_, set)| Der(set));
        let names = parts.filter_map(|(_, attribute)| {
            let mut attribute = Der(attribute);
            (attribute.value(0x06)? == COMMON_NAME).then_some(())?;
            Iterator::next(&mut attribute).map(|(_, value)| value)
        });
        names.last().and_then(|name| std::str::from_utf8(name).ok())
    }

    fn extension(&self, id: &[u8]) -> Option<&'a [u8]> {
        let found = self.extensions.iter().find(|extension| extension.id == id);
        found.map(|extension| extension.value)
    }

    /// Whether the basic constraints mark an authority; `None` without any.
    fn constraints(&self) -> Option<bool> {
        let value = self.extension(BASIC_CONSTRAINTS)?;
        let mut sequence = Der(Der(value).value(SEQUENCE).unwrap_or_default());
        Some(sequence.optional(0x01).is_some_and(|flag| flag != [0]))
    }

    /// The first eight bits of the key usage; `None` without any.
    fn key_usage(&self) -> Option<u8> {
        let value = self.extension(KEY_USAGE)?;
        let bits = Der(value).value(BIT_STRING).unwrap_or_default();
        Some(bits.get(1).copied().unwrap_or(0))
    }
}

/// A list of revoked certificates, as far as a certificate is looked for in it.
#[derive(Debug)]
pub(super) struct RevocationList<'a> {
    pub(super) signed: &'a [u8],
    pub(super) algorithm: &'a [u8],
    pub(super) signature: &'a [u8],
    pub(super) issuer: &'a [u8],
    /// Seconds since 1970, from and to.
    pub(super) valid: (u64, u64),
    /// The serial numbers.
    pub(super) revoked: Vec<&'a [u8]>,
    /// It is about some certificates only, or says something else that is not looked at.
    pub(super) is_partial: bool,
}

impl<'a> RevocationList<'a> {
    /// Takes a list apart; `None` when it is none, or has no end.
    pub(super) fn parse(der: &'a [u8]) -> Option<Self> {
        let mut outer = Der(Der(der).value(SEQUENCE)?);
        let (_, signed, body) = Der::next(&mut outer).filter(|(tag, ..)| *tag == SEQUENCE)?;
        let algorithm = outer.value(SEQUENCE)?;
        let signature = outer.bits()?;
        let mut body = Der(body);
        body.optional(INTEGER);
        if body.value(SEQUENCE)? != algorithm {
            return None;
        }
        let issuer = body.value(SEQUENCE)?;
        let mut moment = || {
            let (tag, value) = Iterator::next(&mut body)?;
            seconds(tag, value)
        };
        let valid = (moment()?, moment()?);
        let revoked = Der(body.optional(SEQUENCE).unwrap_or_default())
            .map(|(_, entry)| Der(entry).value(INTEGER))
            .collect::<Option<_>>()?;
        let extensions = Der(body.optional(0xa0).unwrap_or(&[SEQUENCE, 0])).value(SEQUENCE)?;
        let is_partial = Der(extensions).any(|(_, extension)| {
            let mut extension = Der(extension);
            extension.value(0x06);
            extension.optional(0x01).is_some_and(|flag| flag != [0])
        });
        Some(Self {
            signed,
            algorithm,
            signature,
            issuer,
            valid,
            revoked,
            is_partial,
        })
    }
}

/// A moment in seconds since 1970; earlier ones are 0.
fn seconds(tag: u8, text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match tag {
        // Two digits are of 1950 to 2049.
        0x17 if text.len() == 12 => {
            let year: i64 = text[..2].parse().ok()?;
            (year + if year < 50 { 2000 } else { 1900 }, &text[2..])
        }
        0x18 if text.len() == 14 => (text[..4].parse().ok()?, &text[4..]),
        _ => return None,
    };
    let part = |index: usize| -> Option<i64> { rest[2 * index..2 * index + 2].parse().ok() };
    let (month, day) = (part(0)?, part(1)?);
    // Years that begin in March have their odd day at the end.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let days_since_1970 = days - 719_468;
    let seconds = ((days_since_1970 * 24 + part(2)?) * 60 + part(3)?) * 60 + part(4)?;
    Some(u64::try_from(seconds).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::{Certificate, seconds};

    #[test]
    fn moments() {
        let check = |tag, text: &str, expected| {
            assert_eq!(seconds(tag, text.as_bytes()), expected, "{text}");
        };
        check(0x17, "700101000000Z", Some(0));
        check(0x17, "691231235959Z", Some(0));
        check(0x17, "240229120001Z", Some(1_709_208_001));
        check(0x18, "20500101000000Z", Some(2_524_608_000));
        check(0x18, "20240301000000Z", Some(1_709_251_200));
        check(0x17, "2402291200Z", None);
        check(0x17, "24022912000+Z", None);
        check(0x04, "240229120001Z", None);
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        for data in [
            &[][..],
            &[0x30],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x30, 0x00],
        ] {
            assert!(Certificate::parse(data).is_none());
        }
    }
}
