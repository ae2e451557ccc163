"""ms-swift's own loader and template read `ms-swift`."""

import json

from common import EXACT, EXPORTS, QUOTED, equal, lines, refused
from swift.agent_template import agent_template_map
from swift.dataset import load_dataset
from swift.dataset.preprocessor import AutoPreprocessor
from datasets import Dataset

rows, _ = load_dataset([str(EXPORTS / "ms-swift.jsonl")], num_proc=1, strict=True)
equal("rows", len(rows), 6)
first = next(row for row in rows if len(row["messages"]) == 10)
equal(
    "roles",
    [message["role"] for message in first["messages"]],
    ["system", "user", "assistant", "tool_call", "tool_call", "tool_response", "tool_response", "tool_call", "tool_response", "assistant"],
)
equal("tools", [tool["function"]["name"] for tool in first["tools"]], ["find_parcel", "ask"])
equal("no filled-in keys", first["tools"][1]["function"]["parameters"], {"type": "object", "properties": {"question": {"type": "string", "enum": ["When?", "Why?"]}}})
calls = [json.loads(message["content"]) for message in first["messages"] if message["role"] == "tool_call"]
equal("arguments", json.dumps([call["arguments"] for call in calls[:2]]), json.dumps([EXACT, QUOTED]))
hermes = agent_template_map["hermes"]()
text = hermes._format_tool_calls(first["messages"][3:5])
assert json.dumps(EXACT) in text and text.count("<tool_call>") == 2, text
losses = [message.get("loss") for row in rows for message in row["messages"] if message["content"] == "So far: one found."]
equal("what the runtime wrote is not trained on", losses, [False])

broken = dict(lines("ms-swift.jsonl")[0])
broken["messages"] = [{"role": "bot", "content": "x"}, {"role": "nobody", "content": "y"}]
refused("a role that there is not", lambda: AutoPreprocessor()(Dataset.from_list([broken]), strict=True, load_from_cache_file=False), AssertionError)
print("ms-swift: read")
