"""Renders conversations as their makers' own code does: one JSON request a line in, one answer a line out.

Chat templates, in a Jinja environment set up as transformers' `apply_chat_template` sets it up:
  {"template": "llama-cpp/GLM-4.6.jinja", "messages": [..], "tools": [..] | null,
   "add_generation_prompt": false, "variables": {"bos_token": ".."}, "now": "2026-01-02T03:04:05"}
      -> {"text": "..", "generation": [[start, end], ..]}     (bytes of what `{% generation %}` encloses)
  "source" in place of "template" gives the text of a template. "now" is what `strftime_now` tells.
  As there, message keys that are null are dropped and the reasoning has three names; "is_raw": true
  passes messages as they are.
Mistral's own tokenizers:
  {"mistral": "v3" | "v3-tekken" | "v7" | "v11" | "v13", "messages": [..], "tools": [..] | null} -> {"text": ".."}
OpenAI's own harmony, on its own message objects:
  {"harmony": "conversation" | "training" | "completion", "messages": [..], "drops_analysis": true} -> {"text": ".."}
  {"harmony": "parse", "completion": ".."} -> {"messages": [..]}
What raises answers {"error": ".."}; the process goes on.
"""

import datetime
import functools
import json
import logging
import os
import pathlib
import sys
import warnings

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

PEERS = pathlib.Path(sys.prefix).parents[1]
NOW = datetime.datetime(2026, 1, 2, 3, 4, 5)


class Generation(jinja2.ext.Extension):
    """`{% generation %}..{% endgeneration %}`: renders its body, and notes where it stands in the output."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_note"), [], [], body).set_lineno(line)

    def _note(self, caller):
        text = caller()
        start = sum(len(piece) for piece in STATE["pieces"])
        STATE["generation"].append((start, start + len(text)))
        return text


STATE = {"now": NOW, "pieces": [], "generation": []}


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


ENVIRONMENT = ImmutableSandboxedEnvironment(
    trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
)
ENVIRONMENT.filters["tojson"] = tojson
ENVIRONMENT.globals["raise_exception"] = raise_exception
ENVIRONMENT.globals["strftime_now"] = lambda form: STATE["now"].strftime(form)


@functools.lru_cache(maxsize=None)
def compiled(source):
    return ENVIRONMENT.from_string(source)


@functools.lru_cache(maxsize=None)
def template(name):
    return (PEERS / "templates" / name).read_text(encoding="utf-8")


REASONING_NAMES = ("reasoning_content", "thinking", "reasoning")


def as_transformers_passes_it(message):
    message = {key: value for key, value in message.items() if value is not None}
    reasoning = next((message[name] for name in REASONING_NAMES if name in message), None)
    if reasoning is not None:
        message = {"thinking": reasoning, **message, "reasoning_content": reasoning}
    return message


def render_template(request):
    source = request["source"] if "source" in request else template(request["template"])
    messages = request["messages"]
    if not request.get("is_raw"):
        messages = [as_transformers_passes_it(message) for message in messages]
    STATE["now"] = datetime.datetime.fromisoformat(request["now"]) if request.get("now") else NOW
    STATE["pieces"], STATE["generation"] = [], []
    for piece in compiled(source).generate(
        messages=messages,
        tools=request.get("tools"),
        documents=None,
        add_generation_prompt=request.get("add_generation_prompt", False),
        **request.get("variables", {}),
    ):
        STATE["pieces"].append(piece)
    text = "".join(STATE["pieces"])
    in_bytes = lambda index: len(text[:index].encode("utf-8"))
    return {"text": text, "generation": [[in_bytes(start), in_bytes(end)] for start, end in STATE["generation"]]}


# The control tokens of tekken files from version 11 on; the packaged files are of version 3.
TEKKEN_CONTROL_TOKENS = (
    "<unk> <s> </s> [INST] [/INST] [AVAILABLE_TOOLS] [/AVAILABLE_TOOLS] [TOOL_RESULTS] [/TOOL_RESULTS] [TOOL_CALLS] "
    "[IMG] <pad> [IMG_BREAK] [IMG_END] [PREFIX] [MIDDLE] [SUFFIX] [SYSTEM_PROMPT] [/SYSTEM_PROMPT] [TOOL_CONTENT] "
    "<SPECIAL_20> <SPECIAL_21> <SPECIAL_22> <SPECIAL_23> [AUDIO] [BEGIN_AUDIO] <SPECIAL_26> <SPECIAL_27> <SPECIAL_28> "
    "<SPECIAL_29> <SPECIAL_30> <SPECIAL_31> [ARGS] [CALL_ID] [THINK] [/THINK]"
).split(" ")


@functools.lru_cache(maxsize=None)
def mistral_tokenizer(version, is_whole):
    """`is_whole`: the conversation ends with the model's answer, as in training."""
    import mistral_common
    from mistral_common.protocol.instruct.validator import ValidationMode
    from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

    data = pathlib.Path(mistral_common.__file__).parent / "data"
    mode = ValidationMode.finetuning if is_whole else ValidationMode.test
    packaged = {
        "v3": "mistral_instruct_tokenizer_240323.model.v3",
        "v3-tekken": "tekken_240718.json",
        "v7": "mistral_instruct_tokenizer_241114.model.v7",
    }
    if version in packaged:
        return MistralTokenizer.from_file(str(data / packaged[version]), mode=mode)
    if version not in ("v11", "v13"):
        raise ValueError(f"no Mistral tokenizer {version!r}: v3, v3-tekken, v7, v11 or v13")
    content = json.loads((data / "tekken_240718.json").read_text(encoding="utf-8"))
    content["config"]["version"] = version
    content["special_tokens"] = [
        {"rank": rank, "token_str": token, "is_control": True} for rank, token in enumerate(TEKKEN_CONTROL_TOKENS)
    ]
    made = PEERS / "tokenizers" / f"tekken_{version}.{os.getpid()}.json"
    made.parent.mkdir(exist_ok=True)
    try:
        made.write_text(json.dumps(content), encoding="utf-8")
        return MistralTokenizer.from_file(str(made), mode=mode)
    finally:
        made.unlink(missing_ok=True)


def render_mistral(request):
    from mistral_common.protocol.instruct.request import ChatCompletionRequest
    from mistral_common.tokens.tokenizers.base import SpecialTokenPolicy

    messages = request["messages"]
    is_whole = bool(messages) and messages[-1]["role"] == "assistant"
    tokenizer = mistral_tokenizer(request["mistral"], is_whole)
    chat = {"messages": messages}
    if request.get("tools"):
        chat["tools"] = request["tools"]
    tokens = tokenizer.encode_chat_completion(ChatCompletionRequest.from_openai(**chat)).tokens
    inner = tokenizer.instruct_tokenizer.tokenizer
    if not request["mistral"] in ("v3", "v7"):
        return {"text": inner.decode(tokens, special_token_policy=SpecialTokenPolicy.KEEP)}
    # SentencePiece: `▁` stands for a space, `<0xNN>` for a byte.
    text = bytearray()
    for token in tokens:
        piece = inner.id_to_piece(token)
        if piece.startswith("<0x") and piece.endswith(">") and len(piece) == 6:
            text.append(int(piece[3:5], 16))
        else:
            text += piece.replace("\u2581", " ").encode("utf-8")
    return {"text": text.decode("utf-8")}


@functools.lru_cache(maxsize=None)
def harmony_encoding():
    os.environ.setdefault("TIKTOKEN_ENCODINGS_BASE", str(PEERS / "tokenizers"))
    import openai_harmony

    return openai_harmony.load_harmony_encoding(openai_harmony.HarmonyEncodingName.HARMONY_GPT_OSS)


def run_harmony(request):
    import openai_harmony as harmony

    encoding = harmony_encoding()
    if request["harmony"] == "parse":
        tokens = encoding.encode(request["completion"], allowed_special="all")
        parsed = encoding.parse_messages_from_completion_tokens(tokens, harmony.Role.ASSISTANT)
        return {"messages": [message.to_dict() for message in parsed]}
    conversation = harmony.Conversation.from_json(json.dumps({"messages": request["messages"]}))
    config = harmony.RenderConversationConfig(auto_drop_analysis=request.get("drops_analysis", True))
    if request["harmony"] == "completion":
        tokens = encoding.render_conversation_for_completion(conversation, harmony.Role.ASSISTANT, config)
    elif request["harmony"] == "training":
        tokens = encoding.render_conversation_for_training(conversation, config)
    elif request["harmony"] == "conversation":
        tokens = encoding.render_conversation(conversation, config)
    else:
        raise ValueError(f"no harmony mode {request['harmony']!r}: conversation, training, completion or parse")
    return {"text": encoding.decode_utf8(tokens)}


def answer(line):
    try:
        request = json.loads(line)
        if "mistral" in request:
            return render_mistral(request)
        if "harmony" in request:
            return run_harmony(request)
        return render_template(request)
    except Exception as error:  # Whatever a template or a library raises is the answer.
        return {"error": f"{type(error).__name__}: {error}"}


def main():
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    requests = open(0, encoding="utf-8")
    answers = open(1, "w", encoding="utf-8")
    while line := requests.readline():
        answers.write(json.dumps(answer(line)) + "\n")
        answers.flush()


main()
