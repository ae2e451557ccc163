"""SkyRL's `PromptDataset` reads `skyrl`, and its gym makes the environment that a row names."""

import json

import pyarrow.parquet
import skyrl_gym
from common import EXPORTS, byte_tokenizer, equal, refused
from skyrl.train.dataset.dataset import PromptDataset

TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"


class Nex(skyrl_gym.Env):
    """Stands for the user's environment: takes what a row brings."""

    def __init__(self, env_config=None, extras=None):
        super().__init__()
        self.task = json.loads(extras["reward_spec"]["ground_truth"])
        assert extras["reward_spec"]["method"] == "rule"

    def step(self, action):
        raise NotImplementedError


skyrl_gym.register("nex", entry_point=Nex)
path = str(EXPORTS / "skyrl.parquet")
rows = PromptDataset([path], byte_tokenizer(TEMPLATE), max_prompt_length=1000, num_workers=1)
equal("tasks", len(rows), 2)
items = rows.collate_fn([rows[index] for index in range(len(rows))])
for item in items:
    equal("roles", [message["role"] for message in item["prompt"]], ["system", "user"])
    env = skyrl_gym.make(item["env_class"], env_config={}, extras=item["env_extras"])
    equal("the task", env.task["id"], item["env_extras"]["extra_info"]["task"])
equal("the prompt", items[0]["prompt"][1]["content"], "Where is parcel 007? 你好 🙂")

# What is longer than allowed is dropped by the reader itself: it did read the prompts.
equal("short prompts", len(PromptDataset([path], byte_tokenizer(TEMPLATE), 10, num_workers=1)), 0)
# A row without its ground truth.
table = pyarrow.parquet.read_table(path).drop_columns(["reward_spec"])
pyarrow.parquet.write_table(table, EXPORTS / "skyrl-broken.parquet")
broken = PromptDataset([str(EXPORTS / "skyrl-broken.parquet")], byte_tokenizer(TEMPLATE), 1000, num_workers=1)
_, env_class, extras, _ = broken[0]
refused("no reward_spec", lambda: skyrl_gym.make(env_class, env_config={}, extras=extras), KeyError)
print("skyrl: read")
