//! Objects that are made, changed and dropped, whatever their kind.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

use super::names::{function, functions_in, has_child, lowered, name, name_of, names_in, word, word_of};
use super::reader::Reader;
use crate::sql::act::{Kind, What};
use crate::sql::name::Name;
use crate::sql::rule::Rule;

impl Reader<'_> {
    pub(super) fn creates(&mut self, node: &SyntaxNode, kind: Kind, name: Option<Name>) {
        let Some(name) = name else { return };
        let new = !self.conditional && !has_child::<ast::IfNotExists>(node) && !has_child::<ast::OrReplace>(node);
        let temporary = has_child::<ast::Temp>(node);
        self.push(node, What::Creates { kind, name, new, temporary });
    }

    /// Makes an object, or replaces one.
    pub(super) fn creates_or(&mut self, node: &SyntaxNode, kind: Kind, name: Option<Name>, replaces: Rule) {
        if has_child::<ast::OrReplace>(node) {
            match name.clone() {
                Some(name) => self.does_to(node, replaces, kind, name, kind.word()),
                None => self.does(node, replaces, kind.word()),
            }
        }
        self.creates(node, kind, name);
    }

    pub(super) fn drops(&mut self, node: &SyntaxNode, kind: Kind, rule: Rule) {
        for name in names_in(node) {
            self.push(node, What::Drops { kind, name, rule });
        }
    }

    pub(super) fn drops_functions(&mut self, node: &SyntaxNode) {
        for name in functions_in(node) {
            self.push(node, What::Drops { kind: Kind::Function, name, rule: Rule::DropObject });
        }
    }

    /// An object that is changed: another name, schema or owner have rules of their own, all else has this one.
    pub(super) fn alters(&mut self, node: &SyntaxNode, kind: Kind, else_rule: Option<Rule>) {
        let named = if kind == Kind::Function { function(node).or_else(|| name_of(node)) } else { name_of(node) };
        // `ALL IN TABLESPACE` names none.
        if lowered(node).contains(" all in tablespace ") {
            self.does(node, Rule::Rewrite, "SET TABLESPACE");
            return;
        }
        let Some(own) = named.or_else(|| word_of(node).map(Name::bare)) else {
            self.does(node, Rule::UnknownStatement, "ALTER");
            return;
        };
        for action in node.children() {
            let words = lowered(&action);
            let to = || action.children().last().and_then(|child| name_of(&child)).unwrap_or_else(|| Name::bare(""));
            if words.starts_with("rename to") {
                let rule = match kind {
                    Kind::Table => Rule::RenameTable,
                    Kind::Index | Kind::Other(_) => Rule::RenameUnseen,
                    _ => Rule::RenameObject,
                };
                self.renames(&action, kind, &own, to().own, rule);
            } else if words.starts_with("rename constraint") {
                self.does_to(&action, Rule::RenameUnseen, kind, own.clone(), "constraint");
            } else if words.starts_with("set schema") {
                self.sets_schema(&action, kind, &own, to().own);
            } else if words.starts_with("owner to") {
                self.does_to(&action, Rule::Owner, kind, own.clone(), kind.word());
            } else if words.starts_with("set tablespace") {
                self.does_to(&action, Rule::Rewrite, kind, own.clone(), "SET TABLESPACE");
            } else if let Some(rule) = else_rule
                && is_action(&action)
            {
                self.does_to(&action, rule, kind, own.clone(), &told(kind, &words));
            }
        }
    }

    /// An object that gets another name.
    pub(super) fn renames(&mut self, node: &SyntaxNode, kind: Kind, from: &Name, own: String, rule: Rule) {
        let to = Name { schema: from.schema.clone(), own };
        self.push(node, What::Renames { kind, from: from.clone(), to, rule });
    }

    /// An object that goes to another schema.
    pub(super) fn sets_schema(&mut self, node: &SyntaxNode, kind: Kind, from: &Name, schema: String) {
        let to = Name::within(schema, from.own.clone());
        self.push(node, What::Renames { kind, from: from.clone(), to, rule: Rule::SetSchema });
    }

    pub(super) fn on_table<N: AstNode>(&mut self, node: &SyntaxNode, on: Option<N>, rule: Rule, words: &str) {
        let table = on.and_then(|on| names_in(on.syntax()).pop()).unwrap_or_else(|| Name::bare(""));
        self.does_to(node, rule, Kind::Table, table, words);
    }

    pub(super) fn create_schema(&mut self, it: &ast::CreateSchema) {
        let Some(schema) = it.schema_name().and_then(|node| word_of(&node)) else { return };
        self.creates(it.syntax(), Kind::Schema, Some(Name::bare(schema.clone())));
        let before = self.acts.len();
        for element in it.schema_elements() {
            if let Some(stmt) = ast::Stmt::cast(element.syntax().clone()) {
                self.stmt(&stmt);
            }
        }
        for act in &mut self.acts[before..] {
            if let What::Creates { name, .. } = &mut act.what {
                name.schema.get_or_insert_with(|| schema.clone());
            }
        }
    }

    pub(super) fn create_table(&mut self, node: &SyntaxNode, name: Option<Name>) {
        self.creates(node, Kind::Table, name);
        self.references(node);
    }

    pub(super) fn alter_view(&mut self, node: &SyntaxNode, kind: Kind) {
        let own = name_of(node).unwrap_or_else(|| Name::bare(""));
        for column in node.children().filter(|child| ast::RenameColumn::can_cast(child.kind())) {
            self.does_to(&column, Rule::RenameColumn, kind, own.clone(), &word_of(&column).unwrap_or_default());
        }
        self.alters(node, kind, Some(Rule::ReplaceView));
    }

    pub(super) fn alter_sequence(&mut self, it: &ast::AlterSequence) {
        use ast::AlterSequenceAction as A;
        let own = name(it.sequence_ref());
        for action in it.actions() {
            let node = action.syntax();
            match &action {
                A::OwnerTo(_) => self.does_to(node, Rule::Owner, Kind::Sequence, own.clone(), "sequence"),
                A::SequenceRenameTo(to) => {
                    let to = name_of(to.syntax()).map_or_else(String::new, |to| to.own);
                    self.renames(node, Kind::Sequence, &own, to, Rule::RenameObject);
                }
                A::SetSchema(to) => self.sets_schema(node, Kind::Sequence, &own, word(to.schema_ref())),
                A::SequenceOption(_)
                    if ["owned", "cache", "start"].iter().any(|word| lowered(node).starts_with(word)) => {}
                A::SequenceOption(_) | A::SetLogged(_) | A::SetUnlogged(_) => {
                    let words = lowered(node).to_uppercase();
                    self.does_to(node, Rule::ChangeSequence, Kind::Sequence, own.clone(), &words);
                }
            }
        }
    }
}

/// Whether a child of an ALTER statement is what it does, and not whom it does it to.
fn is_action(node: &SyntaxNode) -> bool {
    let words = lowered(node);
    let verbs = [
        "set",
        "reset",
        "add",
        "drop",
        "alter",
        "update",
        "rename",
        "enable",
        "disable",
        "depends",
        "no",
        "immutable",
        "stable",
        "volatile",
        "strict",
        "called",
        "returns",
        "security",
        "external",
        "leakproof",
        "not",
        "parallel",
        "cost",
        "rows",
        "support",
    ];
    !ast::IfExists::can_cast(node.kind())
        && verbs.contains(&words.split(' ').next().unwrap_or_default())
        && names_in(node).first().is_none_or(|name| words != name.own)
}

fn told(kind: Kind, words: &str) -> String {
    let two: Vec<&str> = words.split(' ').take(2).collect();
    format!("ALTER {} .. {}", kind.word().to_uppercase(), two.join(" ").to_uppercase())
}
