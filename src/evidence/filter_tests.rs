//! Filters as commands have them, and the titles that each runner would choose.

use super::*;
use crate::evidence::Outcome;

fn argv(words: &str) -> Vec<String> {
    // Blanks in a value are written as `_`.
    words.split(' ').map(|word| word.replace('_', " ")).collect()
}

fn case(title: &str) -> TestCase {
    TestCase {
        title: title.to_owned(),
        identity: TestCase::identity_of(title),
        file: Some("tests/pay.spec.ts".to_owned()),
        outcome: Outcome::Passed,
        detail: None,
    }
}

#[track_caller]
fn check(adapter: Adapter, words: &str, chosen: &[&str], left_out: &[&str]) {
    let filter = Filter::of(adapter, &argv(words)).expect("it can be read").expect("there is one");
    for title in chosen {
        assert_eq!(filter.chooses(&case(title)), Ok(true), "'{title}' by {filter}");
    }
    for title in left_out {
        assert_eq!(filter.chooses(&case(title)), Ok(false), "'{title}' by {filter}");
    }
}

#[track_caller]
fn check_none(adapter: Adapter, words: &str) {
    assert!(Filter::of(adapter, &argv(words)).expect("it can be read").is_none(), "{words}");
}

const MOCHA: Adapter = Adapter::MochaJson;

#[test]
fn mocha_holds_a_pattern_against_the_full_title() {
    for words in [
        "pnpm run test --grep payment",
        "npx mocha -g payment",
        "mocha --grep=payment",
        "mocha -gpayment",
        "node_modules/.bin/mocha -g=payment",
    ] {
        check(MOCHA, words, &["payment charges", "a payment"], &["booking", "Payment"]);
    }
    check(MOCHA, "mocha --grep /pay|book/i", &["PAYMENT", "booking"], &["stop"]);
    check(MOCHA, "mocha --grep ^pay_charges$", &["pay charges"], &["pay charges twice"]);
    check(MOCHA, "mocha --fgrep pay.", &["pay."], &["pays"]);
    check(MOCHA, "mocha --grep slow --invert", &["fast"], &["slow"]);
    check(MOCHA, "mocha -i -g slow", &["fast"], &["slow"]);
    check(MOCHA, "mocha -g pay -g book", &["pay", "book"], &["stop"]);
}

#[test]
fn an_option_of_one_letter_is_a_filter_only_behind_the_runner_or_a_script() {
    check_none(MOCHA, "make -f test.mk test");
    check_none(MOCHA, "pnpm -f api run test");
    check_none(MOCHA, "mocha --invert");
    check_none(MOCHA, "mocha test/payment.js");
    check(MOCHA, "pnpm run test -g pay", &["pay"], &["book"]);
    check(MOCHA, "make test --grep pay", &["pay"], &["book"]);
}

#[test]
fn playwright_ignores_case_but_between_slashes() {
    let title = "chromium pay.spec.ts payment charges @fast";
    for words in [
        "npx playwright test --grep PAYMENT",
        "npx playwright test -g @fast",
        "pnpm run e2e --grep=pay.spec",
        "npx playwright test -g /charges/",
    ] {
        check(Adapter::PlaywrightJson, words, &[title], &["chromium book.spec.ts booking books @slow"]);
    }
    check(Adapter::PlaywrightJson, "npx playwright test -g /Charges/", &[], &[title]);
    for words in
        ["npx playwright test --grep-invert slow", "npx playwright test -gv slow", "npx playwright test -G slow"]
    {
        check(Adapter::PlaywrightJson, words, &[title], &["a SLOW one"]);
    }
    check(Adapter::PlaywrightJson, "npx playwright test -g pay -G slow", &["pay"], &["pay slow", "book"]);
}

#[test]
fn vitest_keeps_case_and_jest_ignores_it() {
    check(Adapter::VitestJson, "npx vitest run -t pay", &["it pays"], &["Pay"]);
    check(Adapter::JestJson, "npx jest -t=pay", &["Pay"], &["book"]);
    check(
        Adapter::JestJson,
        "timeout 12 npx jest --testNamePattern ^pay_charges$",
        &["Pay charges"],
        &["pay charges twice"],
    );
    check_none(Adapter::VitestJson, "sh -t pay");
}

#[test]
fn node_takes_a_test_by_its_name_or_by_a_group_s() {
    let words = "node --test --test-name-pattern ^charges$ --test-name-pattern=/^BOOK/i";
    check(
        Adapter::NodeTest,
        words,
        &["pay charges", "charges twice", "booking books", "pay charges now"],
        &["pay refunds"],
    );
    let skip = "node --test --test-skip-pattern ^slow$";
    check(Adapter::NodeTest, skip, &["pay", "a slow one"], &["slow"]);
}

#[test]
fn go_compares_level_by_level() {
    let go = Adapter::GoJson;
    check(go, "go test ./... -run TestPay", &["shop/pay TestPay", "shop/pay TestPay/twice"], &["shop/pay TestBook"]);
    check(go, "go test -run=^TestPay$/twi", &["TestPay", "TestPay/twice"], &["TestPayment", "TestPay/once"]);
    check(go, "go test -run TestPay/x|TestBook", &["TestBook/y", "TestPay/x"], &["TestPay/y"]);
    check(go, "go test -run Test(Pay|Book)/[/x]", &["TestPay/x", "TestBook"], &["TestPay/y"]);
    check(go, "go test -run /once", &["TestPay/once", "TestPay"], &["TestPay/twice"]);
    assert!(Filter::of(go, &argv("go test -run (")).is_err());
}

fn unreadable(words: &str) -> String {
    Filter::of(MOCHA, &argv(words)).expect_err("it cannot be read").to_string()
}

#[test]
fn a_pattern_that_cannot_be_read_is_named() {
    assert!(unreadable("mocha --grep (pay").starts_with("the filter --grep '(pay' cannot be read: "));
    let slow = Filter::of(MOCHA, &argv(r"mocha --grep ^((?=a)a+)+b")).expect("it can be read").expect("there is one");
    assert!(slow.chooses(&case(&"a".repeat(300))).expect_err("too slow").why.contains("too many steps"));
}

#[test]
fn of_a_title_that_was_cut_nobody_says_that_it_does_not_match() {
    let cut = crate::evidence::text::bounded(&"x".repeat(10_000));
    check(MOCHA, "mocha --grep payment", &[&cut], &[]);
    let whole = format!("{} payment", "x".repeat(900));
    check(MOCHA, "mocha --grep payment", &[&crate::evidence::text::bounded(&whole)], &[&"x".repeat(900)]);
}

proptest::proptest! {
    #[test]
    fn nothing_makes_it_panic(words in proptest::collection::vec(".{0,12}", 0..6), title in ".{0,60}") {
        let names = ["mocha", "--grep", "-g", "-t", "-run", "--test-name-pattern"].map(str::to_owned);
        let argv: Vec<String> = names[..1].iter().cloned().chain(words.iter().flat_map(|word| [names[1].clone(), word.clone()])).collect();
        for adapter in [MOCHA, Adapter::PlaywrightJson, Adapter::JestJson, Adapter::GoJson, Adapter::NodeTest] {
            if let Ok(Some(filter)) = Filter::of(adapter, &argv) {
                let _ = filter.chooses(&case(&title));
            }
        }
    }

    #[test]
    fn a_word_of_the_title_chooses_the_test(title in "[a-z]{1,8}( [a-z]{1,8}){0,5}", which in proptest::prelude::any::<proptest::sample::Index>()) {
        let words: Vec<&str> = title.split(' ').collect();
        let word = words[which.index(words.len())];
        let argv = ["mocha", "--grep", word].map(str::to_owned);
        let filter = Filter::of(MOCHA, &argv).expect("it can be read").expect("there is one");
        proptest::prop_assert_eq!(filter.chooses(&case(&title)), Ok(true));
    }
}
