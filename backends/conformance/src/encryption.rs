//! Encrypted documents. The files are described in `fixtures/README.md`.

use render_api::{OpenOptions, RenderOptions, Renderer};

use crate::pdf::Pdf;
use crate::probe::{FIRST, RED, draw, open_code, pixel};

crate::check_list! {
    "Passwords" => [
        an_encrypted_document_needs_a_password,
        a_wrong_password_is_told_from_a_missing_one,
        the_user_and_the_owner_password_open_a_document,
        an_empty_user_password_needs_none,
        a_password_for_a_document_that_needs_none_does_no_harm,
    ],
    "RC4 encryption, 40 and 128 bit" => [rc4_of_40_and_of_128_bits_is_decrypted],
    "AES-128 encryption" => [
        aes_of_128_bits_is_decrypted,
        aes_of_128_bits_with_clear_metadata_is_decrypted,
        object_streams_are_decrypted_as_a_whole,
    ],
    "AES-256 encryption" => [
        aes_of_256_bits_is_decrypted,
        aes_of_256_bits_in_its_withdrawn_form_is_decrypted,
    ],
    "Streams exempt from encryption" => [
        streams_of_the_identity_filter_are_not_decrypted,
        a_stream_can_be_exempt_by_a_filter_of_its_own,
    ],
}

const RC4_40: &[u8] = include_bytes!("../fixtures/rc4-40.pdf");
const RC4_40_EMPTY_USER: &[u8] = include_bytes!("../fixtures/rc4-40-empty-user.pdf");
const RC4_128: &[u8] = include_bytes!("../fixtures/rc4-128.pdf");
const AES_128: &[u8] = include_bytes!("../fixtures/aes-128.pdf");
const AES_128_CLEAR_METADATA: &[u8] = include_bytes!("../fixtures/aes-128-clear-metadata.pdf");
const AES_128_OBJECT_STREAMS: &[u8] = include_bytes!("../fixtures/aes-128-object-streams.pdf");
const AES_256: &[u8] = include_bytes!("../fixtures/aes-256.pdf");
const AES_256_EMPTY_USER: &[u8] = include_bytes!("../fixtures/aes-256-empty-user.pdf");
const AES_256_R5: &[u8] = include_bytes!("../fixtures/aes-256-r5.pdf");

/// Opens the document and finds its page red, which shows that the content was decrypted.
fn assert_opens(renderer: &dyn Renderer, pdf: &[u8], password: Option<&str>) {
    let options = OpenOptions { password: password.map(str::to_owned), ..OpenOptions::default() };
    let mut document = renderer.open(pdf, &options).expect("the password opens the document");
    let (pixmap, _) = draw(document.as_mut(), FIRST, &RenderOptions::default()).unwrap();
    assert_eq!(pixel(&pixmap, 50, 50), RED, "{password:?}");
}

fn an_encrypted_document_needs_a_password(renderer: &dyn Renderer) {
    for pdf in [RC4_40, RC4_128, AES_128, AES_128_CLEAR_METADATA, AES_256, AES_256_R5] {
        assert_eq!(open_code(renderer, pdf, None), "encrypted");
    }
}

fn a_wrong_password_is_told_from_a_missing_one(renderer: &dyn Renderer) {
    for pdf in [RC4_128, AES_256] {
        for password in ["", "wrong", "user\0", "usér", "a much longer password than any that fits here"] {
            assert_eq!(open_code(renderer, pdf, Some(password)), "wrong_password", "{password:?}");
        }
    }
}

fn the_user_and_the_owner_password_open_a_document(renderer: &dyn Renderer) {
    for password in ["user", "owner"] {
        assert_opens(renderer, RC4_128, Some(password));
    }
    for password in ["üser", "öwner"] {
        assert_opens(renderer, AES_256, Some(password));
    }
}

fn an_empty_user_password_needs_none(renderer: &dyn Renderer) {
    assert_opens(renderer, AES_256_EMPTY_USER, None);
}

fn a_password_for_a_document_that_needs_none_does_no_harm(renderer: &dyn Renderer) {
    assert_opens(renderer, AES_256_EMPTY_USER, Some("anything"));
    let plain = Pdf::one_page("/MediaBox [0 0 99 99]", "1 0 0 rg 0 0 99 99 re f").to_bytes();
    assert_opens(renderer, &plain, Some("anything"));
}

fn assert_user_and_owner_open(renderer: &dyn Renderer, pdf: &[u8]) {
    for password in ["user", "owner"] {
        assert_opens(renderer, pdf, Some(password));
    }
    assert_eq!(open_code(renderer, pdf, Some("wrong")), "wrong_password");
}

fn rc4_of_40_and_of_128_bits_is_decrypted(renderer: &dyn Renderer) {
    assert_user_and_owner_open(renderer, RC4_40);
    assert_user_and_owner_open(renderer, RC4_128);
    assert_opens(renderer, RC4_40_EMPTY_USER, None);
}

fn aes_of_128_bits_is_decrypted(renderer: &dyn Renderer) {
    assert_user_and_owner_open(renderer, AES_128);
}

fn aes_of_128_bits_with_clear_metadata_is_decrypted(renderer: &dyn Renderer) {
    assert_user_and_owner_open(renderer, AES_128_CLEAR_METADATA);
}

fn object_streams_are_decrypted_as_a_whole(renderer: &dyn Renderer) {
    assert_opens(renderer, AES_128_OBJECT_STREAMS, None);
    assert_opens(renderer, AES_128_OBJECT_STREAMS, Some("owner"));
}

fn aes_of_256_bits_is_decrypted(renderer: &dyn Renderer) {
    assert_opens(renderer, AES_256, Some("üser"));
    assert_opens(renderer, AES_256, Some("öwner"));
    assert_opens(renderer, AES_256_EMPTY_USER, None);
}

/// Revision 5, which Adobe published before ISO 32000-2 made it revision 6.
fn aes_of_256_bits_in_its_withdrawn_form_is_decrypted(renderer: &dyn Renderer) {
    assert_user_and_owner_open(renderer, AES_256_R5);
}

/// The dictionary of `aes-128.pdf`, which opens with the same passwords, and another stream filter.
fn encrypted(stream_filter: &str, pdf: Pdf) -> Vec<u8> {
    pdf.object(&format!(
        "<< /Filter /Standard /V 4 /R 4 /Length 128 /P -4 /StmF /{stream_filter} /StrF /StdCF \
         /CF << /StdCF << /AuthEvent /DocOpen /CFM /AESV2 /Length 16 >> >> \
         /O <0ba3835f88f90388e74e54584125ce142be0de24c6b0d37746e075b891756671> \
         /U <763f954d16622015ee88b60b3eb8f7590122456a91bae5134273a6db134c87c4> >>"
    ))
    .trailer("/Encrypt 5 0 R /ID [<31415926535897932384626433832795> <31415926535897932384626433832795>]")
    .to_bytes()
}

fn streams_of_the_identity_filter_are_not_decrypted(renderer: &dyn Renderer) {
    let plain = Pdf::one_page("/MediaBox [0 0 100 100]", "1 0 0 rg 0 0 100 100 re f");
    let pdf = encrypted("Identity", plain);
    assert_eq!(open_code(renderer, &pdf, None), "encrypted");
    assert_opens(renderer, &pdf, Some("user"));
}

fn a_stream_can_be_exempt_by_a_filter_of_its_own(renderer: &dyn Renderer) {
    let exempt = Pdf::new()
        .object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>")
        .object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] /Contents 4 0 R >>")
        .stream("/Filter /Crypt /DecodeParms << /Name /Identity >>", "1 0 0 rg 0 0 100 100 re f");
    assert_opens(renderer, &encrypted("StdCF", exempt), Some("user"));
}
