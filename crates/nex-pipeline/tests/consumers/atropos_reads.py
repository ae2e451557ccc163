"""Atropos' own server takes the groups of `atropos` at `POST /scored_data`."""

import copy

from atroposlib.api.server import app
from common import equal, lines
from fastapi.testclient import TestClient

client = TestClient(app)
groups = lines("atropos.jsonl")
assert groups
for group in groups:
    answer = client.post("/scored_data", json=group)
    equal("the answer", (answer.status_code, answer.json()), (200, {"status": "received"}))
    stored = app.state.latest
    for key in ["tokens", "masks", "scores", "messages", "inference_logprobs"]:
        equal(key, stored[key], group[key])
    size = len(group["scores"])
    for tokens, masks, logprobs in zip(group["tokens"], group["masks"], group["inference_logprobs"], strict=True):
        for token, mask, logprob in zip(tokens, masks, logprobs, strict=True):
            assert mask in (token, -100), (token, mask)
            assert (logprob == 1.0) == (mask == -100), (mask, logprob)
    equal("lists of one length", {len(group[key]) for key in ["tokens", "masks", "messages"]}, {size})
equal("the attempts at one task stand in one group", groups[0]["scores"], [1.0, 0.25])

broken = copy.deepcopy(groups[0])
del broken["masks"]
equal("a group without masks", client.post("/scored_data", json=broken).status_code, 422)
broken = copy.deepcopy(groups[0])
del broken["messages"][0][0]["content"]
equal("a message without content", client.post("/scored_data", json=broken).status_code, 422)
print("atropos: read")
