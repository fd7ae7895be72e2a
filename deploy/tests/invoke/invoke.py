"""Calls a handler as Lambda does: invoke.py HANDLER REMAINING_MS, with the event on standard input."""

import importlib.util
import json
import sys
from types import SimpleNamespace

file, remaining = sys.argv[1:]
spec = importlib.util.spec_from_file_location("handler", file)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
try:
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: int(remaining))
    print(json.dumps({"result": module.handler(json.load(sys.stdin), context)}), file=sys.stderr)
except Exception as error:
    print(json.dumps({"error": str(error)}), file=sys.stderr)
