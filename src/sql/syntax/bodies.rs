//! Code inside of strings: the bodies of `DO`, of functions, and SQL that PL/pgSQL executes.

use squawk_syntax::ast::{self, AstNode as _};
use squawk_syntax::plpgsql::Plpgsql;
use squawk_syntax::syntax_error::SyntaxError;
use squawk_syntax::{SourceFile, SyntaxNode};

use super::depth::too_deep;
use super::names::lowered;
use super::origin::{Finished, Origin};
use super::reader::Reader;
use crate::sql::act::{Fault, What};
use crate::sql::rule::Rule;

/// Strings in strings: nobody writes more of them in each other.
const MOST_LEVELS: usize = 6;

impl Reader<'_> {
    /// What a `DO` block does.
    pub(super) fn do_block(&mut self, block: &ast::Do) {
        let Some(literal) = block.body() else { return };
        if !self.may_be_parsed(&literal) {
            return;
        }
        match block.plpgsql() {
            Some(body) => self.plpgsql(&body, false),
            None => self.does(block.syntax(), Rule::OtherLanguage, "DO"),
        }
    }

    /// What the body of a function or procedure does, when it is called.
    pub(super) fn routine(
        &mut self,
        node: &SyntaxNode,
        options: Option<&ast::FuncOptionList>,
        body: Option<ast::RoutineBody>,
    ) {
        for literal in node.descendants().filter_map(ast::AsDefinition::cast).filter_map(|it| it.literal()) {
            if !self.may_be_parsed(&literal) {
                return;
            }
        }
        if let Some(ast::RoutineBody::AtomicBody(body)) = body {
            let mut inner = self.within(self.origin, true);
            for stmt in body.routine_body_stmts() {
                if let ast::RoutineBodyStmt::Stmt(stmt) = stmt {
                    inner.stmt(&stmt);
                }
            }
            let inner = inner.finish();
            self.take(inner, true);
            return;
        }
        let function = ast::CreateFunction::cast(node.clone());
        let procedure = ast::CreateProcedure::cast(node.clone());
        let plpgsql = function.as_ref().and_then(ast::CreateFunction::plpgsql);
        if let Some(body) = plpgsql.or_else(|| procedure.as_ref().and_then(ast::CreateProcedure::plpgsql)) {
            return self.plpgsql(&body, true);
        }
        let sql = function.as_ref().and_then(ast::CreateFunction::sql_body);
        if let Some(body) = sql.or_else(|| procedure.as_ref().and_then(ast::CreateProcedure::sql_body)) {
            let outer = self.origin;
            let mut inner = self.within(Origin::Sql(&outer, &body), true);
            for stmt in body.tree().stmts() {
                inner.stmt(&stmt);
            }
            let inner = inner.finish();
            return self.take(inner, true);
        }
        let language = options.and_then(|options| {
            options.options().find_map(|option| match option {
                ast::FuncOption::LanguageFuncOption(language) => language.language_name(),
                _ => None,
            })
        });
        if !matches!(body_of(node), Body::Returned) {
            let language = language.map_or_else(|| "an unnamed language".to_owned(), |language| language.name);
            self.does(node, Rule::OtherLanguage, &language);
        }
    }

    fn plpgsql(&mut self, body: &Plpgsql, when_called: bool) {
        self.errors(&body.errors());
        let outer = self.origin;
        let mut inner = self.within(Origin::Plpgsql(&outer, body), true);
        for node in body.syntax().descendants() {
            if let Some(stmt) = ast::PlpgsqlStmt::cast(node.clone()) {
                inner.plpgsql_stmt(&stmt);
            } else if let Some(expr) = ast::PlpgsqlExpr::cast(node) {
                inner.calls(expr.syntax(), Rule::UnknownFunction);
            }
        }
        let inner = inner.finish();
        self.take(inner, when_called);
    }

    fn plpgsql_stmt(&mut self, stmt: &ast::PlpgsqlStmt) {
        use ast::PlpgsqlStmt as S;
        match stmt {
            S::PlpgsqlExecSqlStmt(it) => {
                if let Some(stmt) = it.stmt() {
                    self.stmt(&stmt);
                }
            }
            S::PlpgsqlDynExecuteStmt(it) => self.executed(it.syntax(), it.query().as_ref()),
            S::PlpgsqlForDynStmt(it) => self.executed(it.syntax(), it.query().as_ref()),
            S::PlpgsqlReturnQueryExecuteStmt(it) => self.executed(it.syntax(), it.query().as_ref()),
            S::PlpgsqlOpenStmt(it) if it.syntax().descendants().any(|node| lowered(&node).starts_with("execute")) => {
                self.does(it.syntax(), Rule::DynamicSql, "OPEN .. FOR EXECUTE");
            }
            S::PlpgsqlCallStmt(it) => {
                if let Some(call) = it.call() {
                    self.stmt(&ast::Stmt::Call(call));
                }
            }
            S::PlpgsqlDoStmt(it) => {
                for block in it.syntax().children().filter_map(ast::Do::cast) {
                    self.do_block(&block);
                }
            }
            S::PlpgsqlPerformStmt(it) => self.calls(it.syntax(), Rule::UnknownFunction),
            S::PlpgsqlForQueryStmt(it) => self.calls(it.syntax(), Rule::UnknownFunction),
            S::PlpgsqlReturnQueryStmt(it) => self.calls(it.syntax(), Rule::UnknownFunction),
            S::PlpgsqlForCursorStmt(_)
            | S::PlpgsqlOpenStmt(_)
            | S::PlpgsqlAssertStmt(_)
            | S::PlpgsqlAssignStmt(_)
            | S::PlpgsqlBlock(_)
            | S::PlpgsqlCaseStmt(_)
            | S::PlpgsqlCloseStmt(_)
            | S::PlpgsqlCommitStmt(_)
            | S::PlpgsqlContinueStmt(_)
            | S::PlpgsqlExitStmt(_)
            | S::PlpgsqlFetchStmt(_)
            | S::PlpgsqlForEachStmt(_)
            | S::PlpgsqlForIStmt(_)
            | S::PlpgsqlGetDiagStmt(_)
            | S::PlpgsqlIfStmt(_)
            | S::PlpgsqlLoopStmt(_)
            | S::PlpgsqlMoveStmt(_)
            | S::PlpgsqlNullStmt(_)
            | S::PlpgsqlRaiseStmt(_)
            | S::PlpgsqlReturnNextStmt(_)
            | S::PlpgsqlReturnStmt(_)
            | S::PlpgsqlRollbackStmt(_)
            | S::PlpgsqlWhileStmt(_) => {}
        }
    }

    /// SQL that is executed from a string: read if the string stands there, else nobody can tell.
    fn executed(&mut self, node: &SyntaxNode, query: Option<&ast::PlpgsqlExpr>) {
        let literal = query.and_then(|query| {
            let all: Vec<_> = query.syntax().descendants().filter_map(ast::Expr::cast).collect();
            match all.as_slice() {
                [ast::Expr::Literal(literal)] => Some(literal.clone()),
                _ => None,
            }
        });
        let text = literal.as_ref().and_then(ast::Literal::string_value);
        let (Some(literal), Some(text)) = (literal, text) else {
            return self.does(node, Rule::DynamicSql, "EXECUTE");
        };
        if !self.may_be_parsed(&literal) {
            return;
        }
        let parsed = SourceFile::parse(&text);
        let outer = self.origin;
        let mut inner = self.within(Origin::Whole(&outer, literal.syntax().text_range()), true);
        for stmt in parsed.tree().stmts() {
            inner.stmt(&stmt);
        }
        inner.errors(&parsed.errors());
        let inner = inner.finish();
        self.take(inner, false);
    }

    /// Whether the parser may be given the code in a string; a fault if not.
    fn may_be_parsed(&mut self, literal: &ast::Literal) -> bool {
        let text = literal.string_value().unwrap_or_default();
        let why = match too_deep(&text) {
            Some((_, why)) => why,
            None if self.origin.levels() >= MOST_LEVELS => {
                format!("code in strings, more than {MOST_LEVELS} in each other")
            }
            None => return true,
        };
        self.too_deep = true;
        let at = self.origin.place(literal.syntax().text_range());
        self.faults.push(Fault { at: at.start..at.start, why });
        false
    }

    /// What could not be read of a body.
    fn errors(&mut self, errors: &[SyntaxError]) {
        let faults: Vec<Fault> = errors
            .iter()
            .map(|error| Fault { at: self.origin.place(error.range()), why: error.message().to_owned() })
            .collect();
        self.faults.extend(faults);
    }

    /// Takes over what an inner text does. What is done only when it is called is not done now, if it is about rows.
    fn take(&mut self, inner: Finished, when_called: bool) {
        self.faults.extend(inner.faults);
        self.too_deep |= inner.too_deep;
        let counts = |what: &What| match what {
            What::Does { rule, .. } => !(when_called && rule.happens_when_called()),
            What::SearchPath { .. } | What::Begin | What::End | What::GrantsSequences { .. } => !when_called,
            _ => true,
        };
        self.acts.extend(inner.acts.into_iter().filter(|act| counts(&act.what)));
    }
}

enum Body {
    /// `RETURN ..`, which only computes.
    Returned,
    Other,
}

fn body_of(node: &SyntaxNode) -> Body {
    if node.children().any(|child| ast::ReturnStmt::can_cast(child.kind())) { Body::Returned } else { Body::Other }
}
