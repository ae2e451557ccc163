//! Calls of functions, and questions about earlier calls of operations.

use super::{Checked, Checker, to_decimal};
use crate::expr::ast::{Ast, CallArg, Node};
use crate::expr::functions::{FUNCTIONS, MORE_FUNCTIONS, Overload};
use crate::expr::{Expr, ExprError, Function};
use crate::suggest::did_you_mean;
use crate::value::Type;

impl Checker<'_> {
    pub(super) fn call(
        &mut self,
        ast: &Ast,
        name: &str,
        args: &[CallArg],
        expected: Option<&Type>,
    ) -> Checked {
        if matches!(name, "called" | "calls") {
            return self.called(ast, name == "calls", args);
        }
        if let Some(arg) = args.iter().find_map(|arg| arg.name.as_ref()) {
            return Err(ExprError::new(
                ast.at,
                format!("{name}(…) takes no named argument `{arg}`; `==` compares"),
            ));
        }
        let values: Vec<&Ast> = args.iter().map(|arg| &arg.value).collect();
        match (name, values.as_slice()) {
            ("if", [condition, yes, no]) => self.choice(condition, yes, no, expected),
            ("coalesce", [first, second]) => {
                let (a, kind) = self.check(first, expected)?;
                let wanted = if kind == Type::Null { expected } else { Some(&kind) };
                let (b, second_kind) = self.check(second, wanted)?;
                let kind = if kind == Type::Null { second_kind.clone() } else { kind };
                let b = self.fit(second, b, &second_kind, &kind)?;
                Ok((Expr::Coalesce(Box::new(a), Box::new(b)), kind))
            }
            ("least" | "greatest", [first, second]) => {
                let ((a, kind), (b, other)) = self.pair(first, second)?;
                let (a, b, kind) = match (&kind, &other) {
                    (Type::Int, Type::Decimal) => (to_decimal(a), b, Type::Decimal),
                    _ => (a, self.fit(second, b, &other, &kind)?, kind),
                };
                if !matches!(
                    kind,
                    Type::Int | Type::Decimal | Type::Money | Type::Duration | Type::Date | Type::DateTime
                ) {
                    return Err(ExprError::new(
                        ast.at,
                        format!("{name}(…) of {}", self.schema.type_name(&kind)),
                    ));
                }
                let function = if name == "least" { Function::Least } else { Function::Greatest };
                Ok((Expr::Function(function, vec![a, b]), kind))
            }
            _ => self.function(ast, name, &values),
        }
    }

    fn choice(&mut self, condition: &Ast, yes: &Ast, no: &Ast, expected: Option<&Type>) -> Checked {
        let condition = self.truth(condition)?;
        let ((a, kind), (b, other)) = match expected {
            Some(expected) => (self.check(yes, Some(expected))?, self.check(no, Some(expected))?),
            None => self.pair(yes, no)?,
        };
        let (a, b, kind) = match (&kind, &other) {
            (Type::Null, _) => (a, b, other),
            (Type::Int, Type::Decimal) => (to_decimal(a), b, Type::Decimal),
            _ => {
                let b = self.fit(no, b, &other, &kind)?;
                (a, b, kind)
            }
        };
        Ok((Expr::If(Box::new(condition), Box::new(a), Box::new(b)), kind))
    }

    fn function(&mut self, ast: &Ast, name: &str, args: &[&Ast]) -> Checked {
        let Some((_, takes, overloads)) = FUNCTIONS.iter().find(|(known, _, _)| *known == name) else {
            let known = FUNCTIONS.iter().map(|(known, _, _)| *known).chain(MORE_FUNCTIONS);
            return Err(ExprError::new(
                ast.at,
                format!("unknown function `{name}`{}", did_you_mean(name, known)),
            ));
        };
        if args.len() != *takes {
            return Err(ExprError::new(
                ast.at,
                format!("{name}(…) takes {takes} arguments, found {}", args.len()),
            ));
        }
        let checked: Vec<(Expr, Type)> =
            args.iter().map(|arg| self.check(arg, None)).collect::<Result<_, _>>()?;
        let fits = |overload: &Overload| {
            checked
                .iter()
                .zip(overload.args)
                .all(|((_, kind), wanted)| wanted.is(kind) || *kind == Type::Null)
        };
        let Some(overload) = overloads.iter().find(|overload| fits(overload)) else {
            let found: Vec<_> = checked.iter().map(|(_, kind)| self.schema.type_name(kind)).collect();
            return Err(ExprError::new(ast.at, format!("{name}(…) of {}", found.join(" and "))));
        };
        let function = overload.function;
        let result = overload.result.kind().unwrap_or_else(|| checked[0].1.clone());
        Ok((Expr::Function(function, checked.into_iter().map(|(expr, _)| expr).collect()), result))
    }

    fn called(&mut self, ast: &Ast, is_count: bool, args: &[CallArg]) -> Checked {
        if !self.scope.has_calls {
            return Err(ExprError::new(ast.at, "there are no earlier calls to ask about here"));
        }
        let op_name = match args.first().map(|arg| (&arg.name, &arg.value.node)) {
            Some((None, Node::Name(name) | Node::Text(name))) => name.clone(),
            _ => return Err(ExprError::new(ast.at, "write called(operation, argument = value)")),
        };
        let signatures = &self.schema.signatures;
        let Some(op) = signatures.iter().position(|signature| signature.name == op_name) else {
            let known = signatures.iter().map(|signature| signature.name.as_str());
            return Err(ExprError::new(
                ast.at,
                format!("unknown operation `{op_name}`{}", did_you_mean(&op_name, known)),
            ));
        };
        let signature = signatures[op].clone();
        let mut matched = Vec::new();
        for (place, arg) in args[1..].iter().enumerate() {
            let at = match &arg.name {
                Some(name) => signature.args.iter().position(|(known, _)| known == name),
                None => (place < signature.args.len()).then_some(place),
            };
            let Some(at) = at else {
                let name = arg.name.clone().unwrap_or_else(|| format!("number {}", place + 1));
                let known = signature.args.iter().map(|(known, _)| known.as_str());
                return Err(ExprError::new(
                    arg.value.at,
                    format!("{op_name} has no argument `{name}`{}", did_you_mean(&name, known)),
                ));
            };
            let wanted = &signature.args[at].1;
            let (expr, kind) = self.check(&arg.value, Some(wanted))?;
            matched.push((at as u16, self.fit(&arg.value, expr, &kind, wanted)?));
        }
        Ok((Expr::Called(op as u16, matched, is_count), if is_count { Type::Int } else { Type::Bool }))
    }
}
