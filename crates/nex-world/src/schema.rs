//! The compiled nouns of a world: entities, fields, enums and signatures of operations.
//!
//! Names are judged and indexed once; everything that runs later works with positions.

use crate::expr::Program;
use crate::text::{Language, Text};
use crate::value::{EntityId, EnumId, RecordId, Symbol, Type};
use std::collections::HashMap;
use std::sync::Arc;

/// Entities, enums and signatures.
#[derive(Debug, Default)]
pub struct Schema {
    pub(crate) entities: Vec<Entity>,
    pub(crate) enums: Vec<EnumDef>,
    pub(crate) symbols: Vec<Arc<str>>,
    pub(crate) symbol_by_name: HashMap<Arc<str>, Symbol>,
    pub(crate) signatures: Vec<Signature>,
}

/// An operation's name and what it takes, as expressions need it.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub(crate) name: String,
    pub(crate) args: Vec<(String, Type)>,
}

/// One kind of record.
#[derive(Debug)]
pub struct Entity {
    /// Its position.
    pub id: EntityId,
    /// Its name in the file.
    pub name: String,
    /// What a record is called.
    pub label: Text,
    /// The key of lists of it in replies.
    pub plural: String,
    /// What its ids begin with.
    pub prefix: String,
    /// The digits that follow.
    pub digits: u8,
    /// The declared fields, in order.
    pub fields: Vec<Field>,
    /// Ways to name a record without its id.
    pub keys: Vec<Key>,
    /// Values that a record stores.
    pub(crate) stored: usize,
    /// Indexes that its table keeps.
    pub(crate) indexes: Vec<IndexDef>,
    pub(crate) field_by_name: HashMap<String, u16>,
}

/// One field.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub label: Text,
    /// Its type.
    pub kind: Type,
    /// May be null.
    pub optional: bool,
    /// No two records share a value.
    pub unique: bool,
    /// Only in replies that name it.
    pub hidden: bool,
    /// Where a record stores it; none for derived fields.
    pub(crate) slot: Option<u16>,
    /// How it is computed; none for stored fields.
    pub(crate) derived: Option<Program>,
    /// The index over it, if one is kept.
    pub(crate) index: Option<u16>,
}

/// An index that a table keeps over one stored field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IndexDef {
    pub(crate) slot: u16,
    /// Over text without regard to case; over records otherwise.
    pub(crate) is_text: bool,
}

/// A way to name a record: fields and a phrase.
#[derive(Clone, Debug)]
pub struct Key {
    /// Positions of the fields.
    pub fields: Vec<u16>,
    /// The phrase with `{field}` holes.
    pub text: Text,
}

/// The values of an enum.
#[derive(Clone, Debug)]
pub struct EnumDef {
    /// In the order of the file.
    pub values: Vec<EnumEntry>,
}

/// One value of an enum.
#[derive(Clone, Debug)]
pub struct EnumEntry {
    /// Interned name.
    pub symbol: Symbol,
    /// How often it is drawn.
    pub weight: f64,
    /// How instructions say it.
    pub label: Text,
}

impl Schema {
    /// The entity at `id`.
    pub fn entity(&self, id: EntityId) -> &Entity {
        &self.entities[id.index()]
    }

    /// The entity called `name`.
    pub fn entity_named(&self, name: &str) -> Option<&Entity> {
        self.entities.iter().find(|entity| entity.name == name)
    }

    /// All entities, in the order of the file.
    pub fn entities(&self) -> &[Entity] {
        &self.entities
    }

    /// The enum at `id`.
    pub fn enum_def(&self, id: EnumId) -> &EnumDef {
        &self.enums[usize::from(id.0)]
    }

    /// The name of an enum value.
    pub fn symbol(&self, symbol: Symbol) -> &str {
        &self.symbols[symbol.0 as usize]
    }

    pub(crate) fn symbol_text(&self, symbol: Symbol) -> &Arc<str> {
        &self.symbols[symbol.0 as usize]
    }

    pub(crate) fn intern(&mut self, name: &str) -> Symbol {
        if let Some(symbol) = self.symbol_by_name.get(name) {
            return *symbol;
        }
        let symbol = Symbol(u32::try_from(self.symbols.len()).expect("fewer than 2^32 enum values"));
        let name: Arc<str> = Arc::from(name);
        self.symbols.push(Arc::clone(&name));
        self.symbol_by_name.insert(name, symbol);
        symbol
    }

    /// The value called `name` of the enum, if it has one.
    pub fn enum_value(&self, id: EnumId, name: &str) -> Option<Symbol> {
        let symbol = *self.symbol_by_name.get(name)?;
        self.enum_def(id).values.iter().any(|entry| entry.symbol == symbol).then_some(symbol)
    }

    /// How `symbol` of the enum is said in `language`.
    pub fn enum_label(&self, id: EnumId, symbol: Symbol, language: Language) -> &str {
        self.enum_def(id)
            .values
            .iter()
            .find(|entry| entry.symbol == symbol)
            .map_or_else(|| self.symbol(symbol), |entry| entry.label.get(language))
    }

    /// Writes the id of a record, `ORD-104233`.
    pub fn write_id(&self, out: &mut String, record: RecordId) {
        let entity = self.entity(record.entity());
        out.push_str(&entity.prefix);
        let mut digits = [b'0'; 20];
        let mut number = record.number();
        let mut at = digits.len();
        while number > 0 || digits.len() - at < usize::from(entity.digits) {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
        }
        for digit in &digits[at..] {
            out.push(char::from(*digit));
        }
    }

    /// The id of a record.
    pub fn id_text(&self, record: RecordId) -> String {
        let mut text = String::new();
        self.write_id(&mut text, record);
        text
    }

    /// Reads an id of `entity`: its prefix and exactly its digits.
    pub fn parse_id(&self, entity: EntityId, text: &str) -> Option<RecordId> {
        let def = self.entity(entity);
        let digits = text.trim().strip_prefix(def.prefix.as_str())?;
        if digits.len() != usize::from(def.digits) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        Some(RecordId::new(entity, digits.parse().ok()?))
    }

    /// Reads an id of whichever entity its prefix names.
    pub fn parse_any_id(&self, text: &str) -> Option<RecordId> {
        self.entities.iter().find_map(|entity| self.parse_id(entity.id, text))
    }

    /// What the type is called in messages.
    pub fn type_name(&self, kind: &Type) -> String {
        match kind {
            Type::Null => "null".to_owned(),
            Type::Bool => "true or false".to_owned(),
            Type::Int => "int".to_owned(),
            Type::Decimal => "decimal".to_owned(),
            Type::Money => "money".to_owned(),
            Type::Date => "date".to_owned(),
            Type::DateTime => "datetime".to_owned(),
            Type::Duration => "span of time".to_owned(),
            Type::Str => "text".to_owned(),
            Type::Enum(id) => {
                let names: Vec<_> =
                    self.enum_def(*id).values.iter().map(|entry| self.symbol(entry.symbol)).collect();
                format!("enum ({})", names.join(", "))
            }
            Type::Record(entity) => self.entity(*entity).name.clone(),
            Type::List(item) => format!("list of {}", self.type_name(item)),
        }
    }
}

impl Entity {
    /// The field called `name`.
    pub fn field_named(&self, name: &str) -> Option<(u16, &Field)> {
        let at = *self.field_by_name.get(name)?;
        Some((at, &self.fields[usize::from(at)]))
    }

    /// The field at `at`.
    pub fn field(&self, at: u16) -> &Field {
        &self.fields[usize::from(at)]
    }

    /// The stored fields with their slots, in order.
    pub fn stored_fields(&self) -> impl Iterator<Item = (usize, &Field)> {
        self.fields.iter().filter_map(|field| Some((usize::from(field.slot?), field)))
    }
}
