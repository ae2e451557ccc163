//! What an expression says, before names and types are judged.

/// A part of an expression and where it begins in the expression's text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ast {
    pub(crate) node: Node,
    /// Byte offset.
    pub(crate) at: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    Int(i64),
    /// A number with a decimal point, in ten-thousandths.
    Number(i64),
    Text(String),
    List(Vec<Ast>),
    Name(String),
    Field(Box<Ast>, String),
    Not(Box<Ast>),
    Negate(Box<Ast>),
    Binary(Operator, Box<Ast>, Box<Ast>),
    Call(String, Vec<CallArg>),
    Aggregate(Aggregate, Box<Query>),
}

/// An argument of a call, named in `called(op, arg = value)`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CallArg {
    pub(crate) name: Option<String>,
    pub(crate) value: Ast,
}

/// `entity as name where filter : body`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Query {
    pub(crate) source: Ast,
    pub(crate) alias: Option<String>,
    pub(crate) filter: Option<Ast>,
    pub(crate) body: Option<Ast>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aggregate {
    Exists,
    Count,
    Sum,
    Min,
    Max,
    Avg,
    First,
}

impl Aggregate {
    pub(crate) const NAMES: [(&'static str, Aggregate); 7] = [
        ("exists", Self::Exists),
        ("count", Self::Count),
        ("sum", Self::Sum),
        ("min", Self::Min),
        ("max", Self::Max),
        ("avg", Self::Avg),
        ("first", Self::First),
    ];

    pub(crate) fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, aggregate)| *aggregate == self).expect("every aggregate has a name").0
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, aggregate)| *aggregate)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    NotIn,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Operator {
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::In => "in",
            Self::NotIn => "not in",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }

    /// Greater binds tighter.
    pub(crate) fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Add | Self::Subtract => 5,
            Self::Multiply | Self::Divide | Self::Remainder => 6,
            _ => 4,
        }
    }
}
