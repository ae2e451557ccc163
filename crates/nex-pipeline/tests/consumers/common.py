"""What the readers' scripts share: a tiny tokenizer, and the check that a broken row is refused."""

import json
import sys
from pathlib import Path

EXPORTS = Path(sys.argv[1])


def lines(name):
    """The rows of a file of JSON lines."""
    return [json.loads(line) for line in (EXPORTS / name).read_text(encoding="utf-8").splitlines()]


def refused(what, read, *expected):
    """`read()` must fail with one of `expected`; a check that cannot fail shows nothing."""
    try:
        got = read()
    except expected as error:
        print(f"refused, as it should be: {what}: {str(error).splitlines()[0][:120]}")
        return
    sys.exit(f"{what} was accepted: {got!r:.300}")


def equal(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: {found!r:.2000}\nis not      {wanted!r:.2000}")


def byte_tokenizer(chat_template):
    """A tokenizer of single bytes that needs no download: an id is a byte, plus `<|im_*|>`."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: index for index, letter in enumerate(alphabet)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>"],
    )
    fast.chat_template = chat_template
    return fast


# The call of the fixture whose values are easily spoilt on the way.
EXACT = {"id": "007", "weight": 1.0, "big": 9007199254740993, "word": "null", "none": None}
QUOTED = {"id": 'a "b" <c>'}


def is_exact(arguments):
    """Equal, and of the same types: 1.0 is not 1, and no key was added."""
    return json.dumps(arguments) == json.dumps(EXACT)
