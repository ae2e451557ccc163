//! Columns: from values to Arrow arrays and back.
//!
//! A noun is written by giving, for all of its rows at once, one array a field. Lists are written
//! by flattening: the items of all rows as one array, and how many belong to each row.

use super::error::ParquetError;
use arrow_array::builder::{BooleanBuilder, PrimitiveBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float32Type, Float64Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, ListArray, PrimitiveArray, StringArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{Field, Fields};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ops::Range;
use std::sync::Arc;

/// The fields of a struct under construction, for `count` rows.
pub(super) struct Columns {
    fields: Vec<Field>,
    arrays: Vec<ArrayRef>,
}

impl Columns {
    pub(super) fn new() -> Self {
        Self { fields: Vec::new(), arrays: Vec::new() }
    }

    pub(super) fn add(&mut self, name: &str, is_nullable: bool, array: ArrayRef) {
        self.fields.push(Field::new(name, array.data_type().clone(), is_nullable));
        self.arrays.push(array);
    }

    pub(super) fn text<S: AsRef<str>>(&mut self, name: &str, values: impl Iterator<Item = S>) {
        let mut builder = StringBuilder::new();
        values.for_each(|value| builder.append_value(value));
        self.add(name, false, Arc::new(builder.finish()));
    }

    pub(super) fn opt_text<S: AsRef<str>>(&mut self, name: &str, values: impl Iterator<Item = Option<S>>) {
        let mut builder = StringBuilder::new();
        values.for_each(|value| builder.append_option(value));
        self.add(name, true, Arc::new(builder.finish()));
    }

    pub(super) fn json<T: Serialize>(&mut self, name: &str, values: impl Iterator<Item = T>) {
        self.text(name, values.map(|value| serde_json::to_string(&value).expect("JSON values serialise")));
    }

    pub(super) fn number<P: ArrowPrimitiveType>(
        &mut self,
        name: &str,
        values: impl Iterator<Item = P::Native>,
    ) {
        let mut builder = PrimitiveBuilder::<P>::new();
        values.for_each(|value| builder.append_value(value));
        self.add(name, false, Arc::new(builder.finish()));
    }

    pub(super) fn opt_number<P: ArrowPrimitiveType>(
        &mut self,
        name: &str,
        values: impl Iterator<Item = Option<P::Native>>,
    ) {
        let mut builder = PrimitiveBuilder::<P>::new();
        values.for_each(|value| builder.append_option(value));
        self.add(name, true, Arc::new(builder.finish()));
    }

    pub(super) fn flag(&mut self, name: &str, values: impl Iterator<Item = bool>) {
        let mut builder = BooleanBuilder::new();
        values.for_each(|value| builder.append_value(value));
        self.add(name, false, Arc::new(builder.finish()));
    }

    /// A list column: `lists` are the items of each row, `items` makes the array of all of them.
    pub(super) fn list<'a, T: 'a>(
        &mut self,
        name: &str,
        lists: impl Iterator<Item = &'a [T]> + Clone,
        items: impl FnOnce(&[&'a T]) -> ArrayRef,
    ) {
        let flat: Vec<&T> = lists.clone().flatten().collect();
        let array = list(lists.map(<[T]>::len), items(&flat), None);
        self.add(name, false, array);
    }

    pub(super) fn finish(self, nulls: Option<NullBuffer>) -> StructArray {
        StructArray::new(Fields::from(self.fields), self.arrays, nulls)
    }

    pub(super) fn into_parts(self) -> (Vec<Field>, Vec<ArrayRef>) {
        (self.fields, self.arrays)
    }
}

/// Lists of the given lengths over `items`.
pub(super) fn list(
    lengths: impl Iterator<Item = usize>,
    items: ArrayRef,
    nulls: Option<NullBuffer>,
) -> ArrayRef {
    let field = Arc::new(Field::new("item", items.data_type().clone(), false));
    Arc::new(ListArray::new(field, OffsetBuffer::from_lengths(lengths), items, nulls))
}

/// All texts as one array, for lists of text.
pub(super) fn texts(items: &[&String]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(items.iter().map(|text| text.as_str())))
}

/// All numbers as one array, for lists of numbers.
pub(super) fn numbers<P: ArrowPrimitiveType>(items: &[&P::Native]) -> ArrayRef {
    Arc::new(PrimitiveArray::<P>::from_iter_values(items.iter().map(|item| **item)))
}

/// All flags as one array, for lists of flags.
pub(super) fn flags(items: &[&bool]) -> ArrayRef {
    Arc::new(BooleanArray::from_iter(items.iter().map(|item| Some(**item))))
}

/// A struct being read: its columns by name.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    fields: &'a Fields,
    arrays: &'a [ArrayRef],
    nulls: Option<&'a NullBuffer>,
}

impl<'a> Rows<'a> {
    pub(super) fn of_batch(batch: &'a arrow_array::RecordBatch) -> Self {
        Self { fields: batch.schema_ref().fields(), arrays: batch.columns(), nulls: None }
    }

    fn of_struct(array: &'a StructArray) -> Self {
        Self { fields: array.fields(), arrays: array.columns(), nulls: array.nulls() }
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }

    fn column<T>(
        &self,
        name: &str,
        expected: &'static str,
        cast: impl FnOnce(&'a ArrayRef) -> Option<T>,
    ) -> Result<T, ParquetError> {
        self.fields
            .find(name)
            .and_then(|(index, _)| cast(&self.arrays[index]))
            .ok_or_else(|| ParquetError::Column { column: name.to_owned(), expected })
    }

    pub(super) fn texts(&self, name: &str) -> Result<Texts<'a>, ParquetError> {
        self.column(name, "text", |array| array.as_string_opt::<i32>().map(Texts))
    }

    pub(super) fn u32s(&self, name: &str) -> Result<Numbers<'a, UInt32Type>, ParquetError> {
        self.column(name, "uint32", |array| array.as_primitive_opt().map(Numbers))
    }

    pub(super) fn u64s(&self, name: &str) -> Result<Numbers<'a, UInt64Type>, ParquetError> {
        self.column(name, "uint64", |array| array.as_primitive_opt().map(Numbers))
    }

    pub(super) fn f64s(&self, name: &str) -> Result<Numbers<'a, Float64Type>, ParquetError> {
        self.column(name, "double", |array| array.as_primitive_opt().map(Numbers))
    }

    pub(super) fn flags(&self, name: &str) -> Result<&'a BooleanArray, ParquetError> {
        self.column(name, "boolean", |array| array.as_boolean_opt())
    }

    pub(super) fn structs(&self, name: &str) -> Result<Rows<'a>, ParquetError> {
        self.column(name, "struct", |array| array.as_struct_opt().map(Rows::of_struct))
    }

    /// A list of structs: which items belong to each row, and the items.
    pub(super) fn lists(&self, name: &str) -> Result<(Lists<'a>, Rows<'a>), ParquetError> {
        self.column(name, "list of structs", |array| {
            let list = array.as_list_opt::<i32>()?;
            Some((Lists(list), Rows::of_struct(list.values().as_struct_opt()?)))
        })
    }

    pub(super) fn text_lists(&self, name: &str) -> Result<(Lists<'a>, Texts<'a>), ParquetError> {
        self.column(name, "list of text", |array| {
            let list = array.as_list_opt::<i32>()?;
            Some((Lists(list), Texts(list.values().as_string_opt()?)))
        })
    }

    pub(super) fn u32_lists(&self, name: &str) -> Result<(Lists<'a>, &'a [u32]), ParquetError> {
        self.column(name, "list of uint32", |array| {
            let list = array.as_list_opt::<i32>()?;
            Some((Lists(list), list.values().as_primitive_opt::<UInt32Type>()?.values().as_ref()))
        })
    }

    pub(super) fn f32_lists(&self, name: &str) -> Result<(Lists<'a>, &'a [f32]), ParquetError> {
        self.column(name, "list of float", |array| {
            let list = array.as_list_opt::<i32>()?;
            Some((Lists(list), list.values().as_primitive_opt::<Float32Type>()?.values().as_ref()))
        })
    }

    pub(super) fn flag_lists(&self, name: &str) -> Result<(Lists<'a>, &'a BooleanArray), ParquetError> {
        self.column(name, "list of boolean", |array| {
            let list = array.as_list_opt::<i32>()?;
            Some((Lists(list), list.values().as_boolean_opt()?))
        })
    }
}

/// A column of text.
#[derive(Clone, Copy)]
pub(super) struct Texts<'a>(&'a StringArray);

impl Texts<'_> {
    pub(super) fn get(&self, row: usize) -> String {
        self.0.value(row).to_owned()
    }

    pub(super) fn opt(&self, row: usize) -> Option<String> {
        self.0.is_valid(row).then(|| self.get(row))
    }

    /// The JSON in this row as a `T`.
    pub(super) fn json<T: DeserializeOwned>(
        &self,
        row: usize,
        column: &'static str,
    ) -> Result<T, ParquetError> {
        let text = self.0.value(row);
        serde_json::from_str(text).map_err(|cause| ParquetError::value(column, text, cause))
    }

    /// The word in this row as an enumeration's variant.
    pub(super) fn word<T: DeserializeOwned>(
        &self,
        row: usize,
        column: &'static str,
    ) -> Result<T, ParquetError> {
        use serde::de::IntoDeserializer;
        let text = self.0.value(row);
        T::deserialize(IntoDeserializer::<serde::de::value::Error>::into_deserializer(text))
            .map_err(|cause| ParquetError::value(column, text, cause))
    }
}

/// A column of numbers.
pub(super) struct Numbers<'a, P: ArrowPrimitiveType>(&'a PrimitiveArray<P>);

impl<P: ArrowPrimitiveType> Numbers<'_, P> {
    pub(super) fn get(&self, row: usize) -> P::Native {
        self.0.value(row)
    }

    pub(super) fn opt(&self, row: usize) -> Option<P::Native> {
        self.0.is_valid(row).then(|| self.get(row))
    }
}

/// A column of lists: which items belong to which row.
#[derive(Clone, Copy)]
pub(super) struct Lists<'a>(&'a ListArray);

impl Lists<'_> {
    pub(super) fn of(&self, row: usize) -> Range<usize> {
        let offsets = self.0.value_offsets();
        offsets[row] as usize..offsets[row + 1] as usize
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        self.0.is_null(row)
    }
}

/// The word by which serde writes a variant without fields.
pub(super) fn word<T: Serialize>(variant: T) -> String {
    match serde_json::to_value(variant).expect("variants serialise") {
        serde_json::Value::String(word) => word,
        other => unreachable!("a variant without fields is a word, not {other}"),
    }
}
