"""Loads the exports of a run folder with `datasets` and `pyarrow` and checks what they hold."""
import json
import pathlib
import sys

import datasets
import jsonschema
import pyarrow.parquet

run = pathlib.Path(sys.argv[1])
root = pathlib.Path(__file__).resolve().parents[3]


def load(name):
    path = str(run / "dataset" / name)
    kind = "parquet" if name.endswith(".parquet") else "json"
    return datasets.load_dataset(kind, data_files=path, split="train", cache_dir=str(run / "cache"))


# OpenAI chat: `datasets` infers one type a column, which nested tool schemas do not have, so each
# line is read as JSON and the messages are loaded by themselves, as trainers do.
lines = [json.loads(line) for line in (run / "dataset" / "openai.jsonl").read_text().splitlines()]
assert lines, "no samples"
for sample in lines:
    calls = set()
    for message in sample["messages"]:
        assert message["role"] in {"system", "user", "assistant", "tool"}, message["role"]
        for call in message.get("tool_calls") or []:
            assert isinstance(call["function"]["arguments"], str)
            json.loads(call["function"]["arguments"])
            calls.add(call["id"])
        if message["role"] == "tool":
            assert message["tool_call_id"] in calls, "a result without its call"
    names = {tool["function"]["name"] for tool in sample.get("tools", [])}
    used = {c["function"]["name"] for m in sample["messages"] for c in m.get("tool_calls") or []}
    assert used <= names, used - names
messages = datasets.Dataset.from_list([{"messages": json.dumps(s["messages"])} for s in lines])
assert messages.num_rows == len(lines)

# Hermes: spans tile the text, only what the model wrote is trainable.
hermes = load("hermes.jsonl")
assert hermes.num_rows == len(lines), (hermes.num_rows, len(lines))
for row in hermes:
    text, at, trainable = row["text"].encode(), 0, b""
    for span in row["spans"]:
        assert span["start"] == at, "a gap or an overlap"
        at = span["end"]
        if span["is_trainable"]:
            assert span["kind"] in {"reasoning", "assistant_text", "call", "end_of_turn"}, span["kind"]
            trainable += text[span["start"]:at]
    assert at == len(text)
    assert b"<tool_response>" not in trainable, "an observation is trained on"
    assert b"<|im_end|>" in trainable, "the end of the turn is not trained on"

# Parquet: every episode, through both readers, and each stored record by the published schema.
table = pyarrow.parquet.read_table(run / "dataset" / "episodes.parquet")
assert table.num_rows == load("episodes.parquet").num_rows == 60
schema = json.loads((root / "docs" / "schema" / "episode.json").read_text())
validator = jsonschema.Draft202012Validator(schema)
count = 0
for segment in sorted((run / "episodes").glob("segment-*.jsonl")):
    for line in segment.read_text().splitlines():
        validator.validate(json.loads(line)["record"])
        count += 1
assert count == 60, count
print(f"{len(lines)} samples, {count} episodes")
