//! What may stand in the parentheses of the attribute.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Ident, LitInt, LitStr, Path, Result, Token, bracketed, token};

pub(crate) struct Options {
    pub(crate) workers: Workers,
    /// The span is that of the option, as for `seeds`.
    pub(crate) virtual_time: Option<Span>,
    pub(crate) seeds: Option<(Seeds, Span)>,
    /// Where the facade is.
    pub(crate) facade: Path,
}

pub(crate) enum Workers {
    /// What the machine has.
    Default,
    Count(usize),
    /// One run for each. The span is that of the list's bracket.
    Each(Vec<usize>, Span),
}

/// Which orders of ready tasks a test runs in.
#[derive(Clone, Copy)]
pub(crate) enum Seeds {
    /// That of one seed.
    One(u64),
    /// Those of so many seeds.
    Many(u64),
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let (mut workers, mut facade, mut virtual_time, mut seeds) = (None, None, None, None);
        while !input.is_empty() {
            let name = input.call(Ident::parse_any)?;
            let twice = match name.to_string().as_str() {
                "workers" => {
                    expect_equals(input, &name)?;
                    workers.replace(input.parse::<Workers>()?).is_some()
                }
                "crate" => {
                    expect_equals(input, &name)?;
                    facade.replace(parse_path(input)?).is_some()
                }
                "virtual_time" => virtual_time.replace(name.span()).is_some(),
                "seed" => {
                    expect_equals(input, &name)?;
                    seeds.replace((Seeds::One(parse_seed(input, &name)?), name.span())).is_some()
                }
                "seeds" => {
                    expect_equals(input, &name)?;
                    seeds.replace((Seeds::Many(parse_seed(input, &name)?), name.span())).is_some()
                }
                other => {
                    let text = format!(
                        "unknown option `{other}`: there are `workers`, `virtual_time`, `seed`, \
                         `seeds` and `crate`"
                    );
                    return Err(Error::new(name.span(), text));
                }
            };
            if twice {
                return Err(Error::new(name.span(), format!("`{name}` is given twice")));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        if let Some((_, span)) = seeds {
            match workers {
                // Only there a seed decides about the order.
                None => workers = Some(Workers::Count(1)),
                Some(Workers::Count(1)) => {}
                Some(_) => {
                    let text = "a seed orders the tasks of one worker: write `workers = 1`";
                    return Err(Error::new(span, text));
                }
            }
        }
        Ok(Self {
            workers: workers.unwrap_or(Workers::Default),
            virtual_time,
            seeds,
            facade: facade.unwrap_or_else(|| syn::parse_quote!(::loopwork)),
        })
    }
}

impl Parse for Workers {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if !input.peek(token::Bracket) {
            return Ok(Self::Count(parse_count(input)?.0));
        }
        let content;
        let bracket = bracketed!(content in input);
        let span = bracket.span.join();
        let list = Punctuated::<Count, Token![,]>::parse_terminated_with(&content, |input| {
            parse_count(input).map(|(count, span)| Count { count, span })
        })?;
        if list.is_empty() {
            return Err(Error::new(span, "name at least one count, such as `workers = [1, 4]`"));
        }
        let mut counts = Vec::with_capacity(list.len());
        for Count { count, span } in list {
            if counts.contains(&count) {
                return Err(Error::new(span, format!("the count {count} is given twice")));
            }
            counts.push(count);
        }
        Ok(Self::Each(counts, span))
    }
}

struct Count {
    count: usize,
    span: Span,
}

fn expect_equals(input: ParseStream<'_>, name: &Ident) -> Result<()> {
    if input.parse::<Option<Token![=]>>()?.is_some() {
        return Ok(());
    }
    let example = match name.to_string().as_str() {
        "workers" => "workers = 4",
        "seed" => "seed = 7",
        "seeds" => "seeds = 100",
        _ => r#"crate = "path::to::loopwork""#,
    };
    Err(Error::new(name.span(), format!("`{name}` needs a value: `{example}`")))
}

fn parse_count(input: ParseStream<'_>) -> Result<(usize, Span)> {
    let literal: LitInt = input.parse().map_err(|error| {
        Error::new(error.span(), "`workers` takes an integer literal, such as `workers = 4`")
    })?;
    match literal.base10_parse() {
        Ok(0) => Err(Error::new(literal.span(), "a loop has at least one worker")),
        Ok(count) => Ok((count, literal.span())),
        Err(error) => Err(error),
    }
}

fn parse_seed(input: ParseStream<'_>, name: &Ident) -> Result<u64> {
    let literal: LitInt = input.parse().map_err(|error| {
        Error::new(error.span(), format!("`{name}` takes an integer literal, such as `{name} = 7`"))
    })?;
    match literal.base10_parse() {
        Ok(0) if name == "seeds" => {
            Err(Error::new(literal.span(), "with no seed the test would not run: `seeds = 1`"))
        }
        Ok(number) => Ok(number),
        Err(error) => Err(error),
    }
}

fn parse_path(input: ParseStream<'_>) -> Result<Path> {
    let literal: LitStr = input.parse().map_err(|error| {
        Error::new(
            error.span(),
            r#"`crate` takes a path in quotes, such as `crate = "path::to::loopwork"`"#,
        )
    })?;
    literal.parse_with(Path::parse_mod_style).map_err(|_| {
        Error::new(literal.span(), format!("`{}` is not the path of a crate", literal.value()))
    })
}
