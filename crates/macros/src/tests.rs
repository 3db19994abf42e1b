//! The expansions and the errors, token by token.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::quote;

use crate::expand;

#[track_caller]
fn assert_tokens(expanded: &TokenStream, expected: &TokenStream) {
    assert_eq!(expanded.to_string(), expected.to_string());
}

/// The text of the `compile_error!` at the beginning, and where it points.
fn error(expanded: TokenStream) -> (String, Span) {
    let mut tokens = expanded.into_iter().skip_while(|token| !matches!(token, TokenTree::Group(_)));
    let Some(TokenTree::Group(arguments)) = tokens.next() else { panic!("no error was reported") };
    let Some(TokenTree::Literal(text)) = arguments.stream().into_iter().next() else {
        panic!("`compile_error!` without a text");
    };
    (text.to_string().trim_matches('"').replace("\\\"", "\""), text.span())
}

#[track_caller]
fn assert_main_error(options: &str, function: &str, expected: &str) {
    let expanded = expand::main(options.parse().unwrap(), function.parse().unwrap());
    assert_eq!(error(expanded).0, expected);
}

#[track_caller]
fn assert_test_error(options: &str, function: &str, expected: &str) {
    let expanded = expand::test(options.parse().unwrap(), function.parse().unwrap());
    assert_eq!(error(expanded).0, expected);
}

const MAIN: &str = "async fn main() {}";

#[test]
fn main_keeps_attributes_visibility_and_return_type() {
    let function = quote! {
        #[allow(unused)]
        pub(crate) async fn main() -> Result<(), Error> { work().await?; Ok(()) }
    };
    let expected = quote! {
        #[allow(unused)]
        pub(crate) fn main() -> Result<(), Error> {
            async fn main() -> Result<(), Error> { work().await?; Ok(()) }
            ::loopwork::__private::block_on_main(::core::option::Option::None, main())
        }
    };
    assert_tokens(&expand::main(quote!(), function), &expected);
}

#[test]
fn main_passes_the_number_of_workers_and_the_path_of_the_crate() {
    let expanded =
        expand::main(quote!(workers = 4, crate = "my::runtime",), quote! { async fn start() {} });
    let expected = quote! {
        fn start() {
            async fn start() {}
            my::runtime::__private::block_on_main(::core::option::Option::Some(4usize), start())
        }
    };
    assert_tokens(&expanded, &expected);
}

#[test]
fn test_adds_the_attribute_and_keeps_the_others() {
    let function = quote! {
        #[should_panic(expected = "no")]
        #[ignore]
        async fn refuses() { panic!("no") }
    };
    let expected = quote! {
        #[::core::prelude::v1::test]
        #[should_panic(expected = "no")]
        #[ignore]
        fn refuses() {
            async fn refuses() { panic!("no") }
            ::loopwork::__private::Test::new().workers(1usize).run(refuses)
        }
    };
    assert_tokens(&expand::test(quote!(workers = 1), function), &expected);
}

#[test]
fn a_list_of_counts_makes_a_test_of_each() {
    let function = quote! {
        #[cfg(unix)]
        #[allow(unused)]
        #[ignore]
        async fn counts() -> Result<(), Error> { Ok(()) }
    };
    let expected = quote! {
        #[cfg(unix)]
        #[cfg(test)]
        #[allow(unused)]
        async fn counts() -> Result<(), Error> { Ok(()) }
        #[::core::prelude::v1::test]
        #[cfg(unix)]
        #[ignore]
        fn counts_workers_1() -> Result<(), Error> {
            ::loopwork::__private::Test::new().workers(1usize).run(counts)
        }
        #[::core::prelude::v1::test]
        #[cfg(unix)]
        #[ignore]
        fn counts_workers_8() -> Result<(), Error> {
            ::loopwork::__private::Test::new().workers(8usize).run(counts)
        }
    };
    assert_tokens(&expand::test(quote!(workers = [1, 8]), function), &expected);
}

#[test]
fn a_test_may_have_virtual_time_and_a_seed() {
    for (options, expected) in [
        (quote!(virtual_time), quote! { Test::new().virtual_time().run(waits) }),
        (quote!(seed = 7), quote! { Test::new().workers(1usize).seed(7u64).run(waits) }),
        (
            quote!(workers = 1, virtual_time, seeds = 100),
            quote! { Test::new().workers(1usize).virtual_time().seeds(100u64).run(waits) },
        ),
    ] {
        let expected = quote! {
            #[::core::prelude::v1::test]
            fn waits() {
                async fn waits() {}
                ::loopwork::__private::#expected
            }
        };
        assert_tokens(&expand::test(options, quote! { async fn waits() {} }), &expected);
    }
}

#[test]
fn what_is_for_tests_is_for_tests() {
    for options in ["virtual_time", "seed = 1", "seeds = 2"] {
        let expected = "this is for `#[loopwork::test]`: a program takes the builder's `clock` and \
                        `seed`";
        assert_main_error(options, MAIN, expected);
    }
    let test = "async fn waits() {}";
    let expected = "a seed orders the tasks of one worker: write `workers = 1`";
    for options in ["seed = 1, workers = 2", "workers = [1, 2], seeds = 5"] {
        assert_test_error(options, test, expected);
    }
    assert_test_error("seed = 1, seeds = 2", test, "`seeds` is given twice");
    assert_test_error("seeds", test, "`seeds` needs a value: `seeds = 100`");
    assert_test_error("seeds = 0", test, "with no seed the test would not run: `seeds = 1`");
    assert_test_error("seed = \"x\"", test, "`seed` takes an integer literal, such as `seed = 7`");
}

#[test]
fn the_function_must_be_async_and_stand_alone() {
    for (function, expected) in [
        ("fn main() {}", "`#[loopwork::main]` runs an `async fn`: write `async fn main()`"),
        ("const async fn main() {}", "`#[loopwork::main]` cannot run a `const fn`: remove `const`"),
        (
            "async unsafe fn main() {}",
            "nobody could uphold its contract under `#[loopwork::main]`: remove this",
        ),
        (
            r#"async extern "C" fn main() {}"#,
            "`#[loopwork::main]` makes a Rust function: remove `extern`",
        ),
        (
            "async fn main<T>() {}",
            "nobody chooses generic parameters under `#[loopwork::main]`: remove them",
        ),
        (
            "async fn main() where u8: Copy {}",
            "`#[loopwork::main]` has no use for a `where` clause: remove it",
        ),
        (
            "async fn main(a: u8) {}",
            "nobody passes arguments under `#[loopwork::main]`: make them inside the function \
             instead",
        ),
        ("struct Main;", "`#[loopwork::main]` goes on an `async fn`"),
    ] {
        assert_main_error("", function, expected);
    }
    assert_test_error(
        "",
        "fn sums() {}",
        "`#[loopwork::test]` runs an `async fn`: write `async fn sums()`",
    );
}

#[test]
fn options_are_known_given_once_and_have_the_right_kind_of_value() {
    for (options, expected) in [
        (
            "flavor = 1",
            "unknown option `flavor`: there are `workers`, `virtual_time`, `seed`, `seeds` and `crate`",
        ),
        ("workers = 1, workers = 2", "`workers` is given twice"),
        ("workers", "`workers` needs a value: `workers = 4`"),
        ("crate", r#"`crate` needs a value: `crate = "path::to::loopwork"`"#),
        ("workers = N", "`workers` takes an integer literal, such as `workers = 4`"),
        ("workers = 0", "a loop has at least one worker"),
        (
            "crate = loopwork",
            r#"`crate` takes a path in quotes, such as `crate = "path::to::loopwork"`"#,
        ),
        (r#"crate = "no path""#, "`no path` is not the path of a crate"),
        (
            "workers = [1, 2]",
            "a list of counts is for `#[loopwork::test]`: a program has one, such as \
             `workers = 4`",
        ),
        ("workers = 1 2", "expected `,`"),
    ] {
        assert_main_error(options, MAIN, expected);
    }
}

#[test]
fn a_list_of_counts_has_some_and_each_once() {
    for (options, expected) in [
        ("workers = []", "name at least one count, such as `workers = [1, 4]`"),
        ("workers = [1, 2, 1]", "the count 1 is given twice"),
        ("workers = [1, 0]", "a loop has at least one worker"),
        ("workers = [a]", "`workers` takes an integer literal, such as `workers = 4`"),
    ] {
        assert_test_error(options, "async fn sums() {}", expected);
    }
}

#[test]
fn a_second_test_attribute_is_refused() {
    assert_test_error(
        "",
        "#[test] async fn sums() {}",
        "`#[loopwork::test]` adds `#[test]` itself: remove it here",
    );
}

#[test]
fn an_error_points_at_what_is_wrong() {
    let options: TokenStream = "workers = 2, colour = 1".parse().unwrap();
    let (_, span) = error(expand::main(options, MAIN.parse().unwrap()));
    assert_eq!(span.start().column, "workers = 2, ".len());
    let (_, span) = error(expand::main(quote!(), "fn main() {}".parse().unwrap()));
    assert_eq!((span.start().column, span.end().column), (0, "fn".len()));
}

#[test]
fn with_an_error_comes_a_function_of_that_name() {
    let expanded = expand::main(quote!(colour = 1), quote! { async fn main() {} });
    assert!(expanded.to_string().ends_with("fn main () { }"));
}
