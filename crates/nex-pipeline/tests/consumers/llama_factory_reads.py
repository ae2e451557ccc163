"""LLaMA-Factory's own parser, converter and template read `llama-factory`."""

import json
from types import SimpleNamespace

import datasets
from common import EXACT, EXPORTS, QUOTED, byte_tokenizer, equal, lines
from llamafactory.data.converter import get_dataset_converter
from llamafactory.data.parser import get_dataset_list
from llamafactory.data.template import TEMPLATES

(attributes,) = get_dataset_list(["nex"], str(EXPORTS))
equal("the file", attributes.dataset_name, "llama-factory.jsonl")
equal("the shape", (attributes.formatting, attributes.messages, attributes.tools), ("sharegpt", "conversations", "tools"))
convert = get_dataset_converter(attributes.formatting, attributes, SimpleNamespace(media_dir="."))
rows = datasets.load_dataset("json", data_files=str(EXPORTS / attributes.dataset_name), split="train")
converted = [convert(row) for row in rows]
equal("rows", len(converted), 5)
for row in converted:
    # A row that the converter finds abnormal comes back empty.
    assert row["_prompt"] and row["_response"], row
first = converted[0]
roles = [message["role"] for message in first["_prompt"] + first["_response"]]
equal("roles", roles, ["user", "function", "observation", "function", "observation", "assistant"])
equal("the system prompt", first["_system"], "You are a clerk.")

tokenizer = byte_tokenizer(None)
template = TEMPLATES["qwen3"]
turns = template.encode_multiturn(tokenizer, first["_prompt"] + first["_response"], first["_system"], first["_tools"])
replies = [tokenizer.decode(reply) for _, reply in turns]
prompts = [tokenizer.decode(prompt) for prompt, _ in turns]
calls = [json.loads(part.split("\n</tool_call>")[0]) for part in replies[0].split("<tool_call>\n")[1:]]
equal("calls", json.dumps([call["arguments"] for call in calls]), json.dumps([EXACT, QUOTED]))
assert "Looking." in replies[0], replies
assert '<tool_response>\n{"city": "Graz"}\n</tool_response>\n<tool_response>\nno such parcel\n</tool_response>' in prompts[1], prompts
assert '"name": "ask"' in prompts[0] and "你好 🙂" in prompts[0], prompts
equal("the last reply", replies[2].split("<|im_end|>")[0].split("</think>")[-1].strip(), "In Graz, on Monday.")

broken = dict(lines("llama-factory.jsonl")[0])
broken["conversations"] = broken["conversations"][1:]
equal("turns that do not alternate", convert(broken)["_prompt"], [])
print("llama-factory: read")
