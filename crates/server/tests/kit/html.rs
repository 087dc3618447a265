//! Pages as a browser sees them: elements, text and forms. A flat pass over the tokens is enough for our own pages.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, CharacterTokens, EndTag, StartTag, TagToken, Token, TokenSink, TokenSinkResult, Tokenizer,
    TokenizerOpts,
};

/// A start tag.
#[derive(Clone, Debug)]
pub(crate) struct Element {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    /// The text up to the matching end tag, white space folded.
    pub(crate) text: String,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.attribute(name) == Some(value)
    }
}

/// A form: where it goes and what is in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    pub(crate) action: String,
    pub(crate) method: String,
    /// Inputs and buttons.
    pub(crate) controls: Vec<Element>,
}

impl Form {
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.controls.iter().find(|control| control.is("name", name))?.attribute("value")
    }
}

/// A page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    pub(crate) elements: Vec<Element>,
    pub(crate) forms: Vec<Form>,
    /// All text, white space folded.
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn parse(html: &str) -> Self {
        let sink = Sink::default();
        let input = BufferQueue::default();
        input.push_back(StrTendril::from(html));
        let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
        let _done = tokenizer.feed(&input);
        tokenizer.end();
        let mut reading = tokenizer.sink.0.into_inner();
        while !reading.open.is_empty() {
            reading.close_last();
        }
        reading.page.text = fold(&reading.page.text);
        reading.page
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<&Element> {
        self.elements.iter().find(|element| element.is("id", id))
    }

    /// The text of the element with this id; empty when there is none.
    pub(crate) fn text_of(&self, id: &str) -> &str {
        self.by_id(id).map(|element| element.text.as_str()).unwrap_or_default()
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.elements.iter().filter(move |element| element.name == name)
    }

    /// The `name` of the control with this label, `name` or id.
    pub(crate) fn control(&self, label: &str) -> Option<String> {
        let labelled = self.all("label").find(|element| element.text == label);
        let id = labelled.and_then(|element| element.attribute("for")).unwrap_or(label);
        let found = self.by_id(id).or_else(|| self.elements.iter().find(|element| element.is("name", label)));
        found?.attribute("name").map(str::to_owned)
    }
}

#[derive(Default)]
struct Sink(RefCell<Reading>);

#[derive(Default)]
struct Reading {
    page: Page,
    /// Open elements: index in `page.elements`, and where their text begins.
    open: Vec<(usize, usize)>,
    in_form: bool,
}

const VOID: [&str; 6] = ["input", "meta", "link", "br", "img", "hr"];

impl Reading {
    fn start(&mut self, element: Element) {
        let at = self.page.text.len();
        let is_void = VOID.contains(&element.name.as_str());
        if element.name == "form" {
            self.in_form = true;
            self.page.forms.push(Form {
                action: element.attribute("action").unwrap_or_default().to_owned(),
                method: element.attribute("method").unwrap_or("get").to_owned(),
                controls: Vec::new(),
            });
        }
        if self.in_form
            && ["input", "button"].contains(&element.name.as_str())
            && let Some(form) = self.page.forms.last_mut()
        {
            form.controls.push(element.clone());
        }
        self.page.elements.push(element);
        if !is_void {
            self.open.push((self.page.elements.len() - 1, at));
        }
    }

    fn end(&mut self, name: &str) {
        if name == "form" {
            self.in_form = false;
        }
        let Some(depth) = self.open.iter().rposition(|(index, _)| self.page.elements[*index].name == name)
        else {
            return;
        };
        while self.open.len() > depth {
            self.close_last();
        }
    }

    fn close_last(&mut self) {
        if let Some((index, from)) = self.open.pop() {
            self.page.elements[index].text = fold(&self.page.text[from..]);
        }
    }
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut reading = self.0.borrow_mut();
        match token {
            CharacterTokens(text) => reading.page.text.push_str(&text),
            TagToken(tag) if tag.kind == StartTag => {
                let attributes = tag.attrs.iter();
                let attributes =
                    attributes.map(|attr| (attr.name.local.to_string(), attr.value.to_string())).collect();
                reading.start(Element { name: tag.name.to_string(), attributes, text: String::new() });
            }
            TagToken(tag) if tag.kind == EndTag => reading.end(&tag.name),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
