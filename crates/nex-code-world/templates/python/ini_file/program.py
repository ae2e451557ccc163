"""Configuration files with `[sections]`, `key = value` lines and `#` comments."""


class ConfigError(ValueError):
    """A line that cannot be read; says its number."""


def strip_comment(line):
    """The line without what follows a `#` that stands outside of quotes."""
    in_quotes = False
    for index, char in enumerate(line):
        if char == '"':
            in_quotes = not in_quotes
        elif char == "#" and not in_quotes:
            return line[:index].rstrip()
    return line.rstrip()


def parse_value(text):
    """Quoted text, `true`, `false`, whole numbers, lists with commas; else the text itself."""
    text = text.strip()
    if len(text) >= 2 and text.startswith('"') and text.endswith('"'):
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    digits = text[1:] if text.startswith("-") else text
    if digits.isdigit():
        return int(text)
    if "," in text:
        return [parse_value(part) for part in text.split(",") if part.strip()]
    return text


def parse(text):
    """Sections by name; keys before the first section stand under the empty name."""
    sections = {"": {}}
    current = ""
    for number, raw in enumerate(text.splitlines(), start=1):
        line = strip_comment(raw).strip()
        if not line:
            continue
        if line.startswith("["):
            if not line.endswith("]") or len(line) < 3:
                raise ConfigError(f"line {number}: malformed section")
            current = line[1:-1].strip()
            sections.setdefault(current, {})
            continue
        key, equals, value = line.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"line {number}: no key")
        sections[current][key.strip()] = parse_value(value)
    return sections


def lookup(sections, path, default=None):
    """The value at `section.key`, or `key` for the nameless section."""
    section, dot, key = path.rpartition(".")
    return sections.get(section, {}).get(key, default)


def merge(base, override):
    """A new configuration in which the keys of `override` win."""
    merged = {name: dict(values) for name, values in base.items()}
    for name, values in override.items():
        merged.setdefault(name, {}).update(values)
    return merged
