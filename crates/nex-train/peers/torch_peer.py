"""The same model in PyTorch: gradients to compare with, and speeds to measure beside.

    torch_peer.py gradients          prints one JSON object: loss and two numbers for each tensor's gradient
    torch_peer.py load CHECKPOINT    loads it with transformers; prints a text's tokens and the logits behind them
    torch_peer.py serve THREADS      reads one JSON command a line, answers with one JSON line

Parameters go by the names of the Rust side; shapes are its shapes.
"""
import json
import math
import resource
import sys
import time

import torch
import torch.nn.functional as F


def tensors(c):
    """(name, shape, centre) of each parameter, in the order of the flat buffer."""
    d, f, v, h = c["hidden"], c["intermediate"], c["vocabulary"], c["heads"]
    yield "gpt_neox.embed_in.weight", (v, d), 0.0
    for i in range(c["layers"]):
        p = f"gpt_neox.layers.{i}."
        yield p + "input_layernorm.weight", (d,), 1.0
        yield p + "input_layernorm.bias", (d,), 0.0
        yield p + "attention.query_key_value.weight", (3 * d, d), 0.0
        if c["smear"]:
            yield p + "attention.key_smear", (h,), 0.0
        if c["bias"] == "learned":
            yield p + "attention.tool_bias", (h,), 0.0
        yield p + "attention.dense.weight", (d, d), 0.0
        yield p + "post_attention_layernorm.weight", (d,), 1.0
        yield p + "post_attention_layernorm.bias", (d,), 0.0
        yield p + "mlp.dense_h_to_4h.weight", (f, d), 0.0
        yield p + "mlp.dense_4h_to_h.weight", (d, f), 0.0
    yield "gpt_neox.final_layer_norm.weight", (d,), 1.0
    yield "gpt_neox.final_layer_norm.bias", (d,), 0.0
    if not c["tied"]:
        yield "embed_out.weight", (v, d), 0.0


def rotary(c, positions):
    width = c["hidden"] // c["heads"]
    inverse = c["rope_base"] ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles = positions.double()[..., None] * inverse
    angles = torch.cat([angles, angles], -1)
    return angles.cos().float(), angles.sin().float()


def rotate(x, cosines, sines):
    a, b = x.chunk(2, -1)
    return x * cosines + torch.cat([-b, a], -1) * sines


class Policy:
    """Functional forward pass over a dictionary of parameters."""

    def __init__(self, c, parameters):
        self.c, self.p = c, parameters

    def qkv(self, i, x):
        b, t, d = x.shape
        h = self.c["heads"]
        a = F.layer_norm(x, (d,), self.p[f"gpt_neox.layers.{i}.input_layernorm.weight"],
                         self.p[f"gpt_neox.layers.{i}.input_layernorm.bias"])
        qkv = F.linear(a, self.p[f"gpt_neox.layers.{i}.attention.query_key_value.weight"])
        return qkv.view(b, t, h, 3, d // h).permute(3, 0, 2, 1, 4)

    def rest(self, i, x, o):
        b, t, d = x.shape
        p = f"gpt_neox.layers.{i}."
        x = x + F.linear(o.transpose(1, 2).reshape(b, t, d), self.p[p + "attention.dense.weight"])
        a = F.layer_norm(x, (d,), self.p[p + "post_attention_layernorm.weight"],
                         self.p[p + "post_attention_layernorm.bias"])
        u = F.gelu(F.linear(a, self.p[p + "mlp.dense_h_to_4h.weight"]), approximate="tanh")
        return x + F.linear(u, self.p[p + "mlp.dense_4h_to_h.weight"])

    def final(self, x):
        return F.layer_norm(x, (x.shape[-1],), self.p["gpt_neox.final_layer_norm.weight"],
                            self.p["gpt_neox.final_layer_norm.bias"])

    def output(self):
        return self.p["gpt_neox.embed_in.weight" if self.c["tied"] else "embed_out.weight"]

    def hidden(self, tokens, cosines, sines, mask=None, links=None, first=None):
        """`mask` is additive [1 or B, 1, T, T]; none means causal."""
        x = F.embedding(tokens, self.p["gpt_neox.embed_in.weight"])
        for i in range(self.c["layers"]):
            q, k, v = self.qkv(i, x)
            if self.c["smear"]:
                s = torch.sigmoid(self.p[f"gpt_neox.layers.{i}.attention.key_smear"])[None, :, None, None]
                before = torch.cat([k[:, :, :1], k[:, :, :-1]], 2)
                before = torch.where(first[:, None, :, None], k, before)
                k = s * k + (1 - s) * before
            q, k = rotate(q, cosines, sines), rotate(k, cosines, sines)
            if links is not None:
                w = F.softplus(self.p[f"gpt_neox.layers.{i}.attention.tool_bias"])[None, :, None, None]
                scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + mask + w * links
                o = scores.softmax(-1) @ v
            else:
                o = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
            x = self.rest(i, x, o)
        return self.final(x)


def stirred(c):
    """The numbers that the Rust test makes too."""
    parameters, i = {}, 0
    for name, shape, centre in tensors(c):
        count = math.prod(shape)
        at = torch.arange(i, i + count, dtype=torch.float64)
        parameters[name] = (centre + 0.3 * torch.sin(1.7 * at)).float().view(shape).requires_grad_()
        i += count
    return parameters


def gradients():
    torch.set_num_threads(1)
    c = dict(layers=2, heads=2, hidden=16, intermediate=24, vocabulary=23, rope_base=500000.0,
             smear=True, bias="learned", tied=False)
    policy = Policy(c, stirred(c))
    a = [(i * 7 + 3) % 23 for i in range(5)]
    b = [(i * 5 + 3) % 23 for i in range(170)]
    tokens = torch.tensor([a + b])
    t = tokens.shape[1]
    positions = torch.tensor([list(range(5)) + list(range(170))])
    segment = torch.tensor([0] * 5 + [1] * 170)
    seen = (segment[:, None] == segment[None, :]) & torch.ones(t, t, dtype=torch.bool).tril()
    mask = torch.zeros(t, t).masked_fill(~seen, float("-inf"))
    links = torch.zeros(t, t)
    for call, output in [((2, 5), (6, 9)), ((9, 12), (12, 150))]:
        links[5 + output[0]:5 + output[1], 5 + call[0]:5 + call[1]] = 1
    first = torch.zeros(1, t, dtype=torch.bool)
    first[0, 0] = first[0, 5] = True
    cosines, sines = rotary(c, positions)
    hidden = policy.hidden(tokens, cosines[:, None], sines[:, None], mask[None, None], links, first)
    is_action = [False, True, True, False, True] + [i % 3 != 0 for i in range(170)]
    at = [i for i in range(1, t) if is_action[i]]
    logits = F.linear(hidden[0, [i - 1 for i in at]], policy.output())
    loss = F.cross_entropy(logits, tokens[0, at])
    loss.backward()
    told = {}
    for name, tensor in policy.p.items():
        g = tensor.grad.double().flatten()
        wave = torch.cos(0.9 * torch.arange(g.numel(), dtype=torch.float64))
        told[name] = [g.norm().item(), (g * wave).sum().item()]
    print(json.dumps({"torch": torch.__version__, "loss": loss.item(), "gradients": told}))


def load(path):
    from tokenizers import Tokenizer
    from transformers import AutoModelForCausalLM
    model, told = AutoModelForCausalLM.from_pretrained(path, output_loading_info=True)
    assert not told["missing_keys"] and not told["unexpected_keys"], told
    tokens = Tokenizer.from_file(path + "/tokenizer.json").encode("find order o17 für 您好").ids
    with torch.inference_mode():
        logits = model.eval()(torch.tensor([tokens])).logits[0]
    print(json.dumps({"model": type(model).__name__, "tokens": tokens, "logits": logits.flatten().tolist()}))


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def fresh(c):
    torch.manual_seed(1)
    return {name: (torch.full(shape, centre) if len(shape) == 1 else 0.05 * torch.randn(shape)).requires_grad_()
            for name, shape, centre in tensors(c)}


class Trainer:
    def __init__(self, c, batch, tokens, is_biased):
        self.c, self.policy = c, Policy(c, fresh(c))
        self.optimizer = torch.optim.AdamW(self.policy.p.values(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1)
        self.tokens = torch.randint(0, c["vocabulary"], (batch, tokens))
        self.rotary = rotary(c, torch.arange(tokens))
        self.mask = None
        if is_biased:
            causal = torch.ones(tokens, tokens, dtype=torch.bool).tril()
            mask = torch.zeros(batch, 1, tokens, tokens).masked_fill(~causal, float("-inf"))
            for at in range(32, tokens - 32, 64):
                mask[:, :, at + 16:at + 32, at:at + 16] += 1.0
            self.mask = mask
        # Every second run of 16 tokens is an action.
        t = torch.arange(tokens)
        self.at = ((t // 16) % 2 == 1).nonzero()[:, 0]

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        hidden = self.policy.hidden(self.tokens, *self.rotary, self.mask)
        logits = F.linear(hidden[:, self.at - 1], self.policy.output())
        loss = F.cross_entropy(logits.flatten(0, 1), self.tokens[:, self.at].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.policy.p.values(), 1.0)
        self.optimizer.step()
        return loss.item()


@torch.inference_mode()
def generate(policy, c, batch, prompt, new):
    """Greedy generation with preallocated key and value caches."""
    h, width, total = c["heads"], c["hidden"] // c["heads"], prompt + new
    keys = [torch.zeros(batch, h, total, width) for _ in range(c["layers"])]
    values = [torch.zeros(batch, h, total, width) for _ in range(c["layers"])]
    cosines, sines = rotary(c, torch.arange(total))
    tokens = torch.randint(0, c["vocabulary"], (batch, prompt))
    at = 0
    for _ in range(new):
        t = tokens.shape[1]
        x = F.embedding(tokens, policy.p["gpt_neox.embed_in.weight"])
        for i in range(c["layers"]):
            q, k, v = policy.qkv(i, x)
            q = rotate(q, cosines[at:at + t], sines[at:at + t])
            keys[i][:, :, at:at + t] = rotate(k, cosines[at:at + t], sines[at:at + t])
            values[i][:, :, at:at + t] = v
            o = F.scaled_dot_product_attention(q, keys[i][:, :, :at + t], values[i][:, :, :at + t], is_causal=t > 1)
            x = policy.rest(i, x, o)
        at += t
        tokens = F.linear(policy.final(x[:, -1:]), policy.output()).argmax(-1)


def serve(threads):
    torch.set_num_threads(threads)
    made = {}
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        c = command["config"] | dict(rope_base=500000.0, smear=False, bias="off", tied=True)
        key = json.dumps(command, sort_keys=True)
        if command["do"] == "train":
            if key not in made:
                made[key] = Trainer(c, command["batch"], command["tokens"], command["is_biased"])
            work, count = made[key].step, command["batch"] * command["tokens"]
        else:
            if key not in made:
                made[key] = Policy(c, fresh(c))
            work = lambda: generate(made[key], c, command["batch"], command["prompt"], command["new"])
            count = command["batch"] * command["new"]
        if command.pop("warm_up", False):
            work()
        wall, cpu = time.perf_counter(), cpu_seconds()
        for _ in range(command["steps"]):
            work()
        print(json.dumps({"wall_s": time.perf_counter() - wall, "cpu_s": cpu_seconds() - cpu,
                          "tokens": count * command["steps"]}), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "gradients":
        gradients()
    elif sys.argv[1] == "load":
        load(sys.argv[2])
    else:
        serve(int(sys.argv[2]))
