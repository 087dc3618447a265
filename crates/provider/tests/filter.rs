//! The filter language: what reads as what, and where a text that is none goes wrong.

use ayb_provider::filter::{
    Comparison, Filter, Literal, MAX_BYTES, MAX_DEPTH, MAX_TERMS, MAX_VALUES, Path, Scalar, Term, Test, parse,
};

/// A filter as text with every group in parentheses.
fn shown(filter: &Filter) -> String {
    let joined = |all: &[Filter], word: &str| {
        let parts: Vec<_> = all.iter().map(shown).collect();
        format!("({})", parts.join(word))
    };
    match filter {
        Filter::And(all) => joined(all, " and "),
        Filter::Or(all) => joined(all, " or "),
        Filter::Not(inner) => format!("not {}", shown(inner)),
        Filter::Term(Term { path: Path { parts, .. }, test }) => match test {
            Test::Compare(comparison, Literal { value, .. }) => {
                format!("{} {} {value:?}", parts.join("/"), comparison.sign())
            }
            Test::In { negated, values } => {
                let values: Vec<_> = values.iter().map(|literal| &literal.value).collect();
                format!("{} in {negated} {values:?}", parts.join("/"))
            }
            Test::Like { negated, any_case, pattern } => {
                format!("{} like {negated} {any_case} {pattern:?}", parts.join("/"))
            }
            Test::Null { negated } => format!("{} null {negated}", parts.join("/")),
        },
    }
}

fn read(text: &str) -> String {
    parse(text).map_or_else(|error| error.to_string(), |filter| shown(&filter))
}

#[test]
fn every_form_of_a_condition_is_read() {
    let cases = [
        ("a = 1", r#"a = Number("1")"#),
        ("a == -1.5e+3", r#"a = Number("-1.5e+3")"#),
        ("a<>'it''s'", r#"a <> Text("it's")"#),
        (r#"a != "say ""hi""""#, r#"a <> Text("say \"hi\"")"#),
        ("A >= TRUE", "A >= Bool(true)"),
        ("a = null", "a null false"),
        ("a != NULL", "a null true"),
        ("a is not null", "a null true"),
        ("a In (1, 'b', false)", r#"a in false [Number("1"), Text("b"), Bool(false)]"#),
        ("a not in(0)", r#"a in true [Number("0")]"#),
        ("a like 'x%'", r#"a like false false "x%""#),
        ("a not ilike '\\%_'", r#"a like true true "\\%_""#),
        ("doc.items.0.name = 'x'", r#"doc/items/0/name = Text("x")"#),
        ("doc.in.null is null", "doc/in/null null false"),
        ("`order`.`a ``b``` > 1", r#"order/a `b` > Number("1")"#),
        ("größe < 3", r#"größe < Number("3")"#),
    ];
    for (text, meaning) in cases {
        assert_eq!(read(text), meaning, "{text}");
    }
}

#[test]
fn and_binds_closer_than_or_and_not_closest() {
    let term = |name| format!(r#"{name} = Number("1")"#);
    let (a, b, c) = (term("a"), term("b"), term("c"));
    assert_eq!(read("a=1 or b=1 and c=1"), format!("({a} or ({b} and {c}))"));
    assert_eq!(read("a=1 || b=1 && c=1"), format!("({a} or ({b} and {c}))"));
    assert_eq!(read("(a=1 or b=1) AND c=1"), format!("(({a} or {b}) and {c})"));
    assert_eq!(read("not a=1 and ! (b=1 or c=1)"), format!("(not {a} and not ({b} or {c}))"));
}

#[test]
fn an_error_names_the_character() {
    let cases = [
        ("", 1),
        ("   ", 4),
        ("a", 2),
        ("a =", 4),
        ("a = b", 5),
        ("a = 'b", 5),
        ("é = 1 @", 7),
        ("a = 1 b = 2", 7),
        ("(a = 1", 7),
        ("a = 1)", 6),
        ("a in ()", 7),
        ("a in (1,)", 9),
        ("a in (1 2)", 9),
        ("a in (null)", 7),
        ("a < null", 5),
        ("a like 1", 8),
        (r"a like 'x\'", 8),
        ("a is 1", 6),
        ("a = 01", 5),
        ("a = 1.", 5),
        ("a = 1e", 5),
        ("a = 1x", 5),
        ("a = +1", 5),
        ("and = 1", 1),
        ("a. = 1", 4),
        ("a = 'x\0'", 7),
        ("a; drop table users", 2),
        ("a = 1 -- b", 7),
    ];
    for (text, position) in cases {
        let error = parse(text).expect_err(text);
        assert_eq!(error.position, position, "{text}: {error}");
    }
}

#[test]
fn too_much_of_anything_is_refused_and_the_limit_itself_is_not() {
    let nested = |depth: usize| format!("{}a = 1{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(MAX_DEPTH - 1)).is_ok());
    assert!(parse(&nested(MAX_DEPTH)).is_err());
    assert!(parse(&nested(4000)).is_err());
    assert!(parse(&format!("{}a=1", "!".repeat(4000))).is_err());
    let terms = |count: usize| vec!["a=1"; count].join("||");
    assert!(parse(&terms(MAX_TERMS)).is_ok());
    assert!(parse(&terms(MAX_TERMS + 1)).is_err());
    let values = |count: usize| format!("a in ({})", vec!["1"; count].join(","));
    assert!(parse(&values(MAX_VALUES)).is_ok());
    assert!(parse(&values(MAX_VALUES + 1)).is_err());
    let long = |bytes: usize| format!("a = '{}'", "x".repeat(bytes - 6));
    assert!(parse(&long(MAX_BYTES)).is_ok());
    assert!(parse(&long(MAX_BYTES + 1)).is_err());
    assert!(parse(&format!("a{} = 1", ".a".repeat(15))).is_ok());
    assert!(parse(&format!("a{} = 1", ".a".repeat(16))).is_err());
}

#[test]
fn values_and_paths_say_where_they_stand() {
    let Ok(Filter::Or(all)) = parse("a = 1 or `b` in (2, 3)") else { panic!("not an or") };
    let Filter::Term(Term { path, test: Test::In { values, .. } }) = &all[1] else { panic!("not a list") };
    assert_eq!(path.position, 10);
    assert_eq!(values.iter().map(|literal| literal.position).collect::<Vec<_>>(), [18, 21]);
    assert_eq!(values[1].value, Scalar::Number("3".to_owned()));
    assert!(Comparison::Different.sign() == "<>");
}
