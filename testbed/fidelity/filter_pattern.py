"""Filter patterns of CloudWatch Logs: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html

Terms (all of them, or one of those with `?`), phrases in quotes, `-` before what must be absent, `%regular expressions%`, and
comparisons in JSON (`{ $.level = "ERROR" && $.status >= 500 }`). Case matters.
"""

import json
import re

_TERM = re.compile(r'([-?]?)(?:"((?:[^"\\]|\\.)*)"|%(.+?)%|(\S+))')
_COMPARISON = re.compile(
    r'\$((?:\.[\w-]+|\[\d+\])+)\s*(=|!=|>=|<=|>|<|IS|NOT EXISTS)\s*("(?:[^"\\]|\\.)*"|%.+?%|[^\s)&|]+)?'
)


def compiled(pattern: str | None):
    """Whether a message matches."""
    pattern = (pattern or "").strip()
    if not pattern:
        return lambda message: True
    if pattern.startswith("{"):
        return lambda message: _json(pattern, message)
    return _terms(pattern)


def _terms(pattern: str):
    terms = [(sign, _test(phrase, expression, word)) for sign, phrase, expression, word in _TERM.findall(pattern)]
    wanted = [test for sign, test in terms if sign == ""]
    absent = [test for sign, test in terms if sign == "-"]
    either = [test for sign, test in terms if sign == "?"]

    def matches(message: str) -> bool:
        # One term without `?` makes those with `?` optional.
        one = not either or wanted or any(test(message) for test in either)
        return bool(one) and all(test(message) for test in wanted) and not any(test(message) for test in absent)

    return matches


def _test(phrase: str, expression: str, word: str):
    if expression:
        return lambda message: re.search(expression, message) is not None
    text = re.sub(r"\\(.)", r"\1", phrase) if phrase else word
    if re.fullmatch(r"\w+", text):
        return lambda message: re.search(rf"(?<!\w){re.escape(text)}(?!\w)", message) is not None
    return lambda message: text in message


def _json(pattern: str, message: str) -> bool:
    try:
        found = json.loads(message)
    except ValueError:
        return False
    results = {}
    for number, comparison in enumerate(_COMPARISON.finditer(pattern)):
        results[f"c{number}"] = _compare(found, *comparison.groups())
    names = iter(results)
    words = _COMPARISON.sub(lambda _: next(names), pattern.strip()[1:-1])
    words = words.replace("&&", " and ").replace("||", " or ")
    return bool(re.fullmatch(r"(?:[\s()]|and|or|c\d+)+", words)) and bool(eval(words, {"__builtins__": {}}, results))


def _compare(found, path: str, operator: str, value: str | None) -> bool:
    for key, index in re.findall(r"\.([\w-]+)|\[(\d+)\]", path):
        try:
            found = found[key] if key else found[int(index)]
        except (KeyError, IndexError, TypeError):
            return operator == "NOT EXISTS"
    if operator == "NOT EXISTS":
        return False
    if operator == "IS":
        return found is {"NULL": None, "TRUE": True, "FALSE": False}.get(value or "", ...)
    if operator in ("=", "!="):
        return _equal(found, value or "") == (operator == "=")
    try:
        number, limit = float(found), float(value or "")
    except (TypeError, ValueError):
        return False
    return {">": number > limit, "<": number < limit, ">=": number >= limit, "<=": number <= limit}[operator]


def _equal(found, value: str) -> bool:
    if value.startswith("%"):
        return re.search(value.strip("%"), str(found)) is not None
    if value.startswith('"'):
        expression = ".*".join(re.escape(part) for part in value[1:-1].split("*"))
        return isinstance(found, str) and re.fullmatch(expression, found) is not None
    try:
        return float(found) == float(value)
    except (TypeError, ValueError):
        return str(found) == value
