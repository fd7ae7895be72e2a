//! Panics of the engine, made errors.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use render_api::RenderError;

/// Calls into hayro; a panic in there becomes an error.
///
/// What was borrowed by `call` may be half changed after a panic: it has to be thrown away.
pub(crate) fn contained<T>(call: impl FnOnce() -> T) -> Result<T, RenderError> {
    catch_unwind(AssertUnwindSafe(call))
        .map_err(|payload| RenderError::Backend { detail: format!("hayro panicked: {}", message(&*payload)) })
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("it did not say why")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_message() {
        assert_eq!(contained(|| 5), Ok(5));
        let page = 7;
        for (error, expected) in [
            (contained(|| panic!("page {page} is too odd")), "hayro panicked: page 7 is too odd"),
            (contained(|| panic!("too odd")), "hayro panicked: too odd"),
        ] {
            let error: RenderError = Result::<(), _>::unwrap_err(error);
            assert_eq!(error, RenderError::Backend { detail: expected.to_owned() });
        }
    }
}
