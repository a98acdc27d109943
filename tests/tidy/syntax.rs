//! Questions to the syntax tree: which rooms a file uses, how long its functions are, which names
//! it gives, where it is unsafe, what it calls.

use proc_macro2::Span;
use syn::{
    ext::IdentExt,
    spanned::Spanned,
    visit::{self, Visit},
};

/// The rooms that a file uses, with lines: the first segment after `crate::`, or after as many
/// `super::` as lead to the crate's root. `modules` is the file's own module path.
pub(crate) fn crate_paths(tree: &syn::File, modules: &[String]) -> Vec<(String, usize)> {
    let mut paths = Paths { depth: modules.len(), inner: 0, rooms: Vec::new() };
    paths.visit_file(tree);
    paths.rooms
}

struct Paths {
    depth: usize,
    inner: usize,
    rooms: Vec<(String, usize)>,
}

impl Paths {
    fn note(&mut self, segments: &[&syn::Ident]) {
        let climbed = segments.iter().take_while(|segment| **segment == "super").count();
        let from_root = match segments.first() {
            Some(first) if *first == "crate" => 1,
            Some(_) if climbed > 0 && climbed == self.depth + self.inner => climbed,
            _ => return,
        };
        if let Some(room) = segments.get(from_root) {
            let line = room.span().start().line;
            self.rooms.push((room.unraw().to_string(), line));
        }
    }

    fn note_use<'a>(&mut self, tree: &'a syn::UseTree, so_far: &mut Vec<&'a syn::Ident>) {
        match tree {
            syn::UseTree::Path(path) => {
                so_far.push(&path.ident);
                self.note_use(&path.tree, so_far);
                so_far.pop();
            }
            syn::UseTree::Group(group) => {
                for item in &group.items {
                    self.note_use(item, so_far);
                }
            }
            syn::UseTree::Name(syn::UseName { ident })
            | syn::UseTree::Rename(syn::UseRename { ident, .. }) => {
                so_far.push(ident);
                self.note(so_far);
                so_far.pop();
            }
            syn::UseTree::Glob(_) => self.note(so_far),
        }
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        self.inner += 1;
        visit::visit_item_mod(self, module);
        self.inner -= 1;
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.note_use(&item.tree, &mut Vec::new());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<_> = path.segments.iter().map(|segment| &segment.ident).collect();
        self.note(&segments);
        visit::visit_path(self, path);
    }
}

/// A function and how many lines of code its body has: lines that are empty or only comment do not
/// count.
pub(crate) fn functions(source: &crate::source::Source) -> Vec<(String, usize, usize)> {
    let mut functions =
        Functions { lines: source.text.lines().map(str::trim).collect(), found: Vec::new() };
    functions.visit_file(&source.tree);
    functions.found
}

struct Functions<'a> {
    lines: Vec<&'a str>,
    found: Vec<(String, usize, usize)>,
}

impl Functions<'_> {
    fn note(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let (first, last) = (block.span().start().line, block.span().end().line);
        let inside = self.lines.get(first..last.saturating_sub(1)).unwrap_or_default();
        let code = inside.iter().filter(|line| !line.is_empty() && !line.starts_with("//"));
        let line = signature.ident.span().start().line;
        self.found.push((signature.ident.to_string(), line, code.count()));
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.note(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.note(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.note(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

/// Every name that a file gives to something, with its line: items, fields, variants, bindings.
pub(crate) fn definitions(tree: &syn::File) -> Vec<(String, usize)> {
    let mut definitions = Definitions::default();
    definitions.visit_file(tree);
    definitions.found
}

#[derive(Default)]
struct Definitions {
    found: Vec<(String, usize)>,
}

impl Definitions {
    fn note(&mut self, ident: &syn::Ident) {
        self.found.push((ident.unraw().to_string(), ident.span().start().line));
    }
}

impl<'ast> Visit<'ast> for Definitions {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let ident = match item {
            syn::Item::Const(item) => Some(&item.ident),
            syn::Item::Enum(item) => Some(&item.ident),
            syn::Item::Mod(item) => Some(&item.ident),
            syn::Item::Static(item) => Some(&item.ident),
            syn::Item::Struct(item) => Some(&item.ident),
            syn::Item::Trait(item) => Some(&item.ident),
            syn::Item::Type(item) => Some(&item.ident),
            _ => None,
        };
        if let Some(ident) = ident {
            self.note(ident);
        }
        visit::visit_item(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        // A trait that others wrote names its own functions.
        if item.trait_.is_none() {
            for item in &item.items {
                if let syn::ImplItem::Fn(function) = item {
                    self.note(&function.sig.ident);
                }
            }
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.note(&function.sig.ident);
        visit::visit_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        self.note(&function.sig.ident);
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if let Some(ident) = &field.ident {
            self.note(ident);
        }
        visit::visit_field(self, field);
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.note(&variant.ident);
        visit::visit_variant(self, variant);
    }

    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        self.note(&pattern.ident);
        visit::visit_pat_ident(self, pattern);
    }
}

/// The lines on which a file is unsafe: blocks, functions, impls, traits, extern blocks.
pub(crate) fn unsafe_lines(tree: &syn::File) -> Vec<usize> {
    let mut places = Unsafe::default();
    places.visit_file(tree);
    places.lines
}

#[derive(Default)]
struct Unsafe {
    lines: Vec<usize>,
}

impl Unsafe {
    fn note(&mut self, keyword: Option<Span>) {
        self.lines.extend(keyword.map(|span| span.start().line));
    }
}

impl<'ast> Visit<'ast> for Unsafe {
    fn visit_expr_unsafe(&mut self, block: &'ast syn::ExprUnsafe) {
        self.note(Some(block.unsafe_token.span));
        visit::visit_expr_unsafe(self, block);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        let keyword = match &signature.safety {
            syn::Safety::Unsafe(keyword) => Some(keyword.span),
            _ => None,
        };
        self.note(keyword);
        visit::visit_signature(self, signature);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        self.note(item.unsafety.map(|keyword| keyword.span));
        visit::visit_item_impl(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.note(item.unsafety.map(|keyword| keyword.span));
        visit::visit_item_trait(self, item);
    }

    fn visit_item_foreign_mod(&mut self, item: &'ast syn::ItemForeignMod) {
        self.note(item.unsafety.map(|keyword| keyword.span));
        visit::visit_item_foreign_mod(self, item);
    }
}

/// Calls and mentions of a function by the last two segments of its path, with their lines.
pub(crate) fn mentions(tree: &syn::File, wanted: &[&str]) -> Vec<(String, usize)> {
    let mut mentions = Mentions { wanted, found: Vec::new() };
    mentions.visit_file(tree);
    mentions.found
}

struct Mentions<'a> {
    wanted: &'a [&'a str],
    found: Vec<(String, usize)>,
}

impl<'ast> Visit<'ast> for Mentions<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        let tail = segments[segments.len().saturating_sub(2)..].join("::");
        if self.wanted.contains(&tail.as_str()) {
            self.found.push((tail, path.span().start().line));
        }
        visit::visit_path(self, path);
    }
}

/// The attributes of a file by their path, such as `ignore`, with their lines.
pub(crate) fn attributes(tree: &syn::File) -> Vec<(String, usize)> {
    let mut attributes = Attributes::default();
    attributes.visit_file(tree);
    attributes.found
}

#[derive(Default)]
struct Attributes {
    found: Vec<(String, usize)>,
}

impl<'ast> Visit<'ast> for Attributes {
    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        let name = attribute.path().segments.last().map(|last| last.ident.to_string());
        let line = attribute.span().start().line;
        self.found.extend(name.map(|name| (name, line)));
    }
}

#[cfg(test)]
mod tests {
    use super::{crate_paths, definitions, mentions, unsafe_lines};

    fn parsed(text: &str) -> syn::File {
        syn::parse_str(text).expect("the sample is Rust")
    }

    #[test]
    fn rooms_are_found_however_they_are_reached() {
        let tree = parsed(
            "use crate::{store::Store, events};\nuse super::super::config::Config;\n\
             use super::near;\nfn f(a: crate::auth::A) { crate::agent::run() }\n\
             mod inner { use super::super::super::cli; use super::inside; }",
        );
        let modules = ["methods".to_owned(), "send".to_owned()];
        let mut rooms: Vec<_> = crate_paths(&tree, &modules).into_iter().map(|(r, _)| r).collect();
        rooms.sort();
        assert_eq!(rooms, ["agent", "auth", "cli", "config", "events", "store"]);
    }

    #[test]
    fn names_are_those_given_here() {
        let tree = parsed("impl A { fn get_b(&self) { let c = self.get_d(); } }\nenum E { F }");
        let names: Vec<_> = definitions(&tree).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["get_b", "c", "E", "F"]);
    }

    #[test]
    fn unsafe_is_found_in_every_form() {
        let tree = parsed(
            "unsafe impl Send for A {}\nunsafe fn f() {}\nfn g() { unsafe { f() } }\n\
             unsafe extern \"C\" { fn h(); }\nfn safe() {}",
        );
        assert_eq!(unsafe_lines(&tree), [1, 2, 3, 4]);
    }

    #[test]
    fn a_call_is_found_by_the_end_of_its_path() {
        let tree = parsed("fn f() { std::time::Instant::now(); tokio::time::Instant::now; }");
        assert_eq!(mentions(&tree, &["Instant::now"]).len(), 2);
    }
}
