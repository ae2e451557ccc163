//! The report as a browser's parser sees it.
#![allow(dead_code, reason = "each user of this file needs a part of it")]

use html5ever::tendril::TendrilSink as _;
use markup5ever_rcdom::{Handle, NodeData, RcDom};

/// One element, in document order.
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    /// All text in it, that of its descendants included.
    pub(crate) text: String,
    /// Names and classes of what it stands in, outermost first.
    pub(crate) path: Vec<String>,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn has_class(&self, class: &str) -> bool {
        self.attribute("class").is_some_and(|classes| classes.split_whitespace().any(|word| word == class))
    }
}

/// All elements of the page `html`, parsed as a browser parses it.
pub(crate) fn elements(html: &str) -> Vec<Element> {
    let dom = html5ever::parse_document(RcDom::default(), html5ever::ParseOpts::default()).one(html);
    let mut found = Vec::new();
    collect(&dom.document, &mut Vec::new(), &mut found);
    found
}

fn collect(handle: &Handle, path: &mut Vec<String>, found: &mut Vec<Element>) -> String {
    let mut place = None;
    match &handle.data {
        NodeData::Text { contents } => return contents.borrow().to_string(),
        NodeData::Comment { contents } => panic!("the page has no comments, but: {contents}"),
        NodeData::Element { name, attrs, .. } => {
            let attributes: Vec<(String, String)> = attrs
                .borrow()
                .iter()
                .map(|attribute| (attribute.name.local.to_string(), attribute.value.to_string()))
                .collect();
            let name = name.local.to_string();
            let class =
                attributes.iter().find(|(key, _)| key == "class").map_or("", |(_, value)| value.as_str());
            let step = format!("{name}.{class}");
            place = Some(found.len());
            found.push(Element { name, attributes, text: String::new(), path: path.clone() });
            path.push(step);
        }
        _ => {}
    }
    let text: String = handle.children.borrow().iter().map(|child| collect(child, path, found)).collect();
    if let Some(place) = place {
        found[place].text.clone_from(&text);
        path.pop();
    }
    text
}
