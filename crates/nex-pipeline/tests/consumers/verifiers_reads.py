"""verifiers v1 reads `verifiers` as its `WireTrace` and makes training samples of it."""

import copy
import json

from common import equal, is_exact, lines, refused
from pydantic import ValidationError
from verifiers.v1 import WireTrace

raw = lines("verifiers.jsonl")
traces = [WireTrace.model_validate(trace) for trace in raw]
first = traces[0]
equal("branches", first.num_branches, 2)
clerk, planner = first.branches
equal("tokens", clerk.token_ids, [10, 11, 20, 21, 30, 31, 32, 33, 40, 41, 50, 51, 52, 53, 60, 61, 70, 71, 72, 73, 74])
trained = [token for token, mask in zip(clerk.token_ids, clerk.sampled_mask, strict=True) if mask]
equal("sampled tokens", trained, [32, 33, 52, 53, 72, 73, 74])
equal("logprobs", [value for value in clerk.logprobs if value], [-token / 64 for token in trained])
equal("roles", [m.role for m in clerk.messages], ["system", "user", "assistant", "tool", "tool", "assistant", "tool", "assistant"])
equal("the planner", [m.content for m in planner.messages], ["When?", "On Monday."])
equal("tools", [tool.name for tool in clerk.tools], ["find_parcel", "ask"])
equal("the reward", first.reward, 1.0)
equal("turns", first.num_turns, 4)
equal("the reply", first.last_reply, "In Graz, on Monday.")
equal("usage", (clerk.usage.completion_tokens, clerk.usage.input_tokens), (20, 170))
assert is_exact(json.loads(clerk.messages[2].tool_calls[0].arguments))
links = [(index, link.node, link.type) for index, node in enumerate(first.nodes) for link in node.semantic_parents]
equal("links", links, [(7, 9, "subagent_return"), (9, 5, "subagent_call")])
# What the runtime wrote is on the path, and nobody trains on it.
compacted = traces[2].branches[1]
equal("sampled", [node.sampled for node in compacted.nodes], [False, False, False, False, True])
assert traces[2].is_truncated
# Written again by the reader, and read again: equal.
again = WireTrace.model_validate(first.to_record(float_decimals=None))
equal("again", again.to_record(), first.to_record())

broken = copy.deepcopy(raw[0])
broken["nodes"][2]["message"]["role"] = "bot"
refused("a role that there is not", lambda: WireTrace.model_validate(broken), ValidationError)
broken = copy.deepcopy(raw[0])
del broken["nodes"][3]["message"]["tool_call_id"]
refused("a result of no call", lambda: WireTrace.model_validate(broken), ValidationError)
print("verifiers: read")
