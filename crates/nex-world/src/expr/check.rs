//! Names and types of an expression: [`Ast`] to [`Program`].
//!
//! Invariant: a checked expression cannot meet a wrong type at run time; what is left to go wrong
//! is overflow and cost.

use super::ast::{Aggregate, Ast, CallArg, Node, Operator, Query};
use super::{Access, Expr, ExprError, Function, Program, Selection, parse};
use crate::schema::Schema;
use crate::suggest::did_you_mean;
use crate::value::{DECIMAL_SCALE, EntityId, EnumId, MONEY_SCALE, Type, Value};

/// The names that an expression may use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    names: Vec<(String, Type, u16)>,
    /// The local that holds the record whose fields may be named without a path.
    this: Option<(u16, EntityId)>,
    slots: u16,
    /// Whether there are earlier calls to ask about.
    has_calls: bool,
}

impl Scope {
    /// Adds a local called `name` and gives its slot.
    pub(crate) fn add(&mut self, name: &str, kind: Type) -> u16 {
        let slot = self.slots;
        self.slots += 1;
        self.names.push((name.to_owned(), kind, slot));
        slot
    }

    /// Another name for the local at `slot`.
    pub(crate) fn alias(&mut self, name: &str, kind: Type, slot: u16) {
        self.names.push((name.to_owned(), kind, slot));
    }

    /// Sets the first `slots` locals apart, to be named by [`Scope::alias`].
    pub(crate) fn reserve(&mut self, slots: u16) {
        self.slots = self.slots.max(slots);
    }

    /// Adds the record `this`, whose fields may stand alone.
    pub(crate) fn add_this(&mut self, entity: EntityId) -> u16 {
        let slot = self.add("this", Type::Record(entity));
        self.this = Some((slot, entity));
        slot
    }

    /// Calls the record at `slot` `this`, and lets its fields stand alone.
    pub(crate) fn set_this(&mut self, entity: EntityId, slot: u16) {
        self.alias("this", Type::Record(entity), slot);
        self.this = Some((slot, entity));
    }

    /// Allows `called` and `calls`.
    pub(crate) fn with_calls(mut self) -> Self {
        self.has_calls = true;
        self
    }

    pub(crate) fn slots(&self) -> u16 {
        self.slots
    }

    pub(crate) fn has_name(&self, name: &str) -> bool {
        self.names.iter().any(|(known, _, _)| known == name)
    }
}

/// Compiles `text`; where `expected` is given, the result fits it.
pub(crate) fn compile(
    schema: &Schema,
    scope: &Scope,
    text: &str,
    expected: Option<&Type>,
) -> Result<Program, ExprError> {
    let ast = parse::parse(text)?;
    let mut checker = Checker { schema, scope: scope.clone(), highest: scope.slots, names_it: false };
    let (expr, kind) = checker.check(&ast, expected)?;
    let expr = match expected {
        Some(expected) => checker.fit(&ast, expr, &kind, expected)?,
        None => expr,
    };
    let kind = expected.cloned().unwrap_or(kind);
    Ok(Program { expr, kind, slots: checker.highest })
}

/// Compiles `entity as name where filter`; the record's local is added to `scope`.
pub(crate) fn compile_query(
    schema: &Schema,
    scope: &mut Scope,
    text: &str,
    name: Option<&str>,
) -> Result<Selection, ExprError> {
    let mut query = parse::parse_query(text)?;
    if query.body.is_some() {
        return Err(ExprError::new(0, "a body after `:` has no meaning here"));
    }
    if query.alias.is_none() {
        query.alias = name.map(str::to_owned);
    }
    let mut checker = Checker { schema, scope: scope.clone(), highest: scope.slots, names_it: false };
    let Some(entity) = checker.query_entity(&query) else {
        return Err(ExprError::new(query.source.at, "expected `entity where condition`"));
    };
    // A name given beside the query leaves `it` to be used as well.
    checker.names_it = name.is_some();
    let (mut selection, _) = checker.selection(&query, entity, false)?;
    selection.slots = checker.highest;
    let kind = Type::Record(selection.entity);
    let slot = scope.add(query.alias.as_deref().unwrap_or("it"), kind.clone());
    scope.alias("it", kind, slot);
    debug_assert_eq!(slot, selection.slot);
    Ok(selection)
}

struct Checker<'a> {
    schema: &'a Schema,
    scope: Scope,
    highest: u16,
    /// The next query's record is called `it` beside its own name.
    names_it: bool,
}

type Checked = Result<(Expr, Type), ExprError>;

impl Checker<'_> {
    fn check(&mut self, ast: &Ast, expected: Option<&Type>) -> Checked {
        match &ast.node {
            Node::Null => Ok((Expr::Const(Value::Null), Type::Null)),
            Node::Bool(truth) => Ok((Expr::Const(Value::Bool(*truth)), Type::Bool)),
            Node::Int(number) => Ok(match expected {
                Some(Type::Money) => {
                    (Expr::Const(scaled(ast, *number, MONEY_SCALE, Value::Money)?), Type::Money)
                }
                Some(Type::Decimal) => {
                    (Expr::Const(scaled(ast, *number, DECIMAL_SCALE, Value::Decimal)?), Type::Decimal)
                }
                _ => (Expr::Const(Value::Int(*number)), Type::Int),
            }),
            Node::Number(number) => match expected {
                Some(Type::Money) if number % (DECIMAL_SCALE / MONEY_SCALE) == 0 => {
                    Ok((Expr::Const(Value::Money(number / (DECIMAL_SCALE / MONEY_SCALE))), Type::Money))
                }
                Some(Type::Money) => Err(ExprError::new(ast.at, "money has two decimals")),
                _ => Ok((Expr::Const(Value::Decimal(*number)), Type::Decimal)),
            },
            Node::Text(text) => self.text(ast, text, expected),
            Node::List(items) => self.list(items, expected),
            Node::Name(name) => self.name(ast, name, expected),
            Node::Field(base, field) => self.field(ast, base, field),
            Node::Not(operand) => {
                let operand = self.truth(operand)?;
                Ok((Expr::Not(Box::new(operand)), Type::Bool))
            }
            Node::Negate(operand) => {
                let (expr, kind) = self.check(operand, expected)?;
                match kind {
                    Type::Int | Type::Decimal | Type::Money | Type::Duration => {
                        Ok((Expr::Negate(Box::new(expr)), kind))
                    }
                    other => Err(ExprError::new(
                        ast.at,
                        format!("{} has no negative", self.schema.type_name(&other)),
                    )),
                }
            }
            Node::Binary(operator, left, right) => self.binary(ast, *operator, left, right, expected),
            Node::Call(name, args) => self.call(ast, name, args, expected),
            Node::Aggregate(aggregate, query) => self.aggregate(ast, *aggregate, query),
        }
    }

    fn truth(&mut self, ast: &Ast) -> Result<Expr, ExprError> {
        let (expr, kind) = self.check(ast, Some(&Type::Bool))?;
        self.fit(ast, expr, &kind, &Type::Bool)
    }

    /// Makes `expr` of type `kind` fit `expected`, or says why it does not.
    fn fit(&self, ast: &Ast, expr: Expr, kind: &Type, expected: &Type) -> Result<Expr, ExprError> {
        if self.fits(kind, expected) {
            return Ok(match (kind, expected) {
                (Type::Int, Type::Decimal) => Expr::Function(Function::ToDecimal, vec![expr]),
                _ => expr,
            });
        }
        let way_out = match (kind, expected) {
            (Type::Int | Type::Decimal, Type::Money) => "; write money(…)",
            (Type::Decimal, Type::Int) => "; write int(…) or round(…)",
            (Type::DateTime, Type::Date) => "; write date(…)",
            (_, Type::Str) => "; write text(…)",
            _ => "",
        };
        Err(ExprError::new(
            ast.at,
            format!(
                "expected {}, found {}{way_out}",
                self.schema.type_name(expected),
                self.schema.type_name(kind)
            ),
        ))
    }

    fn fits(&self, kind: &Type, expected: &Type) -> bool {
        match (kind, expected) {
            (Type::Null, _) | (Type::Int, Type::Decimal) => true,
            (Type::Enum(a), Type::Enum(b)) => a == b || self.enum_within(*a, *b),
            (Type::List(a), Type::List(b)) => {
                **a == Type::Null || (**a != Type::Int && self.fits(a, b)) || a == b
            }
            (a, b) => a == b,
        }
    }

    fn enum_within(&self, inner: EnumId, outer: EnumId) -> bool {
        let outer = self.schema.enum_def(outer);
        self.schema
            .enum_def(inner)
            .values
            .iter()
            .all(|value| outer.values.iter().any(|known| known.symbol == value.symbol))
    }

    fn text(&mut self, ast: &Ast, text: &str, expected: Option<&Type>) -> Checked {
        let kind = match expected {
            Some(kind @ (Type::Enum(_) | Type::Date | Type::DateTime)) => kind,
            _ => return Ok((Expr::Const(Value::text(text)), Type::Str)),
        };
        let value = match kind {
            Type::Enum(id) => self.schema.enum_value(*id, text).map(Value::Enum),
            Type::Date => crate::value::parse_date(text).map(Value::Date),
            _ => crate::value::parse_datetime(text).map(Value::DateTime),
        };
        match (value, kind) {
            (Some(value), _) => Ok((Expr::Const(value), kind.clone())),
            (None, Type::Enum(id)) => {
                let def = self.schema.enum_def(*id);
                let known = def.values.iter().map(|entry| self.schema.symbol(entry.symbol));
                Err(ExprError::new(
                    ast.at,
                    format!("'{text}' is no value of this enum{}", did_you_mean(text, known)),
                ))
            }
            (None, _) => {
                Err(ExprError::new(ast.at, format!("'{text}' is no {}", self.schema.type_name(kind))))
            }
        }
    }

    fn list(&mut self, items: &[Ast], expected: Option<&Type>) -> Checked {
        let mut item_kind = match expected {
            Some(Type::List(item)) => Some((**item).clone()),
            _ => None,
        };
        let mut exprs = Vec::with_capacity(items.len());
        for item in items {
            let (expr, kind) = self.check(item, item_kind.as_ref())?;
            let expr = match &item_kind {
                Some(expected) => self.fit(item, expr, &kind, expected)?,
                None => expr,
            };
            if item_kind.is_none() && kind != Type::Null {
                item_kind = Some(kind);
            }
            exprs.push(expr);
        }
        let kind = Type::List(Box::new(item_kind.unwrap_or(Type::Null)));
        let constants: Option<Vec<Value>> = exprs
            .iter()
            .map(|expr| match expr {
                Expr::Const(value) => Some(value.clone()),
                _ => None,
            })
            .collect();
        Ok((
            constants.map_or_else(|| Expr::List(exprs), |values| Expr::Const(Value::List(values.into()))),
            kind,
        ))
    }

    fn name(&mut self, ast: &Ast, name: &str, expected: Option<&Type>) -> Checked {
        if let Some((_, kind, slot)) = self.scope.names.iter().rev().find(|(known, _, _)| known == name) {
            return Ok((Expr::Local(*slot), kind.clone()));
        }
        if let Some((slot, entity)) = self.scope.this
            && (name == "id" || self.schema.entity(entity).field_named(name).is_some())
        {
            return Ok(self.field_of(Expr::Local(slot), entity, name).expect("the field was just found"));
        }
        match name {
            "now" => return Ok((Expr::Now, Type::DateTime)),
            "today" => return Ok((Expr::Today, Type::Date)),
            _ => {}
        }
        if let Some(Type::Enum(id)) = expected
            && self.schema.enum_value(*id, name).is_some()
        {
            return Err(ExprError::new(
                ast.at,
                format!("unknown name `{name}`; a value of an enum is written '{name}'"),
            ));
        }
        let this_fields = self.scope.this.into_iter().flat_map(|(_, entity)| {
            self.schema.entity(entity).fields.iter().map(|field| field.name.as_str())
        });
        let known = self
            .scope
            .names
            .iter()
            .map(|(known, _, _)| known.as_str())
            .chain(this_fields)
            .chain(["now", "today"]);
        Err(ExprError::new(ast.at, format!("unknown name `{name}`{}", did_you_mean(name, known))))
    }

    fn field(&mut self, ast: &Ast, base: &Ast, field: &str) -> Checked {
        let (base_expr, base_kind) = self.check(base, None)?;
        let Type::Record(entity) = base_kind else {
            return Err(ExprError::new(
                ast.at,
                format!("`.{field}` of {}, which has no fields", self.schema.type_name(&base_kind)),
            ));
        };
        self.field_of(base_expr, entity, field).ok_or_else(|| {
            let def = self.schema.entity(entity);
            let known = def.fields.iter().map(|known| known.name.as_str()).chain(["id"]);
            ExprError::new(
                ast.at,
                format!("{} has no field `{field}`{}", def.name, did_you_mean(field, known)),
            )
        })
    }

    fn field_of(&self, base: Expr, entity: EntityId, name: &str) -> Option<(Expr, Type)> {
        if name == "id" {
            return Some((base, Type::Record(entity)));
        }
        let (at, field) = self.schema.entity(entity).field_named(name)?;
        let expr = match field.slot {
            Some(slot) => Expr::Stored(Box::new(base), slot),
            None => Expr::Derived(Box::new(base), entity, at),
        };
        Some((expr, field.kind.clone()))
    }

    fn binary(
        &mut self,
        ast: &Ast,
        operator: Operator,
        left: &Ast,
        right: &Ast,
        expected: Option<&Type>,
    ) -> Checked {
        match operator {
            Operator::And => {
                Ok((Expr::And(Box::new(self.truth(left)?), Box::new(self.truth(right)?)), Type::Bool))
            }
            Operator::Or => {
                Ok((Expr::Or(Box::new(self.truth(left)?), Box::new(self.truth(right)?)), Type::Bool))
            }
            Operator::In | Operator::NotIn => self.member(ast, operator == Operator::NotIn, left, right),
            Operator::Equal
            | Operator::NotEqual
            | Operator::Less
            | Operator::LessEqual
            | Operator::Greater
            | Operator::GreaterEqual => self.compare(ast, operator, left, right),
            _ => self.arithmetic(ast, operator, left, right, expected),
        }
    }

    /// Both sides; a literal takes the type of the other side.
    fn pair(&mut self, left: &Ast, right: &Ast) -> Result<((Expr, Type), (Expr, Type)), ExprError> {
        if is_literal(left) && !is_literal(right) {
            let right = self.check(right, None)?;
            let left = self.check(left, Some(&right.1))?;
            return Ok((left, right));
        }
        let left = self.check(left, None)?;
        let right = self.check(right, Some(&left.1))?;
        Ok((left, right))
    }

    fn compare(&mut self, ast: &Ast, operator: Operator, left: &Ast, right: &Ast) -> Checked {
        let is_equality = matches!(operator, Operator::Equal | Operator::NotEqual);
        if is_equality {
            let operand = match (&left.node, &right.node) {
                (_, Node::Null) => Some(left),
                (Node::Null, _) => Some(right),
                _ => None,
            };
            if let Some(operand) = operand {
                let (expr, _) = self.check(operand, None)?;
                return Ok((Expr::IsNull(Box::new(expr), operator == Operator::NotEqual), Type::Bool));
            }
        }
        let ((left_expr, left_kind), (right_expr, right_kind)) = self.pair(left, right)?;
        let (left_expr, right_expr, kind) = match (&left_kind, &right_kind) {
            (Type::Int, Type::Decimal) => (to_decimal(left_expr), right_expr, Type::Decimal),
            (Type::Decimal, Type::Int) => (left_expr, to_decimal(right_expr), Type::Decimal),
            (Type::Enum(a), Type::Enum(b)) if a == b || self.enums_meet(*a, *b) => {
                (left_expr, right_expr, left_kind.clone())
            }
            (a, b) if a == b => (left_expr, right_expr, left_kind.clone()),
            (Type::Null, _) | (_, Type::Null) => (left_expr, right_expr, Type::Null),
            (a, b) => {
                return Err(ExprError::new(
                    ast.at,
                    format!(
                        "`{}` between {} and {}{}",
                        operator.sign(),
                        self.schema.type_name(a),
                        self.schema.type_name(b),
                        mixed_hint(a, b)
                    ),
                ));
            }
        };
        let has_order = !matches!(kind, Type::Enum(_) | Type::Record(_) | Type::List(_) | Type::Bool);
        if !is_equality && !has_order {
            return Err(ExprError::new(
                ast.at,
                format!("{} has no order; use == or !=", self.schema.type_name(&kind)),
            ));
        }
        Ok((Expr::Compare(operator, Box::new(left_expr), Box::new(right_expr)), Type::Bool))
    }

    fn enums_meet(&self, a: EnumId, b: EnumId) -> bool {
        let (a, b) = (self.schema.enum_def(a), self.schema.enum_def(b));
        a.values.iter().any(|x| b.values.iter().any(|y| x.symbol == y.symbol))
    }

    fn member(&mut self, ast: &Ast, negated: bool, left: &Ast, right: &Ast) -> Checked {
        let (item, item_kind) = self.check(left, None)?;
        let wanted = Type::List(Box::new(item_kind.clone()));
        let (list, list_kind) = self.check(right, (item_kind != Type::Null).then_some(&wanted))?;
        let (item, list) = (Box::new(item), Box::new(list));
        match &list_kind {
            Type::List(inner) if **inner == item_kind || **inner == Type::Null || item_kind == Type::Null => {
                Ok((Expr::Member(item, list, negated), Type::Bool))
            }
            // A literal beside a list of an enum's values.
            Type::List(inner) if is_literal(left) => {
                let (item, kind) = self.check(left, Some(inner))?;
                let item = Box::new(self.fit(left, item, &kind, inner)?);
                Ok((Expr::Member(item, list, negated), Type::Bool))
            }
            Type::List(inner) => match (&**inner, &item_kind) {
                (Type::Enum(a), Type::Enum(b)) if self.enums_meet(*a, *b) => {
                    Ok((Expr::Member(item, list, negated), Type::Bool))
                }
                _ => Err(ExprError::new(
                    ast.at,
                    format!(
                        "looks for {} in a list of {}",
                        self.schema.type_name(&item_kind),
                        self.schema.type_name(inner)
                    ),
                )),
            },
            Type::Str if item_kind == Type::Str => Ok((Expr::Within(item, list, negated), Type::Bool)),
            other => Err(ExprError::new(
                ast.at,
                format!("`in` needs a list or a text on its right, found {}", self.schema.type_name(other)),
            )),
        }
    }

    fn arithmetic(
        &mut self,
        ast: &Ast,
        operator: Operator,
        left: &Ast,
        right: &Ast,
        expected: Option<&Type>,
    ) -> Checked {
        use Operator::{Add, Divide, Multiply, Remainder, Subtract};
        let ((l, a), (r, b)) = if matches!(operator, Add | Subtract) {
            if is_literal(left) && is_literal(right) {
                (self.check(left, expected)?, self.check(right, expected)?)
            } else {
                self.pair(left, right)?
            }
        } else {
            (self.check(left, None)?, self.check(right, None)?)
        };
        if operator == Add && (a == Type::Str || b == Type::Str) {
            for (side, kind) in [(left, &a), (right, &b)] {
                if !matches!(kind, Type::Str | Type::Null) {
                    return Err(ExprError::new(
                        side.at,
                        format!("`+` joins text with {}; write text(…)", self.schema.type_name(kind)),
                    ));
                }
            }
            return Ok((Expr::Join(Box::new(l), Box::new(r)), Type::Str));
        }
        let (l, r, kind) = match (operator, &a, &b) {
            (_, Type::Null, _) => (l, r, b.clone()),
            (_, _, Type::Null) => (l, r, a.clone()),
            (Add | Subtract | Multiply, Type::Int, Type::Decimal) => (to_decimal(l), r, Type::Decimal),
            (Add | Subtract | Multiply, Type::Decimal, Type::Int) => (l, to_decimal(r), Type::Decimal),
            (Add | Subtract, Type::Int | Type::Decimal | Type::Money | Type::Duration, _) if a == b => {
                (l, r, a.clone())
            }
            (Multiply, Type::Int | Type::Decimal, _) if a == b => (l, r, a.clone()),
            (Remainder, Type::Int, Type::Int) => (l, r, Type::Int),
            (Divide, Type::Int | Type::Decimal, Type::Int | Type::Decimal) => {
                (as_decimal(l, &a), as_decimal(r, &b), Type::Decimal)
            }
            (Multiply | Divide, Type::Money, Type::Int | Type::Decimal) => {
                (l, as_decimal(r, &b), Type::Money)
            }
            (Multiply, Type::Int | Type::Decimal, Type::Money) => (r, as_decimal(l, &a), Type::Money),
            (Divide, Type::Money, Type::Money) => (l, r, Type::Decimal),
            (Add | Subtract, Type::Date | Type::DateTime, Type::Duration) => (l, r, a.clone()),
            (Add, Type::Duration, Type::Date | Type::DateTime) => (r, l, b.clone()),
            (Subtract, Type::Date | Type::DateTime, _) if a == b => (l, r, Type::Duration),
            (Multiply, Type::Duration, Type::Int) => (l, r, Type::Duration),
            (Multiply, Type::Int, Type::Duration) => (r, l, Type::Duration),
            _ => {
                return Err(ExprError::new(
                    ast.at,
                    format!(
                        "`{}` between {} and {}{}",
                        operator.sign(),
                        self.schema.type_name(&a),
                        self.schema.type_name(&b),
                        mixed_hint(&a, &b)
                    ),
                ));
            }
        };
        Ok((Expr::Arithmetic(operator, Box::new(l), Box::new(r)), kind))
    }

    fn query_entity(&self, query: &Query) -> Option<EntityId> {
        match &query.source.node {
            Node::Name(name) => self.schema.entity_named(name).map(|entity| entity.id),
            _ => None,
        }
    }

    fn aggregate(&mut self, ast: &Ast, aggregate: Aggregate, query: &Query) -> Checked {
        let is_plain = query.alias.is_none() && query.filter.is_none() && query.body.is_none();
        let names_value = match &query.source.node {
            Node::Name(name) => {
                self.scope.has_name(name)
                    || self.scope.this.is_some_and(|(_, e)| self.schema.entity(e).field_named(name).is_some())
            }
            _ => true,
        };
        let entity = self.query_entity(query);
        if is_plain && names_value && (entity.is_none() || aggregate == Aggregate::Count) {
            let (expr, kind) = self.check(&query.source, None)?;
            return match (aggregate, kind) {
                (Aggregate::Count, Type::List(_)) => Ok((Expr::Length(Box::new(expr)), Type::Int)),
                (_, kind) => Err(ExprError::new(
                    ast.at,
                    format!(
                        "{}(…) takes `entity where …`{}, found {}",
                        aggregate.name(),
                        if aggregate == Aggregate::Count { " or a list" } else { "" },
                        self.schema.type_name(&kind)
                    ),
                )),
            };
        }
        let Some(entity) = entity else {
            let name = match &query.source.node {
                Node::Name(name) => name.as_str(),
                _ => "",
            };
            let known = self.schema.entities.iter().map(|entity| entity.name.as_str());
            return Err(ExprError::new(
                query.source.at,
                format!(
                    "{}(…) needs an entity, `{name}` is none{}",
                    aggregate.name(),
                    did_you_mean(name, known)
                ),
            ));
        };
        let needs_body =
            matches!(aggregate, Aggregate::Sum | Aggregate::Min | Aggregate::Max | Aggregate::Avg);
        if needs_body && query.body.is_none() {
            return Err(ExprError::new(
                ast.at,
                format!("{0}(…) needs what to take: {0}(entity where … : it.field)", aggregate.name()),
            ));
        }
        if !needs_body && query.body.is_some() {
            return Err(ExprError::new(ast.at, format!("{}(…) takes no `: expression`", aggregate.name())));
        }
        let (selection, body) = self.selection(query, entity, true)?;
        let kind = match (aggregate, &body) {
            (Aggregate::Exists, _) => Type::Bool,
            (Aggregate::Count, _) => Type::Int,
            (Aggregate::First, _) => Type::Record(entity),
            (_, Some((_, kind))) => self.folded(ast, aggregate, kind)?,
            (_, None) => unreachable!("a body was asked for above"),
        };
        let body = body.map(|(expr, _)| Box::new(expr));
        let zero = match kind {
            Type::Int => Value::Int(0),
            Type::Decimal => Value::Decimal(0),
            Type::Money => Value::Money(0),
            Type::Duration => Value::Duration(0),
            _ => Value::Null,
        };
        Ok((Expr::Query { aggregate, selection: Box::new(selection), body, zero }, kind))
    }

    fn folded(&self, ast: &Ast, aggregate: Aggregate, kind: &Type) -> Result<Type, ExprError> {
        let result = match (aggregate, kind) {
            (Aggregate::Sum, Type::Int | Type::Decimal | Type::Money | Type::Duration) => kind.clone(),
            (Aggregate::Avg, Type::Int | Type::Decimal) => Type::Decimal,
            (Aggregate::Avg, Type::Money) => Type::Money,
            (
                Aggregate::Min | Aggregate::Max,
                Type::Int
                | Type::Decimal
                | Type::Money
                | Type::Duration
                | Type::Date
                | Type::DateTime
                | Type::Str,
            ) => kind.clone(),
            _ => {
                return Err(ExprError::new(
                    ast.at,
                    format!("{}(…) of {}", aggregate.name(), self.schema.type_name(kind)),
                ));
            }
        };
        Ok(result)
    }

    /// The records that a query means, and its body, both in a scope with the record.
    fn selection(
        &mut self,
        query: &Query,
        entity: EntityId,
        with_body: bool,
    ) -> Result<(Selection, Option<(Expr, Type)>), ExprError> {
        let outer = self.scope.clone();
        let slot = self.scope.add(query.alias.as_deref().unwrap_or("it"), Type::Record(entity));
        if std::mem::take(&mut self.names_it) {
            self.scope.alias("it", Type::Record(entity), slot);
        }
        self.highest = self.highest.max(self.scope.slots);
        let filter = query.filter.as_ref().map(|filter| self.truth(filter)).transpose()?;
        let body = match &query.body {
            Some(body) if with_body => Some(self.check(body, None)?),
            _ => None,
        };
        self.scope = outer;
        let (access, filter) = self.access(entity, slot, filter);
        Ok((Selection { entity, slot, access, filter: filter.map(Box::new), slots: self.highest }, body))
    }

    /// Takes one condition out of the filter that an index can answer.
    fn access(&self, entity: EntityId, slot: u16, filter: Option<Expr>) -> (Access, Option<Expr>) {
        let mut conditions = Vec::new();
        if let Some(filter) = filter {
            split_and(filter, &mut conditions);
        }
        let mut access = Access::All;
        let found = conditions.iter().position(|condition| {
            let Expr::Compare(Operator::Equal, left, right) = condition else { return false };
            for (path, key) in [(left, right), (right, left)] {
                if mentions(key, slot) {
                    continue;
                }
                match &**path {
                    Expr::Local(at) if *at == slot => {
                        access = Access::One(key.clone());
                        return true;
                    }
                    Expr::Stored(base, field) if matches!(**base, Expr::Local(at) if at == slot) => {
                        let indexes = &self.schema.entity(entity).indexes;
                        if let Some(at) =
                            indexes.iter().position(|index| index.slot == *field && !index.is_text)
                        {
                            access = Access::Index(at as u16, key.clone());
                            return true;
                        }
                    }
                    _ => {}
                }
            }
            false
        });
        if let Some(at) = found {
            conditions.remove(at);
        }
        let filter = conditions.into_iter().reduce(|a, b| Expr::And(Box::new(a), Box::new(b)));
        (access, filter)
    }

    fn call(&mut self, ast: &Ast, name: &str, args: &[CallArg], expected: Option<&Type>) -> Checked {
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

fn scaled(ast: &Ast, number: i64, scale: i64, make: fn(i64) -> Value) -> Result<Value, ExprError> {
    number
        .checked_mul(scale)
        .map(make)
        .ok_or_else(|| ExprError::new(ast.at, format!("`{number}` is too large")))
}

fn is_literal(ast: &Ast) -> bool {
    match &ast.node {
        Node::Int(_) | Node::Number(_) | Node::Text(_) | Node::List(_) => true,
        Node::Negate(inner) => is_literal(inner),
        _ => false,
    }
}

fn to_decimal(expr: Expr) -> Expr {
    Expr::Function(Function::ToDecimal, vec![expr])
}

fn as_decimal(expr: Expr, kind: &Type) -> Expr {
    if *kind == Type::Int { to_decimal(expr) } else { expr }
}

fn mixed_hint(a: &Type, b: &Type) -> &'static str {
    match (a, b) {
        (Type::Money, Type::Int | Type::Decimal) | (Type::Int | Type::Decimal, Type::Money) => {
            "; write money(…)"
        }
        (Type::Date, Type::DateTime) | (Type::DateTime, Type::Date) => "; write date(…) of the datetime",
        (Type::Date | Type::DateTime, Type::Int) => "; write days(…) or hours(…)",
        (Type::Duration, Type::Int) | (Type::Int, Type::Duration) => {
            "; write days(…), hours(…) or days_between(a, b)"
        }
        _ => "",
    }
}

fn split_and(expr: Expr, out: &mut Vec<Expr>) {
    match expr {
        Expr::And(left, right) => {
            split_and(*left, out);
            split_and(*right, out);
        }
        other => out.push(other),
    }
}

/// Whether `expr` reads the local at `slot`.
fn mentions(expr: &Expr, slot: u16) -> bool {
    let all = |exprs: &[Expr]| exprs.iter().any(|expr| mentions(expr, slot));
    match expr {
        Expr::Const(_) | Expr::Now | Expr::Today => false,
        Expr::Local(at) => *at == slot,
        Expr::Stored(base, _)
        | Expr::Derived(base, _, _)
        | Expr::IsNull(base, _)
        | Expr::Not(base)
        | Expr::Negate(base)
        | Expr::Length(base) => mentions(base, slot),
        Expr::Or(a, b)
        | Expr::And(a, b)
        | Expr::Compare(_, a, b)
        | Expr::Member(a, b, _)
        | Expr::Within(a, b, _)
        | Expr::Arithmetic(_, a, b)
        | Expr::Join(a, b)
        | Expr::Coalesce(a, b) => mentions(a, slot) || mentions(b, slot),
        Expr::If(a, b, c) => mentions(a, slot) || mentions(b, slot) || mentions(c, slot),
        Expr::List(items) | Expr::Function(_, items) => all(items),
        // Nested queries are rare as keys; treat them as mentioning it.
        Expr::Query { .. } => true,
        Expr::Called(_, args, _) => args.iter().any(|(_, expr)| mentions(expr, slot)),
    }
}

/// What an overload takes or gives.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Int,
    Decimal,
    Money,
    Date,
    DateTime,
    Duration,
    Str,
    Bool,
    List,
    /// Any type; as a result, that of the first argument.
    Any,
}

impl Kind {
    fn is(self, kind: &Type) -> bool {
        matches!(
            (self, kind),
            (Self::Int, Type::Int)
                | (Self::Decimal, Type::Decimal)
                | (Self::Money, Type::Money)
                | (Self::Date, Type::Date)
                | (Self::DateTime, Type::DateTime)
                | (Self::Duration, Type::Duration)
                | (Self::Str, Type::Str)
                | (Self::Bool, Type::Bool)
                | (Self::List, Type::List(_))
                | (Self::Any, _)
        )
    }

    fn kind(self) -> Option<Type> {
        Some(match self {
            Self::Int => Type::Int,
            Self::Decimal => Type::Decimal,
            Self::Money => Type::Money,
            Self::Date => Type::Date,
            Self::DateTime => Type::DateTime,
            Self::Duration => Type::Duration,
            Self::Str => Type::Str,
            Self::Bool => Type::Bool,
            Self::List | Self::Any => return None,
        })
    }
}

struct Overload {
    args: &'static [Kind],
    result: Kind,
    function: Function,
}

const fn overload(args: &'static [Kind], result: Kind, function: Function) -> Overload {
    Overload { args, result, function }
}

const MORE_FUNCTIONS: [&str; 13] = [
    "if", "coalesce", "least", "greatest", "called", "calls", "exists", "count", "sum", "min", "max", "avg",
    "first",
];

const FUNCTIONS: &[(&str, usize, &[Overload])] = &[
    ("days", 1, &[overload(&[Kind::Int], Kind::Duration, Function::Days)]),
    ("hours", 1, &[overload(&[Kind::Int], Kind::Duration, Function::Hours)]),
    ("minutes", 1, &[overload(&[Kind::Int], Kind::Duration, Function::Minutes)]),
    (
        "days_between",
        2,
        &[
            overload(&[Kind::Date, Kind::Date], Kind::Int, Function::DaysBetween),
            overload(&[Kind::DateTime, Kind::DateTime], Kind::Int, Function::DaysBetween),
            overload(&[Kind::Date, Kind::DateTime], Kind::Int, Function::DaysBetween),
            overload(&[Kind::DateTime, Kind::Date], Kind::Int, Function::DaysBetween),
        ],
    ),
    (
        "minutes_between",
        2,
        &[overload(&[Kind::DateTime, Kind::DateTime], Kind::Int, Function::MinutesBetween)],
    ),
    (
        "date",
        1,
        &[
            overload(&[Kind::DateTime], Kind::Date, Function::Date),
            overload(&[Kind::Date], Kind::Date, Function::Date),
        ],
    ),
    (
        "weekday",
        1,
        &[
            overload(&[Kind::Date], Kind::Int, Function::Weekday),
            overload(&[Kind::DateTime], Kind::Int, Function::Weekday),
        ],
    ),
    ("hour", 1, &[overload(&[Kind::DateTime], Kind::Int, Function::Hour)]),
    (
        "month",
        1,
        &[
            overload(&[Kind::Date], Kind::Int, Function::Month),
            overload(&[Kind::DateTime], Kind::Int, Function::Month),
        ],
    ),
    (
        "year",
        1,
        &[
            overload(&[Kind::Date], Kind::Int, Function::Year),
            overload(&[Kind::DateTime], Kind::Int, Function::Year),
        ],
    ),
    ("lower", 1, &[overload(&[Kind::Str], Kind::Str, Function::Lower)]),
    ("upper", 1, &[overload(&[Kind::Str], Kind::Str, Function::Upper)]),
    ("trim", 1, &[overload(&[Kind::Str], Kind::Str, Function::Trim)]),
    (
        "len",
        1,
        &[
            overload(&[Kind::Str], Kind::Int, Function::Len),
            overload(&[Kind::List], Kind::Int, Function::Len),
        ],
    ),
    ("contains", 2, &[overload(&[Kind::Str, Kind::Str], Kind::Bool, Function::Contains)]),
    ("starts_with", 2, &[overload(&[Kind::Str, Kind::Str], Kind::Bool, Function::StartsWith)]),
    ("ends_with", 2, &[overload(&[Kind::Str, Kind::Str], Kind::Bool, Function::EndsWith)]),
    ("text", 1, &[overload(&[Kind::Any], Kind::Str, Function::Text)]),
    (
        "abs",
        1,
        &[
            overload(&[Kind::Int], Kind::Int, Function::Abs),
            overload(&[Kind::Decimal], Kind::Decimal, Function::Abs),
            overload(&[Kind::Money], Kind::Money, Function::Abs),
            overload(&[Kind::Duration], Kind::Duration, Function::Abs),
        ],
    ),
    ("round", 1, &[overload(&[Kind::Decimal], Kind::Int, Function::Round)]),
    ("floor", 1, &[overload(&[Kind::Decimal], Kind::Int, Function::Floor)]),
    ("ceil", 1, &[overload(&[Kind::Decimal], Kind::Int, Function::Ceil)]),
    (
        "int",
        1,
        &[
            overload(&[Kind::Decimal], Kind::Int, Function::ToInt),
            overload(&[Kind::Int], Kind::Int, Function::ToInt),
        ],
    ),
    (
        "decimal",
        1,
        &[
            overload(&[Kind::Int], Kind::Decimal, Function::ToDecimal),
            overload(&[Kind::Money], Kind::Decimal, Function::ToDecimal),
            overload(&[Kind::Decimal], Kind::Decimal, Function::ToDecimal),
        ],
    ),
    (
        "money",
        1,
        &[
            overload(&[Kind::Int], Kind::Money, Function::ToMoney),
            overload(&[Kind::Decimal], Kind::Money, Function::ToMoney),
            overload(&[Kind::Money], Kind::Money, Function::ToMoney),
        ],
    ),
];
