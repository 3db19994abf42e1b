//! The checks of the function, and what it becomes.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::{Attribute, Error, Ident, ItemFn, Result};

use crate::options::{Options, Seeds, Workers};

pub(crate) fn main(options: TokenStream, function: TokenStream) -> TokenStream {
    expand("#[loopwork::main]", options, function, |options, function| {
        let of_tests = options.virtual_time.or(options.seeds.map(|(_, span)| span));
        if let Some(span) = of_tests {
            let text = "this is for `#[loopwork::test]`: a program takes the builder's `clock` and \
                        `seed`";
            return Err(Error::new(span, text));
        }
        let workers = match options.workers {
            Workers::Default => None,
            Workers::Count(count) => Some(count),
            Workers::Each(_, span) => {
                let text = "a list of counts is for `#[loopwork::test]`: \
                            a program has one, such as `workers = 4`";
                return Err(Error::new(span, text));
            }
        };
        let (name, facade) = (&function.sig.ident, &options.facade);
        let workers = match workers {
            None => quote! { ::core::option::Option::None },
            Some(count) => {
                let count = Literal::usize_suffixed(count);
                quote! { ::core::option::Option::Some(#count) }
            }
        };
        let call = quote! { #facade::__private::block_on_main(#workers, #name()) };
        Ok(with_inner_body(&function, &call, TokenStream::new()))
    })
}

pub(crate) fn test(options: TokenStream, function: TokenStream) -> TokenStream {
    expand("#[loopwork::test]", options, function, |options, function| {
        if let Some(attr) = function.attrs.iter().find(|attr| attr.path().is_ident("test")) {
            let text = "`#[loopwork::test]` adds `#[test]` itself: remove it here";
            return Err(Error::new_spanned(attr, text));
        }
        let name = &function.sig.ident;
        let one = |workers| {
            with_inner_body(&function, &run_test(&options, workers, name), test_attribute())
        };
        Ok(match &options.workers {
            Workers::Default => one(None),
            Workers::Count(count) => one(Some(*count)),
            Workers::Each(counts, _) => one_test_each(&options, counts, &function),
        })
    })
}

/// Parses and checks both inputs and expands them, or gives the error.
///
/// With the error comes an empty function of the same name, so that the compiler does not report
/// that it is missing as well.
fn expand(
    attribute: &str,
    options: TokenStream,
    function: TokenStream,
    expansion: impl FnOnce(Options, ItemFn) -> Result<TokenStream>,
) -> TokenStream {
    let function: ItemFn = match syn::parse2(function) {
        Ok(function) => function,
        Err(error) => {
            let text = format!("`{attribute}` goes on an `async fn`");
            return Error::new(error.span(), text).into_compile_error();
        }
    };
    let name = function.sig.ident.clone();
    let expanded = check(attribute, &function)
        .and_then(|()| syn::parse2(options))
        .and_then(|options| expansion(options, function));
    expanded.unwrap_or_else(|error| {
        let error = error.into_compile_error();
        quote! { #error fn #name() {} }
    })
}

fn check(attribute: &str, function: &ItemFn) -> Result<()> {
    let sig = &function.sig;
    let refuse = |at: &dyn ToTokens, text: String| Err(Error::new_spanned(at, text));
    if sig.asyncness.is_none() {
        let text = format!("`{attribute}` runs an `async fn`: write `async fn {}()`", sig.ident);
        return refuse(&sig.fn_token, text);
    }
    if let Some(constness) = &sig.constness {
        return refuse(constness, format!("`{attribute}` cannot run a `const fn`: remove `const`"));
    }
    if let Some(abi) = &sig.abi {
        return refuse(abi, format!("`{attribute}` makes a Rust function: remove `extern`"));
    }
    if !sig.safety.to_token_stream().is_empty() {
        let text = format!("nobody could uphold its contract under `{attribute}`: remove this");
        return refuse(&sig.safety, text);
    }
    if !sig.generics.params.is_empty() {
        let text = format!("nobody chooses generic parameters under `{attribute}`: remove them");
        return refuse(&sig.generics, text);
    }
    if let Some(clause) = &sig.generics.where_clause {
        return refuse(clause, format!("`{attribute}` has no use for a `where` clause: remove it"));
    }
    if !sig.inputs.is_empty() {
        let text = format!(
            "nobody passes arguments under `{attribute}`: make them inside the function instead"
        );
        return refuse(&sig.inputs, text);
    }
    if let Some(variadic) = &sig.variadic {
        return refuse(variadic, format!("nobody passes arguments under `{attribute}`"));
    }
    Ok(())
}

/// The function, no longer `async`, with the `async` one inside.
fn with_inner_body(function: &ItemFn, call: &TokenStream, extra: TokenStream) -> TokenStream {
    let ItemFn { attrs, vis, sig, block, .. } = function;
    let (name, output) = (&sig.ident, &sig.output);
    quote! {
        #extra
        #(#attrs)*
        #vis fn #name() #output {
            async fn #name() #output #block
            #call
        }
    }
}

/// The `async` function as it is, and beside it a test for each count.
fn one_test_each(options: &Options, counts: &[usize], function: &ItemFn) -> TokenStream {
    let ItemFn { attrs, vis, sig, block, .. } = function;
    let (name, output) = (&sig.ident, &sig.output);
    let (of_test, of_body): (Vec<&Attribute>, Vec<&Attribute>) =
        attrs.iter().partition(|attr| belongs_to_test(attr));
    let conditions: Vec<_> = of_test.iter().filter(|attr| attr.path().is_ident("cfg")).collect();
    let test = test_attribute();
    let tests = counts.iter().map(|count| {
        let test_name = format_ident!("{}_workers_{}", name, count);
        let call = run_test(options, Some(*count), name);
        quote! {
            #test
            #(#of_test)*
            #vis fn #test_name() #output {
                #call
            }
        }
    });
    quote! {
        #(#conditions)*
        #[cfg(test)]
        #(#of_body)*
        async fn #name() #output #block
        #(#tests)*
    }
}

/// Whether an attribute speaks of the test and not of the function's code. `cfg` does both.
fn belongs_to_test(attr: &Attribute) -> bool {
    ["cfg", "cfg_attr", "ignore", "should_panic"].iter().any(|name| attr.path().is_ident(name))
}

fn test_attribute() -> TokenStream {
    quote! { #[::core::prelude::v1::test] }
}

/// Runs the `async` function of that name as a test.
fn run_test(options: &Options, workers: Option<usize>, name: &Ident) -> TokenStream {
    let facade = &options.facade;
    let workers = workers.map(|count| {
        let count = Literal::usize_suffixed(count);
        quote! { .workers(#count) }
    });
    let virtual_time = options.virtual_time.map(|_: Span| quote! { .virtual_time() });
    let seeds = options.seeds.map(|(seeds, _)| match seeds {
        Seeds::One(seed) => quote! { .seed(#seed) },
        Seeds::Many(count) => quote! { .seeds(#count) },
    });
    quote! {
        #facade::__private::Test::new() #workers #virtual_time #seeds .run(#name)
    }
}
