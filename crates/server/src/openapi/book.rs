//! Writing the description: one line an operation, schemas taken from the types themselves.

use std::collections::BTreeMap;

use utoipa::ToSchema;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn, PathItem, Paths};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ComponentsBuilder, ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    HttpMethod, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required, ResponseBuilder,
    Schema,
};

use super::messages::{Error, OAuthError};

/// The content types of bodies and answers.
pub(super) const JSON: &str = "application/json";
pub(super) const FORM: &str = "application/x-www-form-urlencoded";
pub(super) const HTML: &str = "text/html";

/// The names of the ways to prove who asks.
pub(super) const ADMIN: &str = "admin";
pub(super) const SESSION: &str = "session";
pub(super) const ACCESS: &str = "accessToken";
pub(super) const API_KEY: &str = "apiKey";
pub(super) const CLIENT: &str = "client";

const ABOUT: &str = "An OAuth 2.0 and OpenID Connect provider, its accounts and its administration. Times are RFC 3339 \
    in UTC. Errors outside the OAuth endpoints are `Error`, those of OAuth endpoints are `OAuthError`.";

/// The description while it is being written.
#[derive(Default)]
pub(super) struct Book {
    paths: Paths,
    schemas: BTreeMap<String, RefOr<Schema>>,
    tags: Vec<(&'static str, &'static str)>,
}

/// An operation while it is being described.
pub(super) struct Entry<'b> {
    book: &'b mut Book,
    operation: OperationBuilder,
}

impl Book {
    /// Begins a chapter: the operations that follow belong to it.
    pub(super) fn chapter(&mut self, name: &'static str, about: &'static str) {
        self.tags.push((name, about));
    }

    /// Describes an operation of the current chapter.
    pub(super) fn operation(
        &mut self,
        method: HttpMethod,
        path: &str,
        id: &str,
        summary: &str,
        describe: impl FnOnce(Entry<'_>) -> OperationBuilder,
    ) {
        let tag = self.tags.last().map_or("", |(name, _)| name);
        let operation = OperationBuilder::new().tag(tag).operation_id(Some(id)).summary(Some(summary));
        let operation = describe(Entry { book: self, operation });
        let item = PathItem::new(method, operation);
        match self.paths.paths.get_mut(path) {
            Some(known) => known.merge_operations(item),
            None => {
                self.paths.paths.insert(path.to_owned(), item);
            }
        }
    }

    /// Keeps the schema of `T` and what it refers to; the answer refers to it.
    fn schema<T: ToSchema>(&mut self) -> RefOr<Schema> {
        let name = T::name().into_owned();
        self.schemas.insert(name.clone(), T::schema());
        let mut more = Vec::new();
        T::schemas(&mut more);
        self.schemas.extend(more);
        Ref::from_schema_name(name).into()
    }

    /// A list of `T`: one page of it, or all of it.
    fn list<T: ToSchema>(&mut self, paged: bool) -> RefOr<Schema> {
        let entries = ArrayBuilder::new().items(self.schema::<T>()).description(Some("The entries."));
        let mut list = ObjectBuilder::new().property("items", entries).required("items");
        let numbers = [
            ("page", "Which page it is, counted from 1."),
            ("perPage", "Entries on a full page."),
            ("totalItems", "Entries on all pages."),
            ("totalPages", "How many pages there are."),
        ];
        for (name, about) in numbers.into_iter().filter(|_| paged) {
            let number = ObjectBuilder::new().schema_type(Type::Integer).description(Some(about));
            list = list.property(name, number).required(name);
        }
        let about = if paged { "One page of a list." } else { "A whole list." };
        let name = format!("{}List", T::name());
        self.schemas.insert(name.clone(), list.description(Some(about)).into());
        Ref::from_schema_name(name).into()
    }

    /// The finished description.
    pub(super) fn close(self) -> OpenApi {
        let bearer = |about: &str| {
            let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about));
            SecurityScheme::Http(scheme.build())
        };
        let basic = HttpBuilder::new().scheme(HttpAuthScheme::Basic).description(Some(
            "Client id and secret (RFC 6749 §2.3.1); or both in the form body, or the id alone.",
        ));
        let components = ComponentsBuilder::new()
            .schemas_from_iter(self.schemas)
            .security_scheme(ADMIN, bearer("A token of `POST /api/admin/auth`."))
            .security_scheme(SESSION, bearer("A session token of `POST /api/auth/login`."))
            .security_scheme(ACCESS, bearer("An access token of `POST /oauth/token`."))
            .security_scheme(API_KEY, bearer("An API key, `ayb_` and 48 hexadecimal digits."))
            .security_scheme(CLIENT, SecurityScheme::Http(basic.build()))
            .build();
        let license =
            LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build();
        let info = InfoBuilder::new()
            .title("ayb")
            .version(env!("CARGO_PKG_VERSION"))
            .description(Some(ABOUT))
            .license(Some(license))
            .build();
        let tag = |(name, about): (&str, &str)| TagBuilder::new().name(name).description(Some(about)).build();
        OpenApiBuilder::new()
            .info(info)
            .paths(self.paths)
            .components(Some(components))
            .tags(Some(self.tags.into_iter().map(tag)))
            .build()
    }
}

impl Entry<'_> {
    /// More words.
    pub(super) fn about(mut self, text: &str) -> Self {
        self.operation = self.operation.description(Some(text));
        self
    }

    /// A way to prove who asks; several are alternatives.
    pub(super) fn needs(mut self, scheme: &str) -> Self {
        self.operation = self.operation.security(SecurityRequirement::new(scheme, [] as [&str; 0]));
        self
    }

    /// A parameter of the path.
    pub(super) fn path(mut self, name: &str, about: &str) -> Self {
        let parameter = text_parameter(name, about).parameter_in(ParameterIn::Path).required(Required::True);
        self.operation = self.operation.parameter(parameter);
        self
    }

    /// Parameters of the query, all optional unless they begin with `!`.
    pub(super) fn query(mut self, parameters: &[(&str, &str)]) -> Self {
        for (name, about) in parameters {
            let required = if name.starts_with('!') { Required::True } else { Required::False };
            let parameter = text_parameter(name.trim_start_matches('!'), about);
            self.operation =
                self.operation.parameter(parameter.parameter_in(ParameterIn::Query).required(required));
        }
        self
    }

    /// Which page of a list.
    pub(super) fn pages(mut self) -> Self {
        for (name, about) in [
            ("page", "Which page, counted from 1. A number out of range is brought into range."),
            ("perPage", "Entries on a page: 20 when not said, at most 100."),
        ] {
            let number = ObjectBuilder::new().schema_type(Type::Integer);
            let parameter = ParameterBuilder::new().name(name).description(Some(about)).schema(Some(number));
            self.operation = self.operation.parameter(parameter.parameter_in(ParameterIn::Query));
        }
        self
    }

    /// The body, as JSON.
    pub(super) fn body<T: ToSchema>(self) -> Self {
        self.body_as::<T>(JSON, Required::True)
    }

    /// The body, as JSON, that may be left out.
    pub(super) fn optional_body<T: ToSchema>(self) -> Self {
        self.body_as::<T>(JSON, Required::False)
    }

    /// The body, as a form.
    pub(super) fn form<T: ToSchema>(self) -> Self {
        self.body_as::<T>(FORM, Required::True)
    }

    fn body_as<T: ToSchema>(mut self, kind: &str, required: Required) -> Self {
        let schema = self.book.schema::<T>();
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let body = RequestBodyBuilder::new().content(kind, content).required(Some(required)).build();
        self.operation = self.operation.request_body(Some(body));
        self
    }

    /// An answer in JSON.
    pub(super) fn gives<T: ToSchema>(self, status: u16, about: &str) -> Self {
        self.gives_as::<T>(status, about, JSON)
    }

    /// An answer with one page of a list.
    pub(super) fn gives_page<T: ToSchema>(self, about: &str) -> Self {
        let schema = self.book.list::<T>(true);
        self.answer(200, about, Some((JSON, schema)))
    }

    /// An answer with a whole list.
    pub(super) fn gives_list<T: ToSchema>(self, about: &str) -> Self {
        let schema = self.book.list::<T>(false);
        self.answer(200, about, Some((JSON, schema)))
    }

    /// An answer without a body of interest.
    pub(super) fn says(self, status: u16, about: &str) -> Self {
        self.answer(status, about, None)
    }

    /// An answer that is a page for people.
    fn shows_at(self, status: u16, about: &str) -> Self {
        let page = ObjectBuilder::new().schema_type(Type::String);
        self.answer(status, about, Some((HTML, page.into())))
    }

    /// Answers to people: pages, and redirects to others. One that is said again takes the place of the one before.
    pub(super) fn pages_for(self, answers: &[(u16, &str)]) -> Self {
        answers.iter().fold(self, |entry, (status, about)| match status {
            300..400 => entry.says(*status, about),
            _ => entry.shows_at(*status, about),
        })
    }

    fn gives_as<T: ToSchema>(self, status: u16, about: &str, kind: &str) -> Self {
        let schema = self.book.schema::<T>();
        self.answer(status, about, Some((kind, schema)))
    }

    fn answer(mut self, status: u16, about: &str, content: Option<(&str, RefOr<Schema>)>) -> Self {
        let mut response = ResponseBuilder::new().description(about);
        if let Some((kind, schema)) = content {
            response = response.content(kind, ContentBuilder::new().schema(Some(schema)).build());
        }
        self.operation = self.operation.response(status.to_string(), response.build());
        self
    }

    /// Errors in the envelope.
    pub(super) fn fails(self, errors: &[(u16, &str)]) -> Self {
        errors.iter().fold(self, |entry, (status, about)| entry.gives::<Error>(*status, about))
    }

    /// Errors of OAuth endpoints.
    pub(super) fn refuses(self, errors: &[(u16, &str)]) -> Self {
        errors.iter().fold(self, |entry, (status, about)| entry.gives::<OAuthError>(*status, about))
    }

    /// The end of the description.
    pub(super) fn end(self) -> OperationBuilder {
        self.operation
    }
}

fn text_parameter(name: &str, about: &str) -> ParameterBuilder {
    let text = ObjectBuilder::new().schema_type(Type::String);
    ParameterBuilder::new().name(name).description(Some(about)).schema(Some(text))
}
