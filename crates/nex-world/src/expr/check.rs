//! Names and types of an expression: [`Ast`] to [`Program`].
//!
//! Invariant: a checked expression cannot meet a wrong type at run time; what is left to go wrong
//! is overflow and cost.

mod calls;
mod queries;

use super::ast::{Ast, Node, Operator};
use super::{Expr, ExprError, Function, Program, Selection, parse};
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

type Typed = (Expr, Type);
type Checked = Result<Typed, ExprError>;

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
    fn pair(&mut self, left: &Ast, right: &Ast) -> Result<(Typed, Typed), ExprError> {
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
