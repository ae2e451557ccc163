//! Messages as lists of flat blocks.

use super::column::{Columns, Rows};
use super::error::ParquetError;
use crate::{Arguments, CallId, ContentBlock, ImageSource, ToolCall, ToolResult};
use arrow_array::StructArray;
use arrow_array::types::UInt32Type;
use std::ops::Range;

/// One block without the blocks in it; those follow with `inside` its index.
pub(super) struct FlatBlock<'a> {
    inside: Option<u32>,
    block: &'a ContentBlock,
}

/// The blocks of one message with all that lies in them, outer before inner.
pub(super) fn flatten(content: &[ContentBlock]) -> Vec<FlatBlock<'_>> {
    fn add<'a>(content: &'a [ContentBlock], inside: Option<u32>, out: &mut Vec<FlatBlock<'a>>) {
        for block in content {
            let index = out.len() as u32;
            out.push(FlatBlock { inside, block });
            if let ContentBlock::ToolResult(result) = block {
                add(&result.content, Some(index), out);
            }
        }
    }
    let mut out = Vec::with_capacity(content.len());
    add(content, None, &mut out);
    out
}

pub(super) fn columns(blocks: &[&FlatBlock<'_>]) -> StructArray {
    use ContentBlock::{Image, Reasoning, Text, ToolCall as Call, ToolResult as Result};
    let mut columns = Columns::new();
    columns.opt_number::<UInt32Type>("inside", blocks.iter().map(|flat| flat.inside));
    let blocks = || blocks.iter().map(|flat| flat.block);
    columns.text(
        "type",
        blocks().map(|block| match block {
            Text { .. } => "text",
            Reasoning { .. } => "reasoning",
            Call(_) => "tool_call",
            Result(_) => "tool_result",
            Image(ImageSource::Base64 { .. }) => "image",
            Image(ImageSource::Url { .. }) => "image_url",
        }),
    );
    columns.opt_text(
        "text",
        blocks().map(|block| match block {
            Text { text } | Reasoning { text, .. } => Some(text),
            _ => None,
        }),
    );
    columns.opt_text(
        "signature",
        blocks().map(|block| match block {
            Reasoning { signature, .. } => signature.as_ref(),
            _ => None,
        }),
    );
    columns.opt_text(
        "call_id",
        blocks().map(|block| match block {
            Call(call) => Some(call.id.as_str()),
            Result(result) => Some(result.call_id.as_str()),
            _ => None,
        }),
    );
    columns.opt_text(
        "name",
        blocks().map(|block| match block {
            Call(call) => Some(&call.name),
            Result(result) => Some(&result.name),
            _ => None,
        }),
    );
    columns.opt_text(
        "arguments",
        blocks().map(|block| match block {
            Call(call) => Some(call.arguments.as_text()),
            _ => None,
        }),
    );
    columns.flag("is_error", blocks().map(|block| matches!(block, Result(result) if result.is_error)));
    columns.opt_text(
        "media_type",
        blocks().map(|block| match block {
            Image(ImageSource::Base64 { media_type, .. }) => Some(media_type),
            _ => None,
        }),
    );
    columns.opt_text(
        "image",
        blocks().map(|block| match block {
            Image(ImageSource::Base64 { data, .. }) => Some(data),
            Image(ImageSource::Url { url }) => Some(url),
            _ => None,
        }),
    );
    columns.finish(None)
}

/// The content of one message: the blocks in `range`.
pub(super) fn read(rows: Rows<'_>, range: Range<usize>) -> Result<Vec<ContentBlock>, ParquetError> {
    let inside = rows.u32s("inside")?;
    // Built from the back: when a block's turn comes, what lies in it is complete.
    let mut contents: Vec<Vec<ContentBlock>> = vec![Vec::new(); range.len() + 1];
    for row in range.clone().rev() {
        let index = row - range.start;
        let mut within = std::mem::take(&mut contents[index + 1]);
        within.reverse();
        let block = block(rows, row, within)?;
        let outer = match inside.opt(row) {
            None => 0,
            Some(outer) if (outer as usize) < index => outer as usize + 1,
            Some(outer) => {
                return Err(ParquetError::value("inside", outer.to_string(), "the outer block comes first"));
            }
        };
        contents[outer].push(block);
    }
    let mut content = contents.swap_remove(0);
    content.reverse();
    Ok(content)
}

fn block(rows: Rows<'_>, row: usize, within: Vec<ContentBlock>) -> Result<ContentBlock, ParquetError> {
    let kind = rows.texts("type")?.get(row);
    let required = |column: &'static str| -> Result<String, ParquetError> {
        let text = rows.texts(column)?.opt(row);
        text.ok_or_else(|| ParquetError::value(column, "null", format!("a block of type `{kind}` needs it")))
    };
    Ok(match kind.as_str() {
        "text" => ContentBlock::Text { text: required("text")? },
        "reasoning" => {
            ContentBlock::Reasoning { text: required("text")?, signature: rows.texts("signature")?.opt(row) }
        }
        "tool_call" => ContentBlock::ToolCall(ToolCall {
            id: CallId(required("call_id")?),
            name: required("name")?,
            arguments: Arguments(required("arguments")?),
        }),
        "tool_result" => ContentBlock::ToolResult(ToolResult {
            call_id: CallId(required("call_id")?),
            name: required("name")?,
            content: within,
            is_error: rows.flags("is_error")?.value(row),
        }),
        "image" => ContentBlock::Image(ImageSource::Base64 {
            media_type: required("media_type")?,
            data: required("image")?,
        }),
        "image_url" => ContentBlock::Image(ImageSource::Url { url: required("image")? }),
        _ => return Err(ParquetError::value("type", kind, "no such block")),
    })
}
