"""TRL reads `trl`, `trl-turns` and `trl-tokens`, through `datasets` and its own chat templates."""

import json
import tempfile
from importlib.resources import files
from pathlib import Path

import datasets
from common import EXACT, EXPORTS, QUOTED, byte_tokenizer, equal, is_exact, lines, refused
from trl.data_utils import apply_chat_template, is_conversational

cache = tempfile.mkdtemp()


def load(name):
    return datasets.load_dataset("json", data_files=str(EXPORTS / name), split="train", cache_dir=cache)


template = (files("trl") / "chat_templates" / "qwen3.jinja").read_text()
tokenizer = byte_tokenizer(template)

# Conversations: nothing is filled in or changed by the columns.
messages = load("trl.jsonl")
raw = lines("trl.jsonl")
equal("rows", len(messages), len(raw))
for row, line in zip(messages, raw):
    assert is_conversational(row), row
    for found, wanted in zip(row["messages"], line["messages"]):
        kept = {key: value for key, value in found.items() if value is not None}
        equal("a message", json.dumps(kept, sort_keys=True), json.dumps(wanted, sort_keys=True))
    equal("tools", json.dumps(row["tools"]), json.dumps(line["tools"]))
calls = messages[0]["messages"][2]["tool_calls"]
assert is_exact(calls[0]["function"]["arguments"]), calls
equal("the quoted call", calls[1]["function"]["arguments"], QUOTED)
text = apply_chat_template(messages[0], tokenizer)["text"]
for piece in [
    "Where is parcel 007? 你好 🙂",
    '<tool_call>\n{"name": "find_parcel", "arguments": ' + json.dumps(EXACT) + "}\n</tool_call>",
    "<tool_response>\nno such parcel\n</tool_response>",
    '"name": "ask"',
]:
    assert piece in text, (piece, text)

# One row a reply: prompt and completion make the conversation up to it.
turns = load("trl-turns.jsonl")
for row in turns:
    applied = apply_chat_template(row, tokenizer)
    assert applied["completion"].rstrip().endswith("<|im_end|>"), applied
last = apply_chat_template(turns[2], tokenizer)
assert "In Graz, on Monday." in last["completion"] and "In Graz, on Monday." not in last["prompt"], last
assert all(row["completion"][0]["content"] != "So far: one found." for row in turns)

# Tokens: masks and labels tell the same.
for row in load("trl-tokens.jsonl"):
    equal("lengths", len(row["input_ids"]), len(row["assistant_masks"]))
    labels = [i if mask else -100 for i, mask in zip(row["input_ids"], row["assistant_masks"])]
    equal("labels", row["labels"], labels)
    assert sum(row["assistant_masks"]) > 0

# A broken conversation: a call without its function is no call to the template.
broken = dict(raw[0], messages=[{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [{}]}])
refused("a call without a name", lambda: apply_chat_template(broken, tokenizer), TypeError)
path = Path(cache) / "broken.jsonl"
path.write_text((EXPORTS / "trl.jsonl").read_text()[:-40])
refused(
    "a file that was cut",
    lambda: datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=cache),
    datasets.exceptions.DatasetGenerationError,
)
print("trl: read")
