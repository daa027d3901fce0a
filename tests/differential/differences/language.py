"""Paths, rules, intrinsic functions, variables and definitions."""

from __future__ import annotations

from tests.differential.differences.difference import GUIDE, SPEC, TAKEN, WHOLE, Difference, each

PATHS = (
    Difference(
        each("output", "flow", "input-path-negative-index"),
        "`$.a.c[-1]` is the last element", "a list of it", "penstock",
        "a path with one index selects one node", f"{SPEC}#path",
    ),
    Difference(
        each(WHOLE, "flow", "input-path-deep-none", "parameters-deep-none", "parameters-filter-none"),
        "`$..x` and `[?()]` that match nothing give `[]`", "fails with States.Runtime", "penstock",
        "a path that can select many nodes gives the list of those selected", f"{SPEC}#path",
    ),
    Difference(
        each("error", "flow", "result-path-through-text", "result-path-of-text-input", "result-path-of-list-input")
        | each("error", "map", "items-missing"),
        "States.ReferencePathConflict", "States.Runtime", "penstock",
        "reports of users name it, with its cause; the specification's States.ResultPathMatchFailure is not used",
        "https://github.com/cdklabs/construct-hub/pull/459",
    ),
    Difference(
        each(WHOLE, "flow", "unicode"), "names of any letters", "ASCII names only", "penstock",
        "a path has the names of JSON objects, in Unicode", f"{SPEC}#path",
    ),
    Difference(
        each("error events", "flow", "result-selector-missing"),
        "States.Runtime, ExecutionFailed", "`Exception`, and a LambdaFunctionFailed after LambdaFunctionSucceeded",
        "penstock", "the function did not fail; its result could not be used", f"{GUIDE}/concepts-error-handling.html",
    ),
    Difference(
        each(TAKEN, "flow", "parameters-list"), "Parameters may be an array", "an object only", "open",
        "the specification asks for an object; an engineer of AWS found that the service takes any JSON",
        f"{SPEC}#payload-template",
    ),
)  # fmt: skip

CHOICE = (
    Difference(
        each("output", "choice", "timestamp-other-zone", "timestamp-fraction"),
        "moments are compared", "texts are compared", "penstock",
        "timestamps are RFC 3339: zones and fractions tell moments", f"{SPEC}#timestamps",
    ),
    Difference(
        each("output", "choice", "is-timestamp-lower-case"), "`t` and `z` are no timestamp's", "taken", "penstock",
        "T and Z are capital letters", f"{SPEC}#timestamps",
    ),
    Difference(
        each("output", "choice", "matches-escaped-star", "matches-escaped-backslash", "matches-question-mark",
             "matches-bracket"),
        "only `*` is special, and `\\` takes that away", "the shell's patterns: `?`, `[ab]`", "penstock",
        "no characters other than * have any special meaning", f"{GUIDE}/state-choice.html",
    ),
    Difference(
        each(WHOLE, "choice", "variable-missing", "variable-missing-below-null", "is-string-missing",
             "is-null-missing"),
        "States.Runtime", "the rule does not hold", "penstock",
        "only IsPresent asks whether a variable is there", f"{GUIDE}/state-choice.html",
    ),
    Difference(
        each(WHOLE, "choice", "variable-whole-null"), "a path in a null input is States.Runtime", "null is compared",
        "penstock", "applying a path to a null payload is the guide's example of States.Runtime",
        f"{GUIDE}/concepts-error-handling.html",
    ),
)  # fmt: skip

INTRINSICS = (
    Difference(
        each(WHOLE, "intrinsic", "format-object", "format-list"),
        "States.Format takes no object and no array", "writes them in a form of its own", "penstock",
        "the value MUST NOT be a JSON array or object", f"{SPEC}#states.format",
    ),
    Difference(
        each("output", "intrinsic", "format-escaped-quote", "format-escaped-backslash")
        | each(WHOLE, "intrinsic", "format-escaped-braces"),
        "`\\'`, `\\{`, `\\}` and `\\\\` stand for themselves", "escapes are kept, or end the text", "penstock",
        "the page lists these escapes", f"{GUIDE}/intrinsic-functions.html",
    ),
    Difference(
        each(WHOLE, "intrinsic", "format-too-many"), "an argument too many fails", "is passed over", "penstock",
        "there MUST be as many arguments as there are {}", f"{SPEC}#states.format",
    ),
    Difference(
        each(WHOLE, "intrinsic", "format-null-literal") | each(TAKEN, "intrinsic", "array"),
        "null and fractions are arguments", "not in its grammar", "penstock",
        "arguments are strings, numbers, null, paths and calls", f"{GUIDE}/intrinsic-functions.html",
    ),
    Difference(
        each(TAKEN, "intrinsic", "array-partition-fraction", "array-range-fraction", "math-add-fraction"),
        "fractions are rounded", "fractions are not taken", "penstock",
        "a non-integer value is rounded off to the nearest integer", f"{GUIDE}/intrinsic-functions.html",
    ),
    Difference(
        each(WHOLE, "intrinsic", "array-range-down", "array-range-wrong-way"),
        "a range may go down; one that leads away is empty", "fails", "open",
        "the page shows steps upwards alone", f"{GUIDE}/intrinsic-functions.html",
    ),
    Difference(
        each(WHOLE, "intrinsic", "array-get-item-negative"), "an index below 0 fails", "counts from the end",
        "penstock", "the second argument is an index of the array", f"{GUIDE}/intrinsic-functions.html",
    ),
    Difference(
        each("output", "intrinsic", "base64-encode-unicode"), "UTF-8 is encoded", "escapes of its own are encoded",
        "penstock", "the data are encoded as they are", f"{GUIDE}/intrinsic-functions.html",
    ),
    Difference(
        each(WHOLE, "intrinsic", "hash-of-number", "hash-of-object"), "hashes the JSON text", "takes texts only",
        "penstock", "the hash is of the stringified version of the first argument", f"{SPEC}#states.hash",
    ),
    Difference(
        each("output", "intrinsic", "string-split-no-delimiter"), "no delimiter: one part", "one part a character",
        "open", "the page says nothing of an empty delimiter", f"{GUIDE}/intrinsic-functions.html",
    ),
    Difference(
        each(TAKEN, "intrinsic", "no-closing"), "refused when it is deployed", "the template is passed on as it is",
        "penstock", "the value of a field that ends in .$ is a path or a call", f"{SPEC}#payload-template",
    ),
)  # fmt: skip

LANGUAGES = (
    Difference(
        each(WHOLE, "variable", "constant", "path", "inside", "of-result", "in-call", "call", "context", "again",
             "together", "in-input-path", "of-choice", "in-items-path", "in-parallel", "in-map")
        | each("output", "variable", "in-choice") | each("events", "variable", "stays-inside"),
        "variables can be read", "cannot: it would evaluate them with a JSONata that it does not have", "penstock",
        "variables are of both query languages", f"{GUIDE}/workflow-variables.html",
    ),
    Difference(
        each(TAKEN, "variable", "bad-name"), "refused: no name of a variable", "taken", "penstock",
        "a name begins with a letter or underscore", f"{GUIDE}/workflow-variables.html",
    ),
    Difference(
        each(WHOLE, "jsonata", "input", "sum", "arguments", "condition") | each("error events", "jsonata", "undefined"),
        "JSONata is evaluated", "it is not", "penstock", "a state may say JSONata", f"{GUIDE}/transforming-data.html",
    ),
)  # fmt: skip

DEFINITIONS = (
    Difference(
        each(TAKEN, "definition", "bad-result-path"), "ResultPath is a reference path: it names one node",
        "any path is taken", "penstock", "a reference path identifies a single node",
        f"{GUIDE}/amazon-states-language-paths.html",
    ),
    Difference(
        each("status error events", "definition", "start-nowhere", "next-nowhere", "no-end", "choice-without-choices")
        | each(TAKEN, "definition", "unreachable", "catch-nowhere"),
        "refused when it is deployed", "taken; fails when it gets there, if ever", "penstock",
        "names lead to states, states lead on, and each can be reached", f"{SPEC}#transitions",
    ),
)  # fmt: skip
