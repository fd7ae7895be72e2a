//! What an owner's password is good for, which hayro does not know below AES-256.
//!
//! Before that, an encrypted document holds the user's password under a key that is made of the
//! owner's (ISO 32000-1, 7.6.3.4, algorithms 3 and 7). So the owner's gives the user's.

use hayro::hayro_syntax::object::{Dict, FromBytes, Number, ObjRef, String as PdfString};
use md5::{Digest, Md5};

use crate::find::{find_last, skip_white};

/// What passwords are filled up with to 32 bytes.
const PADDING: [u8; 32] = [
    0x28, 0xBF, 0x4E, 0x5E, 0x4E, 0x75, 0x8A, 0x41, 0x64, 0x00, 0x4E, 0x56, 0xFF, 0xFA, 0x01, 0x08, 0x2E,
    0x2E, 0x00, 0xB6, 0xD0, 0x68, 0x3E, 0x80, 0x2F, 0x0C, 0xA9, 0xFE, 0x64, 0x53, 0x69, 0x7A,
];

/// The user's password of a document, if `owner` is the owner's; anything, or nothing, if it is not.
pub(crate) fn user_password(pdf: &[u8], owner: &str) -> Option<String> {
    let encrypt = encryption(pdf)?;
    let integer = |key: &str| encrypt.get::<Number>(key).map(|n| n.as_f64() as i64);
    let revision = integer("R")?;
    if !(2..=4).contains(&revision) {
        return None;
    }
    let key_bits = match integer("V")? {
        1 => 40,
        4 => integer("Length").unwrap_or(128),
        _ => integer("Length").unwrap_or(40),
    };
    let key_bytes = usize::try_from(key_bits / 8).ok()?.clamp(5, 16);
    let mut hash = Md5::digest(padded(owner));
    let mut padded_user = encrypt.get::<PdfString<'_>>("O")?.as_ref().get(..32)?.to_vec();
    if revision == 2 {
        rc4(&hash[..key_bytes], &mut padded_user);
    } else {
        for _ in 0..50 {
            hash = Md5::digest(hash);
        }
        for round in (0..20).rev() {
            let key: Vec<u8> = hash[..key_bytes].iter().map(|byte| byte ^ round).collect();
            rc4(&key, &mut padded_user);
        }
    }
    let length = (0..=32).find(|&n| padded_user[n..] == PADDING[..32 - n])?;
    padded_user.truncate(length);
    String::from_utf8(padded_user).ok()
}

/// The dictionary to which the trailer's `/Encrypt` refers. It is never encrypted, nor compressed.
fn encryption(pdf: &[u8]) -> Option<Dict<'_>> {
    let keyword = b"/Encrypt";
    let value = skip_white(&pdf[find_last(pdf, keyword)? + keyword.len()..]);
    if value.starts_with(b"<<") {
        return Dict::from_bytes(value);
    }
    let reference = ObjRef::from_bytes(value)?;
    let header = format!("\n{} {} obj", reference.obj_number, reference.gen_number);
    let at = find_last(pdf, header.as_bytes())
        .or_else(|| find_last(pdf, header.replacen('\n', "\r", 1).as_bytes()))?;
    Dict::from_bytes(skip_white(&pdf[at + header.len()..]))
}

/// A password in the 32 bytes that are hashed. Characters beyond Latin-1 stay UTF-8.
fn padded(password: &str) -> [u8; 32] {
    let latin: Option<Vec<u8>> = password.chars().map(|c| u8::try_from(c).ok()).collect();
    let bytes = latin.unwrap_or_else(|| password.as_bytes().to_vec());
    let length = bytes.len().min(32);
    let mut padded = [0; 32];
    padded[..length].copy_from_slice(&bytes[..length]);
    padded[length..].copy_from_slice(&PADDING[..32 - length]);
    padded
}

/// RC4, which decrypts what it encrypts.
fn rc4(key: &[u8], data: &mut [u8]) {
    let mut state: [u8; 256] = std::array::from_fn(|i| i as u8);
    let mut j = 0_u8;
    for i in 0..256 {
        j = j.wrapping_add(state[i]).wrapping_add(key[i % key.len()]);
        state.swap(i, j.into());
    }
    let (mut i, mut j) = (0_u8, 0_u8);
    for byte in data {
        i = i.wrapping_add(1);
        j = j.wrapping_add(state[usize::from(i)]);
        state.swap(i.into(), j.into());
        *byte ^= state[usize::from(state[usize::from(i)].wrapping_add(state[usize::from(j)]))];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6229 has the key stream of this key.
    #[test]
    fn rc4_has_the_key_stream_that_is_published() {
        let mut data = [0; 8];
        rc4(&[1, 2, 3, 4, 5], &mut data);
        assert_eq!(data, [0xB2, 0x39, 0x63, 0x05, 0xF0, 0x3D, 0xC0, 0x27]);
    }

    #[test]
    fn the_owner_password_gives_the_user_password_and_a_wrong_one_does_not() {
        let pdf = include_bytes!("../../conformance/fixtures/rc4-128.pdf");
        assert_eq!(user_password(pdf, "owner").as_deref(), Some("user"));
        assert_ne!(user_password(pdf, "wrong").as_deref(), Some("user"));
    }

    #[test]
    fn damaged_encryption_gives_no_password() {
        for pdf in [
            "",
            "/Encrypt",
            "/Encrypt 5 0 R",
            "\n5 0 obj << /O (short) /R 3 /V 2 >> /Encrypt 5 0 R",
            "/Encrypt << /R 3 /V 2 /Length -8 >>",
        ] {
            assert_eq!(user_password(pdf.as_bytes(), "owner"), None, "{pdf}");
        }
    }
}
