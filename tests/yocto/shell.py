"""Which programs a shell script starts: read from its text, as far as the scripts of this repository go."""

import re

KEYWORDS = frozenset(
    ("if", "then", "elif", "else", "fi", "while", "until", "do", "done", "case", "esac", "for")
)
# What stands before a command as they do.
PREFIXES = frozenset(("{", "}", "!", "exec", "command"))

# What stands for something else in code, and between double quotes.
_CODE = re.compile(r"""\\.|\$\(\(.*?\)\)|\$\(|'[^']*'|(?<![^\s;(])\#[^\n]*|.""", re.DOTALL)
_QUOTED = re.compile(r"""\\.|\$\(\(.*?\)\)|\$\(|"|[^"$\\]+|.""", re.DOTALL)
# What begins another kind of text, and what is left of its beginning and its end.
_BEGIN = {'"': "_", "$(": "_\n", "(": "\n"}
_END = {'"': "", "$(": "\n: ", "(": "\n"}


def programs(text):
    """The first words of all commands, but keywords of the shell and functions of the script."""
    code = _plain(_heredocs(text))
    functions = set(re.findall(r"^\s*(\w+)\n\n\s*\{", code, re.M))
    found = set()
    for piece in re.split(r"\|\||&&|[|;\n]|(?<!>)&", code):
        words = piece.split()
        # Keywords, assignments and redirections stand before the command.
        while words and (words[0] in KEYWORDS | PREFIXES or re.match(r"\w+=|\d*[<>]", words[0])):
            if words.pop(0) in ("for", "case"):
                words = []
        if words and re.fullmatch(r"[a-z.:\[/][\w./+-]*", words[0]) and words[0] not in functions:
            found.add(words[0])
    return found


def _heredocs(text):
    """Each as a quoted word."""
    return re.sub(
        r"<<-?(\w+)(.*)\n((?:.*\n)*?)\1\n", lambda m: f'{m[2]}\n: "{m[3].replace(chr(34), "")}"\n', text
    )


def _plain(text):
    """The code without comments and quoted words; each $( ) as a line of its own."""
    out, nesting, at = "", [""], 0
    while at < len(text):
        quoted = nesting[-1] == '"'
        match = (_QUOTED if quoted else _CODE).match(text, at)
        assert match is not None
        token, at = match[0], match.end()
        if token == "$(" or (token in _BEGIN and not quoted):
            nesting.append(token)
            out += _BEGIN[token]
        elif quoted and token != '"':
            pass
        elif token in ('"', ")") and nesting[-1]:
            out += _END[nesting.pop()]
        elif token == ")":  # ends what `case` compares with
            out = out[: max(out.rfind("\n"), out.rfind(";")) + 1]
        elif token[0] != "#":
            out += token if len(token) == 1 else " " if token == "\\\n" else "_"
    return out
