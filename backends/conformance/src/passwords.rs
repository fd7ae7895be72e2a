//! Encrypted documents. The files are described in `fixtures/README.md`.

use render_api::{OpenOptions, RenderOptions, Renderer};

use crate::probe::{FIRST, draw, open_code, pixel};

crate::check_list!(
    an_encrypted_document_needs_a_password,
    a_wrong_password_is_told_from_a_missing_one,
    the_user_and_the_owner_password_open_a_document,
    an_empty_user_password_needs_none,
    a_password_for_a_document_that_needs_none_does_no_harm,
);

const RC4_128: &[u8] = include_bytes!("../fixtures/rc4-128.pdf");
const AES_256: &[u8] = include_bytes!("../fixtures/aes-256.pdf");
const AES_256_EMPTY_USER: &[u8] = include_bytes!("../fixtures/aes-256-empty-user.pdf");

/// Opens the document and finds its page red, which shows that the content was decrypted.
fn assert_opens(renderer: &dyn Renderer, pdf: &[u8], password: Option<&str>) {
    let options = OpenOptions { password: password.map(str::to_owned), ..OpenOptions::default() };
    let mut document = renderer.open(pdf, &options).expect("the password opens the document");
    let (pixmap, _) = draw(document.as_mut(), FIRST, &RenderOptions::default()).unwrap();
    assert_eq!(pixel(&pixmap, 50, 50), [255, 0, 0], "{password:?}");
}

fn an_encrypted_document_needs_a_password(renderer: &dyn Renderer) {
    assert_eq!(open_code(renderer, RC4_128, None), "encrypted");
    assert_eq!(open_code(renderer, AES_256, None), "encrypted");
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
    let plain = crate::pdf::Pdf::one_page("/MediaBox [0 0 99 99]", "1 0 0 rg 0 0 99 99 re f").to_bytes();
    assert_opens(renderer, &plain, Some("anything"));
}
