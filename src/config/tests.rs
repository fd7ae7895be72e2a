use serde_json::json;

use super::*;

fn host() -> Host {
    Host { cpus: NonZeroUsize::new(2).unwrap(), built_in: Backend::ALL.to_vec() }
}

fn variables(extra: &[(&str, &str)]) -> BTreeMap<String, String> {
    [("AWS_REGION", "eu-central-1"), ("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "hunter2")]
        .iter()
        .chain(extra)
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn config(extra: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_env(&variables(extra), host())
}

fn overridden(env: &[(&str, &str)], overrides: Value) -> Result<Settings, ConfigError> {
    config(env)?.settings_with(overrides.as_object().unwrap())
}

#[test]
fn nothing_but_aws_needs_to_be_set() {
    let config = config(&[("HOME", "/root"), ("PDF2IMGX", "1")]).unwrap();
    assert_eq!(config.settings, Settings::default());
    assert_eq!(config.deployment.workers.get(), 2);
    assert_eq!(config.deployment.worker_memory_bytes, 1 << 30);
    assert_eq!(config.deployment.input_suffix, ".pdf");
    assert_eq!((config.s3.region.as_str(), config.lambda), ("eu-central-1", None));
}

#[test]
fn a_missing_region_or_credential_is_named() {
    for name in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        let error = config(&[(name, "")]).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{name} is not set: ")), "{error}");
    }
    assert_eq!(config(&[("AWS_REGION", ""), ("AWS_DEFAULT_REGION", "x")]).unwrap().s3.region, "x");
}

#[test]
fn the_endpoint_of_s3_comes_before_that_of_all_services() {
    let both = [("AWS_ENDPOINT_URL", "http://a:1"), ("AWS_ENDPOINT_URL_S3", "http://b:2")];
    assert_eq!(config(&both).unwrap().s3.endpoint.as_deref(), Some("http://b:2"));
    let error = config(&[("AWS_ENDPOINT_URL", "localhost:9000")]).unwrap_err().to_string();
    assert!(error.contains("AWS_ENDPOINT_URL=\"localhost:9000\""), "{error}");
}

#[test]
fn secrets_are_not_printed() {
    let config = config(&[("AWS_SESSION_TOKEN", "hunter2"), ("PDF2IMG_PASSWORD", "hunter2")]).unwrap();
    assert_eq!(config.settings.password.as_ref().unwrap().expose(), "hunter2");
    assert!(!format!("{config:?}").contains("hunter2"));
    assert!(!json!(config.settings.canonical()).to_string().contains("hunter2"));
}

#[test]
fn workers_share_the_memory_of_the_function() {
    let on_lambda = |memory: &str, workers: &str| {
        let extra = [
            ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory),
            ("PDF2IMG_WORKERS", workers),
        ];
        config(&extra).map(|config| config.deployment.worker_memory_bytes >> 20)
    };
    assert_eq!(on_lambda("1769", "auto"), Ok((1769 - 128) / 2));
    assert_eq!(on_lambda("10240", "6"), Ok((10_240 - 128) / 6));
    assert_eq!(on_lambda("128", "4"), Ok(192));
    assert_eq!(on_lambda("lots", "4").unwrap_err().code(), "bad_option");
}

#[test]
fn a_bad_value_is_shown_with_its_variable_and_what_is_accepted() {
    let error = config(&[("PDF2IMG_DPI", "fast")]).unwrap_err().to_string();
    assert_eq!(error, "PDF2IMG_DPI=\"fast\" is not accepted: it takes a number from 1 to 2400");
    let error = config(&[("PDF2IMG_OUTPUT_KEY", "{stem}/{pg}.png")]).unwrap_err().to_string();
    assert!(error.contains("{pg} is not known"), "{error}");
}

#[test]
fn an_unknown_option_is_named_with_the_nearest_known() {
    let error = config(&[("PDF2IMG_PAGE_TIMOUT", "5s")]).unwrap_err().to_string();
    assert_eq!(error, "unknown option PDF2IMG_PAGE_TIMOUT; did you mean PDF2IMG_PAGE_TIMEOUT?");
    let error = config(&[("PDF2IMG_ENTIRELY_ELSE", "1")]).unwrap_err().to_string();
    assert_eq!(error, "unknown option PDF2IMG_ENTIRELY_ELSE");
    let error = overridden(&[], json!({"formt": "png"})).unwrap_err().to_string();
    assert_eq!(error, "unknown option formt; did you mean format?");
}

#[test]
fn options_that_exclude_each_other_are_both_named() {
    for (extra, first, second) in [
        (&[("PDF2IMG_DPI", "72"), ("PDF2IMG_WIDTH", "100")][..], "PDF2IMG_DPI=72", "PDF2IMG_WIDTH=100"),
        (&[("PDF2IMG_DPI", "72"), ("PDF2IMG_HEIGHT", "9")], "PDF2IMG_DPI=72", "PDF2IMG_HEIGHT=9"),
        (&[("PDF2IMG_QUALITY", "75")], "PDF2IMG_QUALITY=75", "PDF2IMG_FORMAT=png (the default)"),
        (
            &[("PDF2IMG_PROGRESSIVE", "on"), ("PDF2IMG_FORMAT", "webp")],
            "PDF2IMG_PROGRESSIVE=on",
            "PDF2IMG_FORMAT=webp",
        ),
        (
            &[("PDF2IMG_BACKGROUND", "transparent"), ("PDF2IMG_FORMAT", "jpeg")],
            "PDF2IMG_BACKGROUND=transparent",
            "PDF2IMG_FORMAT=jpeg",
        ),
        (
            &[("PDF2IMG_OUTPUT_KEY", "{stem}-{page}.jpeg")],
            "PDF2IMG_OUTPUT_KEY={stem}-{page}.jpeg",
            "PDF2IMG_FORMAT=png (the default)",
        ),
        (
            &[("PDF2IMG_INPUT_SUFFIX", ".PNG")],
            "PDF2IMG_OUTPUT_KEY={stem}/page-{page:04}.{ext} (the default)",
            "PDF2IMG_INPUT_SUFFIX=.PNG",
        ),
        (&[("PDF2IMG_FIT", "stretch"), ("PDF2IMG_WIDTH", "9")], "PDF2IMG_FIT=stretch", "PDF2IMG_HEIGHT"),
    ] {
        let error = config(extra).unwrap_err().to_string();
        assert!(error.contains(first) && error.contains(second), "{error}");
    }
    let jpeg = [("PDF2IMG_OUTPUT_KEY", "{stem}-{page}.jpg"), ("PDF2IMG_FORMAT", "jpeg")];
    assert!(config(&jpeg).is_ok());
}

#[test]
fn an_event_displaces_what_its_options_exclude() {
    let env = [("PDF2IMG_DPI", "72"), ("PDF2IMG_FORMAT", "jpeg"), ("PDF2IMG_QUALITY", "60")];
    let settings = overridden(&env, json!({"width": 800, "format": "png", "pages": null})).unwrap();
    let expected = overridden(&[], json!({"width": "800"})).unwrap();
    assert_eq!(settings, expected);
    let settings = overridden(&env, json!({"quality": 90, "annotations": false})).unwrap();
    assert_eq!(settings.scale, Scale::Dpi(72.0));
    assert_eq!(settings.canonical()["quality"], 90);
    assert!(!settings.annotations);
    let box_in_env = [("PDF2IMG_WIDTH", "9"), ("PDF2IMG_HEIGHT", "9"), ("PDF2IMG_FIT", "stretch")];
    let settings = overridden(&box_in_env, json!({"dpi": 96})).unwrap();
    assert_eq!(settings.scale, Scale::Dpi(96.0));
}

#[test]
fn an_event_cannot_contradict_itself_or_set_what_is_the_deployments() {
    let error = overridden(&[], json!({"dpi": 72, "width": 800})).unwrap_err().to_string();
    assert!(error.contains("dpi=72 and width=800"), "{error}");
    let error = overridden(&[], json!({"worker_memory": "9GiB"})).unwrap_err().to_string();
    assert!(error.contains("worker_memory") && error.contains("PDF2IMG_WORKER_MEMORY"), "{error}");
    let error = overridden(&[], json!({"pages": [1, 2]})).unwrap_err().to_string();
    assert!(error.contains("pages=\"[1,2]\""), "{error}");
}

#[test]
fn a_backend_that_is_not_built_in_is_an_error_that_lists_those_that_are() {
    let with = |built_in: &[Backend], extra: &[(&str, &str)]| {
        let host = Host { built_in: built_in.to_vec(), ..host() };
        Config::from_env(&variables(extra), host).map_err(|error| error.to_string())
    };
    let error = with(&[], &[]).unwrap_err();
    assert_eq!(error, "backend mupdf is not in this build, which has none");
    for (option, text) in [("PDF2IMG_BACKEND", "mupdf"), ("PDF2IMG_FALLBACK", "hayro,mupdf")] {
        let error = with(&[Backend::Hayro, Backend::Pdfium], &[(option, text)]).unwrap_err();
        assert_eq!(error, "backend mupdf is not in this build, which has hayro, pdfium");
    }
}

#[test]
fn a_build_without_the_default_engine_uses_the_one_that_it_has() {
    let permissive = Host { built_in: vec![Backend::Hayro], ..host() };
    let config = Config::from_env(&variables(&[]), permissive).unwrap();
    assert_eq!(config.settings.backend, Backend::Hayro);
}

#[test]
fn fallback_engines_are_tried_once_each_and_in_their_order() {
    let settings = overridden(&[], json!({"fallback": "hayro, mupdf,pdfium,hayro"})).unwrap();
    assert_eq!(settings.backends(), [Backend::Mupdf, Backend::Hayro, Backend::Pdfium]);
    let error = overridden(&[], json!({"fallback": "hayro;pdfium"})).unwrap_err().to_string();
    assert!(error.contains("engines such as pdfium,hayro"), "{error}");
}

#[test]
fn settings_are_written_so_that_they_can_be_given_again() {
    for overrides in [
        json!({}),
        json!({"width": 640, "height": 480, "fit": "stretch", "background": "#102030"}),
        json!({"format": "jpeg", "quality": 75, "progressive": true, "color": "gray", "pages": "1-3,-1"}),
        json!({"format": "webp", "output_bucket": "images", "page_box": "media", "annotations": "off"}),
        json!({"format": "webp", "quality": 80.0, "dpi": 72.5, "page_timeout": "1500ms"}),
        json!({"png_effort": "smallest", "background": "transparent", "document_timeout": "2m"}),
        json!({"backend": "hayro", "fallback": "pdfium,mupdf"}),
        json!({"renditions": {"thumb": {"width": 320, "format": "webp", "quality": 80}}}),
        json!({"format": "jpeg", "quality": 60, "renditions": "b: width=9 format=webp; a: dpi=72 color=gray"}),
        json!({"format": "webp", "quality": 60, "renditions": {"a": {"dpi": 9}, "b": {"height": 5, "format": "png"}}}),
        json!({"renditions": "x: width=5 height=6 fit=stretch output_key=/t/{key}/{page}.jpg format=jpeg progressive=on"}),
        json!({"max_pixels": "2M", "max_pages": 7, "max_input_bytes": "1MiB", "output_key": "/o/{key}-{page}.png"}),
    ] {
        let settings = overridden(&[], overrides).unwrap();
        let again = overridden(&[], Value::Object(settings.canonical())).unwrap();
        assert_eq!(again, settings);
        assert_eq!(again.hash(), settings.hash());
    }
}

#[test]
fn a_rendition_is_as_the_main_image_but_for_what_it_sets() {
    let env = [
        ("PDF2IMG_FORMAT", "jpeg"),
        ("PDF2IMG_QUALITY", "60"),
        ("PDF2IMG_PROGRESSIVE", "on"),
        ("PDF2IMG_COLOR", "gray"),
        (
            "PDF2IMG_RENDITIONS",
            "same: width=9; jpeg: width=9 format=jpeg quality=50; webp: width=9 format=webp; png: dpi=9 format=png color=rgb",
        ),
    ];
    let settings = config(&env).unwrap().settings;
    let of = |name: &str| {
        Value::Object(settings.renditions.iter().find(|r| r.name.as_str() == name).unwrap().canonical())
    };
    let jpeg = json!({"width": 9, "format": "jpeg", "quality": 60, "progressive": true, "color": "gray", "output_key": "{stem}/same-{page:04}.{ext}"});
    assert_eq!(of("same"), jpeg);
    assert_eq!((&of("jpeg")["quality"], &of("jpeg")["progressive"]), (&json!(50), &json!(true)));
    // A quality means something else in another format.
    assert_eq!(of("webp").get("quality"), None);
    assert_eq!((&of("png")["dpi"], &of("png")["color"]), (&json!(9.0), &json!("rgb")));
    let names: Vec<_> = settings.renditions.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["jpeg", "png", "same", "webp"]);
}

#[test]
fn the_rules_hold_for_every_rendition_by_its_name() {
    for (extra, parts) in [
        (
            &[("PDF2IMG_RENDITIONS", "t: width=9 quality=5")][..],
            &["quality=5", "format=png (the default)"][..],
        ),
        (&[("PDF2IMG_RENDITIONS", "t: width=9 dpi=5")], &["dpi=5 and width=9"]),
        (&[("PDF2IMG_RENDITIONS", "t: width=9 fit=stretch")], &["fit=stretch needs height"]),
        (&[("PDF2IMG_RENDITIONS", "t: width=9 format=webp progressive=on")], &["only JPEG is progressive"]),
        (
            &[("PDF2IMG_RENDITIONS", "t: width=9 format=jpeg"), ("PDF2IMG_BACKGROUND", "transparent")],
            &["PDF2IMG_BACKGROUND=transparent", "format=jpeg"],
        ),
        (
            &[("PDF2IMG_RENDITIONS", "t: width=9 png_effort=smallest"), ("PDF2IMG_FORMAT", "webp")],
            &["png_effort=smallest", "PDF2IMG_FORMAT=webp"],
        ),
        (&[("PDF2IMG_RENDITIONS", "t: width=9 output_key={page}.jpg")], &["output_key={page}.jpg"]),
    ] {
        let error = config(extra).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("PDF2IMG_RENDITIONS, t: "), "{text}");
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
        assert!(["conflicting_options", "incomplete_options"].contains(&error.code()));
    }
    let error = config(&[("PDF2IMG_RENDITIONS", "t: dbi=9")]).unwrap_err().to_string();
    assert!(error.contains("t: unknown option dbi; did you mean dpi?"), "{error}");
    let error = overridden(&[], json!({"renditions": [1]})).unwrap_err().to_string();
    assert!(error.starts_with("renditions=\"[1]\" is not accepted"), "{error}");
}

#[test]
fn renditions_whose_keys_could_be_those_of_others_are_refused() {
    for (renditions, first, second) in [
        ("t: width=9 output_key={stem}/page-{page}.{ext}", "the main image", "t ("),
        ("a: width=9 output_key={stem}/x{page}-.png; b: dpi=9 output_key={stem}/x{page}-.png", "a (", "b ("),
    ] {
        let error = config(&[("PDF2IMG_RENDITIONS", renditions)]).unwrap_err();
        assert_eq!(error.code(), "conflicting_options");
        let text = error.to_string();
        assert!(text.contains(first) && text.contains(second), "{text}");
    }
    assert!(
        config(&[("PDF2IMG_RENDITIONS", "t: width=9 format=webp output_key={stem}/page-{page:04}.{ext}")])
            .is_ok()
    );
    let taken = [("PDF2IMG_RENDITIONS", "t: width=9 format=webp"), ("PDF2IMG_INPUT_SUFFIX", ".webp")];
    let error = config(&taken).unwrap_err().to_string();
    assert!(error.contains("start the function again"), "{error}");
}

#[test]
fn an_event_has_its_own_renditions_or_none() {
    let env = [("PDF2IMG_RENDITIONS", "t: width=9")];
    assert_eq!(overridden(&env, json!({"dpi": 72})).unwrap().renditions.len(), 1);
    assert!(overridden(&env, json!({"renditions": {}})).unwrap().renditions.is_empty());
    assert!(overridden(&env, json!({"renditions": ""})).unwrap().renditions.is_empty());
    let own = overridden(&env, json!({"renditions": "u: dpi=5"})).unwrap();
    assert_eq!(own.renditions[0].name.as_str(), "u");
    // What the main image is for one event, its renditions follow.
    let jpeg = overridden(&env, json!({"format": "jpeg"})).unwrap();
    assert_eq!(jpeg.renditions[0].encoding, jpeg.encoding);
}

#[test]
fn the_hash_follows_what_shapes_the_images_and_nothing_else() {
    let hash = |overrides| overridden(&[], overrides).unwrap().hash();
    let plain = hash(json!({}));
    assert_eq!(plain.len(), 64);
    for same in [
        json!({"dpi": 150}),
        json!({"password": "x"}),
        json!({"max_pages": 5, "page_timeout": "1s", "max_pixels": 9, "document_timeout": "5s"}),
        json!({"background": "#FFFFFF"}),
        json!({"renditions": {}}),
        json!({"fallback": "none"}),
    ] {
        assert_eq!(hash(same.clone()), plain, "{same}");
    }
    for other in [
        json!({"dpi": 151}),
        json!({"pages": "1-3"}),
        json!({"output_bucket": "images"}),
        json!({"output_key": "{stem}-{page}.{ext}"}),
        json!({"color": "rgb"}),
        json!({"annotations": 0}),
        json!({"backend": "hayro"}),
        json!({"fallback": "hayro"}),
    ] {
        assert_ne!(hash(other.clone()), plain, "{other}");
    }
}
