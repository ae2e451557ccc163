"""What the agents' own code makes of texts: one JSON list of requests in, one list of answers out.

    {"terminus": "xml" | "json", "reply": TEXT}
        -> {"analysis", "plan", "commands": [[keystrokes, seconds]...], "is_complete", "error"}
    {"openhands": "write", "messages": [...], "tools": [...]}  -> messages without calls
    {"openhands": "read", "messages": [...], "tools": [...]}   -> messages with calls

The modules are loaded without their packages, whose imports are large.
"""

import importlib.util
import json
import pathlib
import sys
import sysconfig
import types

SITE = pathlib.Path(sysconfig.get_paths()["purelib"])


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def terminus(kind):
    module = load(f"terminus_{kind}", SITE / f"harbor/agents/terminus_2/terminus_{kind}_plain_parser.py")
    return {"xml": "TerminusXMLPlainParser", "json": "TerminusJSONPlainParser"}[kind], module


def openhands():
    for name in ["openhands", "openhands.sdk", "openhands.sdk.llm", "openhands.sdk.llm.exceptions",
                 "openhands.sdk.llm.mixins"]:
        package = types.ModuleType(name)
        package.__path__ = [str(SITE / name.replace(".", "/"))]
        sys.modules[name] = package
    litellm = types.ModuleType("litellm")
    litellm.ChatCompletionToolParam = litellm.ChatCompletionToolParamFunctionChunk = dict
    sys.modules["litellm"] = litellm
    import openhands.sdk.llm.exceptions.types as kinds

    vars(sys.modules["openhands.sdk.llm.exceptions"]).update(
        {name: kind for name, kind in vars(kinds).items() if name.endswith("Error")}
    )
    import openhands.sdk.llm.mixins.fn_call_converter as converter

    return converter


def answer(request):
    if "terminus" in request:
        name, module = terminus(request["terminus"])
        result = getattr(module, name)().parse_response(request["reply"])
        return {
            "analysis": result.analysis,
            "plan": result.plan,
            "commands": [[command.keystrokes, command.duration] for command in result.commands],
            "is_complete": result.is_task_complete,
            "error": result.error,
        }
    converter = openhands()
    if request["openhands"] == "write":
        return converter.convert_fncall_messages_to_non_fncall_messages(
            request["messages"], request["tools"], add_in_context_learning_example=False
        )
    return converter.convert_non_fncall_messages_to_fncall_messages(request["messages"], request["tools"])


json.dump([answer(request) for request in json.load(sys.stdin)], sys.stdout)
