"""Harbor's own models and validator read `atif`."""

import copy
import json
import tempfile
from pathlib import Path

from common import EXPORTS, equal, is_exact, lines, refused
from harbor.models.trajectories import Trajectory
from harbor.utils.trajectory_validator import TrajectoryValidator
from pydantic import ValidationError

documents = lines("atif.jsonl")
equal("documents", len(documents), 4)
for document in documents:
    read = Trajectory.model_validate(document)
    # Nothing is lost or added by the reader.
    equal("written again", json.dumps(read.to_json_dict(), sort_keys=True), json.dumps(document, sort_keys=True))
files = sorted((EXPORTS / "atif").glob("*.json"))
equal("files", len(files), len(documents))
for file in files:
    validator = TrajectoryValidator()
    assert validator.validate(file), validator.get_errors()

first = Trajectory.model_validate(documents[0])
assert is_exact(first.steps[2].tool_calls[0].arguments), first.steps[2]
reference = first.steps[3].observation.results[0].subagent_trajectory_ref[0]
equal("the sub-agent", first.subagent_trajectories[0].trajectory_id, reference.trajectory_id)
equal("sampled tokens", first.steps[2].metrics.completion_token_ids, [32, 33])
compacted = Trajectory.model_validate(documents[3])
equal("copies", [step.is_copied_context for step in compacted.steps], [True, True, True, None, None])

broken = copy.deepcopy(documents[0])
broken["steps"][1]["step_id"] = 7
refused("steps out of order", lambda: Trajectory.model_validate(broken), ValidationError)
broken = copy.deepcopy(documents[0])
broken["reward"] = 1
refused("a key that ATIF does not know", lambda: Trajectory.model_validate(broken), ValidationError)
broken = copy.deepcopy(documents[0])
broken["steps"][2]["observation"]["results"][0]["source_call_id"] = "other"
path = Path(tempfile.mkdtemp()) / "broken.json"
path.write_text(json.dumps(broken))
assert not TrajectoryValidator().validate(path)
print("harbor: read")
