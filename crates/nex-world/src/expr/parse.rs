//! Text of an expression to its [`Ast`]: a hand-written lexer and a precedence climber.
//!
//! Bounded: an expression is at most [`MAX_LENGTH`] bytes and [`MAX_DEPTH`] deep.

use super::ExprError;
use super::ast::{Aggregate, Ast, CallArg, Node, Operator, Query};
use crate::value::parse_scaled;

/// Bytes in one expression.
pub(crate) const MAX_LENGTH: usize = 4_000;
/// Nesting of one expression.
pub(crate) const MAX_DEPTH: usize = 48;

/// Reads a whole expression.
pub(crate) fn parse(text: &str) -> Result<Ast, ExprError> {
    let mut parser = Parser::new(text)?;
    let ast = parser.expression(0)?;
    parser.end()?;
    Ok(ast)
}

/// Reads `entity as name where filter`, as in `for_each`.
pub(crate) fn parse_query(text: &str) -> Result<Query, ExprError> {
    let mut parser = Parser::new(text)?;
    let source = parser.expression(0)?;
    let query = parser.query(source)?;
    parser.end()?;
    Ok(query)
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Int(i64),
    Number(i64),
    Text(String),
    Name(String),
    Sign(&'static str),
    End,
}

impl Token {
    fn describe(&self) -> String {
        match self {
            Self::Int(number) => format!("`{number}`"),
            Self::Number(_) => "a number".to_owned(),
            Self::Text(text) => format!("'{text}'"),
            Self::Name(name) => format!("`{name}`"),
            Self::Sign(sign) => format!("`{sign}`"),
            Self::End => "the end".to_owned(),
        }
    }
}

const SIGNS: [&str; 19] =
    ["==", "!=", "<=", ">=", "<", ">", "=", "+", "-", "*", "/", "%", "(", ")", "[", "]", ",", ".", ":"];

fn lex(text: &str) -> Result<Vec<(Token, usize)>, ExprError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if first.is_whitespace() {
            at += first.len_utf8();
        } else if first.is_ascii_digit() {
            let length = rest
                .char_indices()
                .find(|(i, c)| {
                    let decimal_point = *c == '.' && rest[i + 1..].starts_with(|d: char| d.is_ascii_digit());
                    !c.is_ascii_digit() && !decimal_point
                })
                .map_or(rest.len(), |(i, _)| i);
            let digits = &rest[..length];
            let token = if digits.contains('.') {
                Token::Number(parse_scaled(digits, 4).ok_or_else(|| {
                    ExprError::new(at, format!("`{digits}` has more than four decimals or is too large"))
                })?)
            } else {
                Token::Int(
                    digits.parse().map_err(|_| ExprError::new(at, format!("`{digits}` is too large")))?,
                )
            };
            tokens.push((token, at));
            at += length;
        } else if first == '\'' || first == '"' {
            let Some(length) = rest[1..].find(first) else {
                return Err(ExprError::new(at, format!("text has no closing {first}")));
            };
            tokens.push((Token::Text(rest[1..=length].to_owned()), at));
            at += length + 2;
        } else if first.is_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            tokens.push((Token::Name(rest[..length].to_owned()), at));
            at += length;
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push((Token::Sign(sign), at));
            at += sign.len();
        } else {
            return Err(ExprError::new(at, format!("`{first}` means nothing in an expression")));
        }
    }
    tokens.push((Token::End, text.len()));
    Ok(tokens)
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn new(text: &str) -> Result<Self, ExprError> {
        if text.len() > MAX_LENGTH {
            return Err(ExprError::new(0, format!("an expression is at most {MAX_LENGTH} bytes long")));
        }
        Ok(Self { tokens: lex(text)?, next: 0, depth: 0 })
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.next].0
    }

    fn at(&self) -> usize {
        self.tokens[self.next].1
    }

    fn advance(&mut self) -> Token {
        let token = self.tokens[self.next].0.clone();
        if self.next + 1 < self.tokens.len() {
            self.next += 1;
        }
        token
    }

    fn eat(&mut self, sign: &'static str) -> bool {
        let found = *self.peek() == Token::Sign(sign);
        if found {
            self.advance();
        }
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Token::Name(name) if name == word);
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), ExprError> {
        if self.eat(sign) {
            return Ok(());
        }
        Err(ExprError::new(self.at(), format!("expected `{sign}`, found {}", self.peek().describe())))
    }

    fn end(&mut self) -> Result<(), ExprError> {
        match self.peek() {
            Token::End => Ok(()),
            Token::Sign("=") => Err(ExprError::new(self.at(), "`=` compares nothing; write `==`")),
            other => Err(ExprError::new(
                self.at(),
                format!("expected an operator or the end, found {}", other.describe()),
            )),
        }
    }

    fn operator(&self) -> Option<(Operator, usize)> {
        let operator = match self.peek() {
            Token::Sign(sign) => match *sign {
                "==" => Operator::Equal,
                "!=" => Operator::NotEqual,
                "<" => Operator::Less,
                "<=" => Operator::LessEqual,
                ">" => Operator::Greater,
                ">=" => Operator::GreaterEqual,
                "+" => Operator::Add,
                "-" => Operator::Subtract,
                "*" => Operator::Multiply,
                "/" => Operator::Divide,
                "%" => Operator::Remainder,
                _ => return None,
            },
            Token::Name(name) => match name.as_str() {
                "or" => Operator::Or,
                "and" => Operator::And,
                "in" => Operator::In,
                "not" if matches!(self.tokens.get(self.next + 1), Some((Token::Name(n), _)) if n == "in") => {
                    return Some((Operator::NotIn, 2));
                }
                _ => return None,
            },
            _ => return None,
        };
        Some((operator, 1))
    }

    fn expression(&mut self, lowest: u8) -> Result<Ast, ExprError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(ExprError::new(self.at(), format!("nested deeper than {MAX_DEPTH}")));
        }
        let mut left = self.unary()?;
        // A chain of operators leans left, so each link deepens the tree that later passes walk.
        let mut links = 0;
        while let Some((operator, words)) = self.operator() {
            let precedence = operator.precedence();
            if precedence < lowest {
                break;
            }
            let at = self.at();
            links += 1;
            if links > MAX_DEPTH {
                return Err(ExprError::new(at, format!("a chain of more than {MAX_DEPTH} operators")));
            }
            for _ in 0..words {
                self.advance();
            }
            let right = self.expression(precedence + 1)?;
            left = Ast { node: Node::Binary(operator, Box::new(left), Box::new(right)), at };
        }
        self.depth -= 1;
        Ok(left)
    }

    fn unary(&mut self) -> Result<Ast, ExprError> {
        let at = self.at();
        if self.eat_word("not") {
            let operand = self.expression(3)?;
            return Ok(Ast { node: Node::Not(Box::new(operand)), at });
        }
        if self.eat("-") {
            let operand = self.expression(7)?;
            return Ok(Ast { node: Node::Negate(Box::new(operand)), at });
        }
        self.postfix()
    }

    fn postfix(&mut self) -> Result<Ast, ExprError> {
        let mut base = self.primary()?;
        let mut links = 0;
        while self.eat(".") {
            let at = self.at();
            links += 1;
            if links > MAX_DEPTH {
                return Err(ExprError::new(at, format!("a path of more than {MAX_DEPTH} fields")));
            }
            match self.advance() {
                Token::Name(field) => base = Ast { node: Node::Field(Box::new(base), field), at },
                other => {
                    return Err(ExprError::new(
                        at,
                        format!("expected a field after `.`, found {}", other.describe()),
                    ));
                }
            }
        }
        Ok(base)
    }

    fn primary(&mut self) -> Result<Ast, ExprError> {
        let at = self.at();
        let node = match self.advance() {
            Token::Int(number) => Node::Int(number),
            Token::Number(number) => Node::Number(number),
            Token::Text(text) => Node::Text(text),
            Token::Sign("(") => {
                let inner = self.expression(0)?;
                self.expect(")")?;
                return Ok(inner);
            }
            Token::Sign("[") => Node::List(self.items()?),
            Token::Name(name) => match name.as_str() {
                "null" => Node::Null,
                "true" => Node::Bool(true),
                "false" => Node::Bool(false),
                _ if *self.peek() == Token::Sign("(") => self.call(name)?,
                _ => Node::Name(name),
            },
            other => return Err(ExprError::new(at, format!("expected a value, found {}", other.describe()))),
        };
        Ok(Ast { node, at })
    }

    fn items(&mut self) -> Result<Vec<Ast>, ExprError> {
        let mut items = Vec::new();
        while !self.eat("]") {
            items.push(self.expression(0)?);
            if !self.eat(",") {
                self.expect("]")?;
                break;
            }
        }
        Ok(items)
    }

    fn call(&mut self, name: String) -> Result<Node, ExprError> {
        self.expect("(")?;
        if let Some(aggregate) = Aggregate::from_name(&name) {
            let source = self.expression(0)?;
            let query = self.query(source)?;
            if *self.peek() == Token::Sign(",") {
                let way_out = match aggregate {
                    Aggregate::Min => "; the lesser of two values is least(a, b)",
                    Aggregate::Max => "; the greater of two values is greatest(a, b)",
                    _ => "",
                };
                return Err(ExprError::new(
                    self.at(),
                    format!("{name}(…) takes one `entity where …`{way_out}"),
                ));
            }
            self.expect(")")?;
            return Ok(Node::Aggregate(aggregate, Box::new(query)));
        }
        let mut args = Vec::new();
        while !self.eat(")") {
            let is_named = matches!(
                (self.peek(), self.tokens.get(self.next + 1)),
                (Token::Name(_), Some((Token::Sign("=" | ":"), _)))
            );
            let name = match is_named.then(|| self.advance()) {
                Some(Token::Name(name)) => {
                    self.advance();
                    Some(name)
                }
                _ => None,
            };
            args.push(CallArg { name, value: self.expression(0)? });
            if !self.eat(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(Node::Call(name, args))
    }

    fn query(&mut self, source: Ast) -> Result<Query, ExprError> {
        let mut alias = None;
        if self.eat_word("as") {
            let at = self.at();
            match self.advance() {
                Token::Name(name) => alias = Some(name),
                other => {
                    return Err(ExprError::new(
                        at,
                        format!("expected a name after `as`, found {}", other.describe()),
                    ));
                }
            }
        }
        let filter = if self.eat_word("where") { Some(self.expression(0)?) } else { None };
        let body = if self.eat(":") { Some(self.expression(0)?) } else { None };
        Ok(Query { source, alias, filter, body })
    }
}
