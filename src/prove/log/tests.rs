//! Logs: what is kept, what is masked, and that neither depends on how the bytes came.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bstr::ByteSlice as _;
use proptest::prelude::*;

use super::kept::{Kept, Sizes, piece_path};
use super::stream::{Stream, WINDOW};
use super::*;

fn masks(values: &[&str]) -> Masks {
    Masks::of(values.iter().map(|value| value.as_bytes().to_vec()))
}

fn masked(masks: &Masks, chunks: &[&[u8]]) -> Vec<u8> {
    let mut stream = Stream::new(masks);
    let mut out = Vec::new();
    let mut sink = |bytes: &[u8]| {
        out.extend_from_slice(bytes);
        Ok(())
    };
    chunks.iter().for_each(|chunk| stream.push(chunk, &mut sink).unwrap());
    stream.end(&mut sink).unwrap();
    out
}

/// The text masked, whole and byte by byte: both must be the same.
fn check(masks: &Masks, text: &str) -> String {
    let whole = masked(masks, &[text.as_bytes()]);
    let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
    assert_eq!(whole.as_bstr(), masked(masks, &bytes).as_bstr());
    String::from_utf8(whole).unwrap()
}

fn log(path: &Path, chunks: &[&[u8]]) -> Vec<u8> {
    let mut log = LogWriter::create(path, br#"["true"]"#, &Masks::default(), None).unwrap();
    for chunk in chunks {
        log.write(chunk).unwrap();
    }
    log.finish().unwrap();
    fs::read(path).unwrap()
}

#[test]
fn a_log_is_private_new_and_starts_with_its_first_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    assert_eq!(log(&path, &[b"one\n", b"\xff\0two"]).as_bstr(), b"[\"true\"]\none\n\xff\0two".as_bstr());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert!(LogWriter::create(&path, b"", &Masks::default(), None).is_err());
}

#[test]
fn complete_lines_are_on_disk_at_once_and_the_rest_when_the_writer_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut log = LogWriter::create(&path, b"argv", &Masks::default(), None).unwrap();
    log.write(b"one\ntwo").unwrap();
    assert_eq!(fs::read(&path).unwrap().as_bstr(), "argv\none\n");
    drop(log);
    assert_eq!(fs::read(&path).unwrap().as_bstr(), "argv\none\ntwo");
}

#[test]
fn the_last_line_is_the_last_that_is_not_blank_even_without_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = LogWriter::create(&folder.path().join("log"), b"argv", &masks(&["hunter22"]), None).unwrap();
    assert_eq!(log.last_line(), "");
    log.write(b"one\n\n  \n").unwrap();
    assert_eq!(log.last_line(), "one");
    log.write(b"is it hunter22?\r50 %\r").unwrap();
    assert_eq!(log.last_line(), "50 %");
    log.write(b"hunter22\n").unwrap();
    assert_eq!(log.last_line(), "[secret]");
}

#[test]
fn the_last_lines_of_a_file_leave_out_the_argv_and_blank_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    log(&path, &[b"one\n\ntwo\n\n"]);
    assert_eq!(last_lines_of(&path, 5), ["one", "two"]);
    assert_eq!(last_lines_of(&path, 1), ["two"]);
    assert_eq!(last_line_of(&path), "two");
    assert_eq!(last_lines_of(&folder.path().join("absent"), 5), [""; 0]);
}

#[test]
fn the_lines_that_tell_what_went_wrong_are_preferred() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("npm");
    log(
        &path,
        &[b"npm warn deprecated x@1: not found any more\nnpm error code ENOENT\nnpm error syscall open\n\
            npm error enoent Could not read package.json: Error: ENOENT: no such file or directory\n\
            npm error A complete log of this run can be found in: debug-0.log\n"],
    );
    let telling = ["npm error enoent Could not read package.json: Error: ENOENT: no such file or directory"];
    assert_eq!(telling_lines_of(&path, 5), telling);
    let path = folder.path().join("silent");
    log(&path, &[b"one\ntwo\nthree\n"]);
    assert_eq!(telling_lines_of(&path, 2), ["two", "three"]);
}

const SMALL: Sizes = Sizes { head: 100, tail: 80, piece: 20 };

fn keep(path: &Path, bytes: &[u8], chunk: usize) -> Vec<u8> {
    let mut kept = Kept::with(path, SMALL).unwrap();
    bytes.chunks(chunk).for_each(|chunk| kept.write(chunk).unwrap());
    kept.finish().unwrap();
    let stored = fs::read(path).unwrap();
    let files = path.parent().unwrap().read_dir().unwrap().count();
    assert_eq!(files, 1, "pieces were left over");
    fs::remove_file(path).unwrap();
    stored
}

#[test]
fn head_and_tail_are_kept_whole_and_what_is_left_out_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let lines: Vec<u8> = (0..100).flat_map(|line| format!("line {line:03}\n").into_bytes()).collect();
    let stored = keep(&path, &lines, 7);
    let stored = stored.to_str().unwrap();
    assert!(stored.starts_with("line 000\nline 001\n"), "{stored}");
    assert!(stored.ends_with("line 098\nline 099\n"), "{stored}");
    let (head, rest) = stored.split_once("\n[proof-gate: ").unwrap();
    let (gap, tail) = rest.split_once("]\n").unwrap();
    let kept = head.lines().count() + tail.lines().count();
    assert_eq!(gap, format!("{} bytes in {} lines left out here", 9 * (100 - kept), 100 - kept));
}

#[test]
fn pieces_of_the_tail_are_on_disk_while_it_is_written_and_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut kept = Kept::with(&path, SMALL).unwrap();
    (0..1000).for_each(|line| kept.write(format!("line {line:03}\n").as_bytes()).unwrap());
    assert!(folder.path().read_dir().unwrap().count() <= 6);
    assert_eq!(last_lines_of(&path, 1), ["line 999"]);
    // As after kill -9.
    std::mem::forget(kept);
    assert_eq!(last_lines_of(&path, 1), ["line 999"]);
    assert!(!piece_path(&path, 1).exists());
}

#[test]
fn much_without_a_line_end_is_bounded_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut kept = Kept::create(&path).unwrap();
    let chunk = vec![b'x'; 64 << 10];
    for _ in 0..(1 << 9) {
        kept.write(&chunk).unwrap();
        let on_disk: u64 = folder.path().read_dir().unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
        assert!(on_disk <= 20 << 20, "{on_disk}");
    }
    kept.finish().unwrap();
    let length = fs::metadata(&path).unwrap().len();
    assert!(((16 << 20)..(16 << 20) + 200).contains(&length), "{length}");
}

#[test]
fn known_values_are_masked_in_every_spelling() {
    let masks = masks(&["p&ss \"word\"/1", "short", "first line\nsecond line"]);
    for (text, expected) in [
        ("DB=p&ss \"word\"/1!", "DB=[secret]!"),
        ("short is too short", "short is too short"),
        ("?db=p%26ss%20%22word%22%2F1&x", "?db=[secret]&x"),
        ("?db=p%26ss+%22word%22%2f1", "?db=p%26ss+%22word%22%2f1"),
        (r#"{"db":"p&ss \"word\"/1"}"#, r#"{"db":"[secret]"}"#),
        ("got: first line", "got: [secret]"),
        ("second line\n", "[secret]\n"),
    ] {
        assert_eq!(check(&masks, text), expected);
    }
}

#[test]
fn known_values_are_masked_in_base64_wherever_they_stand_in_it() {
    let masks = masks(&["correct horse battery"]);
    // base64 of `<prefix>correct horse battery staple`, for prefixes of 0 to 2 bytes.
    for text in [
        "Y29ycmVjdCBob3JzZSBiYXR0ZXJ5IHN0YXBsZQ==",
        "dWNvcnJlY3QgaG9yc2UgYmF0dGVyeSBzdGFwbGU=",
        "dTpjb3JyZWN0IGhvcnNlIGJhdHRlcnkgc3RhcGxl",
    ] {
        let masked = check(&masks, text);
        assert!(masked.contains("[secret]") && masked.len() < 30, "{masked}");
    }
}

#[test]
fn what_has_the_shape_of_a_secret_is_masked() {
    for (text, expected) in [
        ("key AKIAIOSFODNN7EXAMPLE.", "key [secret]."),
        ("remote: ghp_0123456789abcdefghijABCDEFGHIJ012345", "remote: [secret]"),
        ("glpat-abcdefghij0123456789", "[secret]"),
        ("npm_0123456789abcdefghijABCDEFGHIJ012345", "[secret]"),
        ("sk_live_0123456789abcdef", "[secret]"),
        ("xoxb-123456789012-abcdefghij", "[secret]"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.sig-nature_1", "[secret]"),
        ("postgres://shop:hunter2@localhost:5432/shop", "postgres://[secret]@localhost:5432/shop"),
        ("https://0123abcd@example.org/x.git", "https://[secret]@example.org/x.git"),
        ("> Authorization: Bearer abc123def456", "> Authorization: Bearer [secret]"),
        ("authorization: Basic dXNlcjpwYXNz", "authorization: Basic [secret]"),
        ("DB_PASSWORD=hunter2 NODE_ENV=test", "DB_PASSWORD=[secret] NODE_ENV=test"),
        (r#"{"password": "hunter2", "user": "ana"}"#, r#"{"password": "[secret]", "user": "ana"}"#),
        (r#""{\"apiKey\":\"abc12345\"}""#, r#""{\"apiKey\":\"[secret]\"}""#),
        ("GET /cb?access_token=a1b2c3d4&x=1", "GET /cb?access_token=[secret]&x=1"),
        ("mysql --password hunter2 shop", "mysql --password [secret] shop"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "aws_secret_access_key = [secret]"),
        ("password = hunter2 # the user's", "password = [secret] # the user's"),
        ("db:\n  password: 'hunter2'\n  port: 5432", "db:\n  password: '[secret]'\n  port: 5432"),
        ("client_secret: a1b2c3d4e5\n", "client_secret: [secret]\n"),
        ("{ password: 'p@sswort', pin: 1 }", "{ password: '[secret]', pin: 1 }"),
        ("passphrase := 12345678", "passphrase := [secret]"),
        ("< Set-Cookie: session=a1b2c3d4; Path=/", "< Set-Cookie: session=[secret]; Path=/"),
        ("Cookie: theme=dark12; session=a1b2c3d4", "Cookie: theme=[secret]"),
        (r#"{"set-cookie":["sid=s%3Aa1b2c3"]}"#, r#"{"set-cookie":["sid=[secret]"]}"#),
        ("x-api-key: a1b2c3d4e5", "x-api-key: [secret]"),
        ("X-Auth-Token: a1b2c3", "X-Auth-Token: [secret]"),
        ("hf_abcdefghijABCDEFGHIJ0123456789abcd", "[secret]"),
        ("dop_v1_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "[secret]"),
        ("/bot123456789:AAabcdefghijABCDEFGHIJ0123456789_-a/getMe", "/bot[secret]/getMe"),
        ("curl -sS -u ana:password https://example.org", "curl -sS -u ana:[secret] https://example.org"),
        ("curl https://example.org -u 'ana:hunter2'", "curl https://example.org -u 'ana:[secret]'"),
    ] {
        assert_eq!(check(&Masks::default(), text), expected);
    }
}

#[test]
fn private_keys_are_masked_to_their_end_and_no_further() {
    let key = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDB";
    for (text, expected) in [
        (
            format!("a\n-----BEGIN RSA PRIVATE KEY-----\n{key}\n{key}\nab==\n-----END RSA PRIVATE KEY-----\nb\n"),
            "a\n[secret]\nb\n",
        ),
        (
            format!("12:00 -----BEGIN PRIVATE KEY-----\n12:00 {key}\n12:00 -----END PRIVATE KEY-----\n"),
            "12:00 [secret]\n",
        ),
        (
            format!("{{\"key\":\"-----BEGIN PRIVATE KEY-----\\n{key}\\n-----END PRIVATE KEY-----\\n\"}}\n"),
            "{\"key\":\"[secret]\\n\"}\n",
        ),
        (
            format!("-----BEGIN PRIVATE KEY-----\n{key}\n  at charge (card.js:4)\n"),
            "[secret]\n  at charge (card.js:4)\n",
        ),
        ("expected -----BEGIN PRIVATE KEY----- to be there\nok\n".to_owned(), "expected [secret] to be there\nok\n"),
    ] {
        assert_eq!(check(&Masks::default(), &text), expected, "{text}");
    }
}

#[test]
fn what_only_resembles_a_secret_stays() {
    for text in [
        "SyntaxError: Unexpected token: '}'",
        "password=null token=undefined secret=${SECRET} password=process.env.PASSWORD",
        "token=invalid_token",
        "const token = await getToken()",
        "max_tokens=4096 tokens: 17",
        "http://localhost:3000/users/ana@example.org",
        "ssh://git@example.org/x.git and git@example.org:x.git",
        "commit 3f2a91c0b1946ac92492d2347c6235b4d2611184",
        "sha512-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ==",
        "a bearer of bad news",
        "password: required",
        "password: required!\ntoken: unexpected end",
        "Wrong password: must have at least 8 characters",
        "Unexpected token: line12:5",
        "const password = req.body.password",
        "const token = await getToken2(user1)",
        "secret: string, apiKey = configuration",
        "token => decode(token)",
        "docker run -u 1000:1000 --user app:staff",
        "sets a cookie: name and value",
        "12345678:ABC and 2024-01-01T10:00:00",
    ] {
        assert_eq!(check(&Masks::default(), text), text);
    }
}

#[test]
fn a_secret_in_a_line_without_end_is_masked_wherever_it_stands() {
    let masks = masks(&["correct horse battery"]);
    for before in [WINDOW - 10, WINDOW - (16 << 10) - 3, 2 * WINDOW + 5, 150_000] {
        let text = format!("{} correct horse battery {}", "x".repeat(before), "y".repeat(WINDOW));
        let whole = masked(&masks, &[text.as_bytes()]);
        assert!(whole.find("correct").is_none() && whole.find(" [secret] yyy").is_some(), "{before}");
        let chunks: Vec<&[u8]> = text.as_bytes().chunks(4099).collect();
        assert_eq!(whole, masked(&masks, &chunks));
    }
}

/// Secrets as they are generated by services, by shape and length.
fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "AKIA[A-Z2-7]{16}",
        "gh[ops]_[A-Za-z0-9]{36}",
        "github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}",
        "glpat-[A-Za-z0-9_-]{20}",
        "npm_[A-Za-z0-9]{36}",
        "(sk|rk)_(live|test)_[A-Za-z0-9]{24}",
        "xoxb-[0-9]{12}-[A-Za-z0-9]{24}",
        "AIza[A-Za-z0-9_-]{35}",
        "eyJ[A-Za-z0-9_-]{20}[.]eyJ[A-Za-z0-9_-]{40}[.][A-Za-z0-9_-]{43}",
    ]
}

/// Text as tests print it, with long lines and none, and without anything that looks like a secret.
fn plain() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![
            "[a-z ,.()=:/-]{0,60}",
            "  at [a-z]{3,8} \\([a-z/]{3,20}[.]js:[0-9]{1,3}\\)",
            "[.x]{500,3000}",
            "\\PC{0,40}"
        ],
        0..60,
    )
    .prop_map(|lines| lines.join("\n"))
    .prop_filter("nothing that looks like a URL with a user", |text| !text.contains('@'))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_the_chunks_the_same_bytes_come_out(
        parts in prop::collection::vec((plain(), secret()), 1..6),
        repeat in 1_usize..8,
        cuts in prop::collection::vec(1_usize..70_000, 1..20),
    ) {
        let text = parts.iter().map(|(plain, secret)| format!("{plain} {secret}\n")).collect::<String>().repeat(repeat);
        let masks = masks(&["correct horse", "battery staple"]);
        let mut chunks = Vec::new();
        let (mut rest, mut sizes) = (text.as_bytes(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(*sizes.next().expect("it is a cycle")));
            chunks.push(now);
            rest = later;
        }
        prop_assert_eq!(masked(&masks, &chunks), masked(&masks, &[text.as_bytes()]));
    }

    #[test]
    fn no_secret_survives(before in plain(), secret in secret(), known in "[A-Za-z0-9/+&][A-Za-z0-9 /+&]{6,58}[A-Za-z0-9/+&]", after in plain()) {
        let text = format!("{before} {secret} {known}\n{after}\"{secret}\"{known}");
        let out = masked(&Masks::of([known.clone().into_bytes()].into_iter()), &[text.as_bytes()]);
        prop_assert!(out.find(&secret).is_none());
        prop_assert!(out.find(&known).is_none());
    }

    #[test]
    fn text_without_secrets_is_unchanged(text in plain(), bytes: Vec<u8>) {
        prop_assert_eq!(masked(&Masks::default(), &[text.as_bytes()]), text.as_bytes());
        prop_assert_eq!(masked(&Masks::default(), &[&bytes]), bytes);
    }

    #[test]
    fn what_is_kept_depends_on_the_bytes_alone(bytes in prop::collection::vec(prop_oneof![4 => any::<u8>(), 1 => Just(b'\n')], 0..700), chunk in 1_usize..300) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let stored = keep(&path, &bytes, chunk);
        prop_assert_eq!(&stored, &keep(&path, &bytes, bytes.len().max(1)));
        if bytes.len() <= 180 {
            prop_assert_eq!(stored, bytes);
        } else {
            let gap = stored.find("\n[proof-gate: ").expect("something was left out");
            let tail = gap + 1 + stored[gap + 1..].find_byte(b'\n').unwrap() + 1;
            prop_assert!(bytes.starts_with(&stored[..gap]) && bytes.ends_with(&stored[tail..]));
        }
    }
}
