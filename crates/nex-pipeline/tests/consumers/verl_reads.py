"""verl's own data sets read `verl-sft` and `verl-rl`."""

import json

import pandas
from common import EXACT, EXPORTS, byte_tokenizer, equal, refused
from verl.utils.dataset.multiturn_sft_dataset import MultiTurnSFTDataset
from verl.utils.dataset.rl_dataset import RLHFDataset

# A template that takes arguments as text and writes each message alone, as verl needs it.
TEMPLATE = """{%- for m in messages %}<|im_start|>{{ m.role }}
{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}
{%- for call in m.tool_calls or [] %}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments if call.function.arguments is string else call.function.arguments | tojson }}}
</tool_call>{% endfor %}
{%- if loop.first and tools %}{% for tool in tools %}
{{ tool | tojson }}{% endfor %}{% endif %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


class NexSFTDataset(MultiTurnSFTDataset):
    """Arguments and parameters as objects, for templates that want them so (see docs/exports.md)."""

    def _read_files_and_process(self):
        super()._read_files_and_process()
        for tools in self.tools:
            for tool in tools:
                tool["function"]["parameters"] = json.loads(tool["function"]["parameters"])

    def _build_messages(self, example):
        messages = super()._build_messages(example)
        for message in messages:
            for call in message["tool_calls"] or []:
                call["function"]["arguments"] = json.loads(call["function"]["arguments"])
        return messages


tokenizer = byte_tokenizer(TEMPLATE)
path = str(EXPORTS / "verl-sft.parquet")
config = {"max_length": 4000, "pad_mode": "no_padding", "truncation": "error"}
plain = MultiTurnSFTDataset(path, tokenizer, config)
equal("rows", len(plain), 5)
for index in range(len(plain)):
    assert plain[index]["loss_mask"].sum() > 0, index
row = plain[0]
text = tokenizer.decode(row["input_ids"])
trained = tokenizer.decode(row["input_ids"][row["loss_mask"].bool()])
assert '"arguments": ' + json.dumps(EXACT, ensure_ascii=False) in text, text
assert "Where is parcel 007? 你好 🙂" in text and "no such parcel" in text, text
assert "<think>Both at once.</think>Looking." in trained and "In Graz, on Monday.<|im_end|>" in trained, trained
assert "no such parcel" not in trained and "parcel 007?" not in trained, trained
equal("thinking", [bool(value) for value in plain.enable_thinking], [True, False, True, False, False])

exact = NexSFTDataset(path, tokenizer, config)[0]
text = tokenizer.decode(exact["input_ids"])
assert json.dumps(EXACT) in text, text
assert '{"type": "function", "function": {"name": "ask", "description": "Asks the planner.", "parameters": {"type": "object", "properties": {"question": {"type": "string", "enum": ["When?", "Why?"]}}}}}' in text, text

rows = RLHFDataset(
    str(EXPORTS / "verl-rl.parquet"),
    tokenizer,
    {"cache_dir": str(EXPORTS / "cache"), "max_prompt_length": 1000, "filter_overlong_prompts_workers": 1},
)
equal("tasks", len(rows), 2)
row = rows[0]
equal("the prompt", row["raw_prompt"][1], {"role": "user", "content": "Where is parcel 007? 你好 🙂"})
equal("the source", row["data_source"], "nex/parcel_desk")
equal("the task", json.loads(row["reward_model"]["ground_truth"])["id"], row["extra_info"]["task"])
equal("kwargs", (row["index"], row["tools_kwargs"], row["interaction_kwargs"]), (0, {}, {}))

broken = pandas.read_parquet(path).drop(columns=["messages"])
broken.to_parquet(EXPORTS / "broken.parquet")
refused("no messages", lambda: MultiTurnSFTDataset(str(EXPORTS / "broken.parquet"), tokenizer, config), KeyError)
print("verl: read")
