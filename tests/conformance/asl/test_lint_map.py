"""What a Map state may be, inline and distributed, rule by rule.

SPEC: https://states-language.net/spec.html#map-state. DG: the developer guide's pages on Map states, ItemReader,
ItemBatcher and ResultWriter. MEASURED: what AWS answered to others, in the public thread that is named.
"""

import json
from typing import Any

import pytest

from penstock.states import lint, parse

BODY = {"StartAt": "B", "States": {"B": {"Type": "Pass", "End": True}}}
STANDARD = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
EXPRESS = {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}
GET, LIST = "arn:aws:states:::s3:getObject", "arn:aws:states:::s3:listObjectsV2"
PUT = "arn:aws:states:::s3:putObject"
BUCKET = {"Bucket": "lake", "Key.$": "$.key"}


def inline(**fields: Any) -> dict[str, Any]:
    return {"Type": "Map", "ItemProcessor": BODY, "End": True, **fields}


def processor(config: Any, body: Any = BODY) -> dict[str, Any]:
    return {"Type": "Map", "ItemProcessor": {"ProcessorConfig": config, **body}, "End": True}


def distributed(config: Any = STANDARD, **fields: Any) -> dict[str, Any]:
    return {**processor(config), **fields}


def jsonata(**fields: Any) -> dict[str, Any]:
    return {**distributed(), "QueryLanguage": "JSONata", **fields}


def reader(config: Any = None, **fields: Any) -> dict[str, Any]:
    read = {"Resource": GET, "Parameters": BUCKET, "ReaderConfig": {"InputType": "JSON"}, **fields}
    return distributed(ItemReader=read if config is None else {**read, "ReaderConfig": config})


def csv(**fields: Any) -> dict[str, Any]:
    return reader({"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW", **fields})


def writer(**fields: Any) -> dict[str, Any]:
    return distributed(ResultWriter=fields)


def child(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def findings(state: Any) -> list[tuple[str, str]]:
    text = json.dumps({"StartAt": "S", "States": {"S": state}})
    found = [(one.where.removeprefix("$.States.S").removeprefix("."), one.code) for one in lint(text)]
    if not found:
        parse(text)
    return found


TOKEN = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": True}
JOB = {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync", "End": True}
ACTIVITY = {"Type": "Task", "Resource": "arn:aws:states:us-east-1:123456789012:activity:A", "End": True}
CALL = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}

ACCEPTED: list[tuple[str, Any]] = [
    ("DG, inline", inline(ItemsPath="$.items", ItemSelector={"v.$": "$$.Map.Item.Value"}, MaxConcurrency=0)),
    ("DG, inline", inline(MaxConcurrencyPath="$.n", ResultSelector={"r.$": "$"}, ResultPath="$.out")),
    ("DG, inline: more than 40", inline(MaxConcurrency=1000)),
    ("DG, inline: Iterator and Parameters are deprecated", {"Type": "Map", "Iterator": BODY, "Parameters": {"a": 1},
                                                            "End": True}),
    ("DG, inline: ProcessorConfig", processor({"Mode": "INLINE"})),
    ("DG, context object: ItemsPath", inline(ItemsPath="$$.Execution.Input.items")),
    ("DG, distributed", distributed(EXPRESS, MaxConcurrency=10_000, Label="Files-of_2026")),
    ("DG, distributed: failures", distributed(ToleratedFailureCount=0, ToleratedFailurePercentage=12.5)),
    ("DG, distributed: failures", distributed(ToleratedFailureCountPath="$.c", ToleratedFailurePercentagePath="$.p")),
    ("DG, distributed: Label", distributed(Label="L" * 40)),
    ("DG, ItemReader: CSV", csv(CSVDelimiter="TAB", MaxItems=100_000_000)),
    ("DG, ItemReader: CSV", reader({"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["a", "b"]})),
    ("DG, ItemReader: JSON", reader({"InputType": "JSON", "ItemsPointer": "/a/b~1c", "MaxItemsPath": "$.n"})),
    ("DG, ItemReader: JSONL", reader({"InputType": "JSONL"})),
    ("DG, ItemReader: Parquet", reader({"InputType": "PARQUET"})),
    ("DG, ItemReader: an inventory", reader({"InputType": "MANIFEST"})),
    ("DG, ItemReader: an inventory", reader({"ManifestType": "S3_INVENTORY"})),
    ("DG, ItemReader: Athena", reader({"ManifestType": "ATHENA_DATA", "InputType": "PARQUET"})),
    ("DG, ItemReader: objects",
     distributed(ItemReader={"Resource": LIST, "Parameters": {"Bucket": "b", "Prefix": "p"}})),
    ("DG, ItemReader: LOAD_AND_FLATTEN", distributed(ItemReader={
        "Resource": LIST, "Parameters": {"Bucket": "b"},
        "ReaderConfig": {"InputType": "JSONL", "Transformation": "LOAD_AND_FLATTEN"}})),
    ("DG, ItemBatcher", distributed(ItemBatcher={"MaxItemsPerBatch": 10, "MaxInputBytesPerBatch": 262_144,
                                                 "BatchInput": {"at.$": "$.at"}})),
    ("DG, ItemBatcher", distributed(ItemBatcher={"MaxItemsPerBatchPath": "$.n"})),
    ("MEASURED, floci issue 3733: Minimum value is 0", distributed(ItemBatcher={"MaxItemsPerBatch": 0})),
    ("DG, ResultWriter", writer(Resource=PUT, Parameters={"Bucket": "b", "Prefix": "p"})),
    ("DG, ResultWriter", writer(WriterConfig={"Transformation": "FLATTEN", "OutputType": "JSONL"})),
    ("DG, ResultWriter", writer(Resource=PUT, Parameters={"Bucket": "b"}, WriterConfig={"OutputType": "JSON"})),
    ("MEASURED, aws-cdk pull request 33831: an empty one can be saved", writer()),
    ("DG, distributed: JSONata", jsonata(
        Items="{% $states.input.items %}", MaxConcurrency="{% 5 %}", ToleratedFailureCount="{% 1 %}",
        ToleratedFailurePercentage="{% 5 %}", ItemSelector={"v": "{% $states.context.Map.Item.Value %}"},
        ItemReader={"Resource": GET, "Arguments": {"Bucket": "b", "Key": "{% $states.input.key %}"},
                    "ReaderConfig": {"InputType": "JSON", "MaxItems": "{% 5 %}"}},
        ItemBatcher={"MaxItemsPerBatch": "{% 10 %}", "BatchInput": {"a": "{% $states.input %}"}},
        ResultWriter={"Resource": PUT, "Arguments": {"Bucket": "b", "Prefix": "p"}}, Output="{% $states.result %}")),
    ("DG, Items: an array or an object", jsonata(Items=[1, "{% 2 %}"])),
    ("DG, Items: an array or an object", jsonata(Items={"a": 1})),
    ("DG, variables: a distributed Map's are its own", {
        **processor(STANDARD, child(B={"Type": "Pass", "Assign": {"a": 1}, "End": True})), "Assign": {"a": 2}}),
    ("DG, Express: a call", processor(EXPRESS, child(B=CALL))),
    ("DG, Standard: tokens", processor(STANDARD, child(B=TOKEN))),
    ("DG, Standard: jobs", processor(STANDARD, child(B=JOB))),
    ("DG, Standard: activities", processor(STANDARD, child(B=ACTIVITY))),
    ("DG, Standard: a distributed Map in another", processor(STANDARD, child(M=distributed(EXPRESS)))),
]  # fmt: skip

IN = "ItemProcessor.ProcessorConfig"
CONFIG = "ItemReader.ReaderConfig"
REFUSED: list[tuple[str, Any, str, str]] = [
    ("SPEC, Map State: ItemProcessor", {"Type": "Map", "End": True}, "", "required"),
    ("SPEC, Map State: ItemProcessor", inline(Iterator={"StartAt": "C", "States": {"C": {"Type": "Succeed"}}}), "",
     "required"),
    ("SPEC, Map State: ItemProcessor", inline(ItemProcessor=[]), "ItemProcessor", "type"),
    ("SPEC, Map State: ItemsPath", inline(ItemsPath="$.a[*]"), "ItemsPath", "path"),
    ("statelint: ItemsPath is not null", inline(ItemsPath=None), "ItemsPath", "path"),
    ("SPEC, Map State: ItemSelector", inline(ItemSelector={"a.$": "b"}), "ItemSelector.a.$", "path"),
    ("SPEC, Map State: ItemSelector or Parameters", inline(ItemSelector={}, Parameters={}), "", "both"),
    ("MEASURED, floci issue 3733: below 0", inline(MaxConcurrency=-1), "MaxConcurrency", "value"),
    ("SPEC, Map State: MaxConcurrency", inline(MaxConcurrency=1.5), "MaxConcurrency", "value"),
    ("MEASURED, floci issue 3733: one of both", inline(MaxConcurrency=1, MaxConcurrencyPath="$.n"), "", "both"),
    ("MEASURED, floci issue 3733: Value is not a Reference Path", inline(MaxConcurrencyPath="$$.Execution.Input.n"),
     "MaxConcurrencyPath", "path"),
    ("DG, Mode", processor({"Mode": "MANY"}), f"{IN}.Mode", "value"),
    ("DG, Mode", processor("INLINE"), IN, "type"),
    ("DG, Mode", processor({"Mode": "INLINE", "Typ": 1}), f"{IN}.Typ", "unknown-field"),
    ("DG, ExecutionType is given with DISTRIBUTED", processor({"Mode": "DISTRIBUTED"}), IN, "required"),
    ("DG, ExecutionType is given with DISTRIBUTED", processor({"Mode": "INLINE", "ExecutionType": "EXPRESS"}),
     f"{IN}.ExecutionType", "unknown-field"),
    ("DG, ExecutionType", processor({"Mode": "DISTRIBUTED", "ExecutionType": "FAST"}), f"{IN}.ExecutionType", "value"),
    ("DG, distributed fields", inline(ItemBatcher={"MaxItemsPerBatch": 1}), "ItemBatcher", "distributed"),
    ("DG, distributed fields", inline(ItemReader={"Resource": LIST}), "ItemReader", "distributed"),
    ("DG, distributed fields", inline(ResultWriter={}), "ResultWriter", "distributed"),
    ("DG, distributed fields", inline(Label="L"), "Label", "distributed"),
    ("DG, distributed fields", inline(ToleratedFailureCount=1), "ToleratedFailureCount", "distributed"),
    ("DG, distributed fields", inline(ToleratedFailurePercentagePath="$.p"), "ToleratedFailurePercentagePath",
     "distributed"),
    ("DG, Label: 40 characters", distributed(Label="L" * 41), "Label", "label"),
    ("DG, Label: white space", distributed(Label="a b"), "Label", "label"),
    ("DG, Label: characters", distributed(Label="a|b"), "Label", "label"),
    ("DG, Label: control characters", distributed(Label="a\x07b"), "Label", "label"),
    ("API, INVALID_LABEL_NAME", distributed(Label=1), "Label", "type"),
    ("DG, ToleratedFailurePercentage", distributed(ToleratedFailurePercentage=100.1), "ToleratedFailurePercentage",
     "value"),
    ("MEASURED, floci issue 3733: below 0", distributed(ToleratedFailurePercentage=-1), "ToleratedFailurePercentage",
     "value"),
    ("DG, ToleratedFailureCount", distributed(ToleratedFailureCount=1.5), "ToleratedFailureCount", "value"),
    ("MEASURED, floci issue 3733: one of both", distributed(ToleratedFailureCount=1, ToleratedFailureCountPath="$.c"),
     "", "both"),
    ("SPEC, ItemReader", distributed(ItemReader="s3"), "ItemReader", "type"),
    ("SPEC, ItemReader: Resource MUST be there", distributed(ItemReader={"ReaderConfig": {"InputType": "JSON"}}),
     "ItemReader", "required"),
    ("MEASURED, floci pull request 1588: Resource", distributed(ItemReader={"Resource": PUT}), "ItemReader.Resource",
     "resource"),
    ("MEASURED, floci pull request 1588: InputType", reader({"InputType": "XML"}), f"{CONFIG}.InputType", "value"),
    ("DG, ItemReader: InputType", reader({}), CONFIG, "required"),
    ("DG, ItemReader: ReaderConfig", reader([]), CONFIG, "type"),
    ("DG, ItemReader: ReaderConfig", reader({"InputType": "JSON", "Items": 1}), f"{CONFIG}.Items", "unknown-field"),
    ("DG, ItemReader: CSVHeaderLocation", reader({"InputType": "CSV"}), CONFIG, "required"),
    ("DG, ItemReader: CSVHeaderLocation", reader({"InputType": "CSV", "CSVHeaderLocation": "LAST_ROW"}),
     f"{CONFIG}.CSVHeaderLocation", "value"),
    ("DG, ItemReader: CSVHeaders", reader({"InputType": "CSV", "CSVHeaderLocation": "GIVEN"}), CONFIG, "required"),
    ("DG, ItemReader: CSVHeaders", csv(CSVHeaders=["a"]), f"{CONFIG}.CSVHeaders", "both"),
    ("DG, ItemReader: CSVHeaders", reader({"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": "a,b"}),
     f"{CONFIG}.CSVHeaders", "type"),
    ("DG, ItemReader: CSVDelimiter", csv(CSVDelimiter=";"), f"{CONFIG}.CSVDelimiter", "value"),
    ("MEASURED, floci issue 3733: Maximum value is 100000000", csv(MaxItems=100_000_001), f"{CONFIG}.MaxItems",
     "value"),
    ("MEASURED, floci issue 3733: one of both", csv(MaxItems=1, MaxItemsPath="$.n"), CONFIG, "both"),
    ("DG, ItemReader: MaxItemsPath", csv(MaxItemsPath="n"), f"{CONFIG}.MaxItemsPath", "path"),
    ("DG, ItemReader: ManifestType", reader({"InputType": "PARQUET", "ManifestType": "S3"}), f"{CONFIG}.ManifestType",
     "value"),
    ("DG, ItemReader: Transformation", csv(Transformation="FLATTEN"), f"{CONFIG}.Transformation", "value"),
    ("DG, ItemReader: ItemsPointer", reader({"InputType": "JSON", "ItemsPointer": "$.a"}), f"{CONFIG}.ItemsPointer",
     "path"),
    ("SPEC, ItemReader: Parameters", reader(Parameters={"Key.$": "k"}), "ItemReader.Parameters.Key.$", "path"),
    ("DG, ItemReader: Arguments are JSONata's", reader(Arguments={}), "ItemReader.Arguments", "query-language"),
    ("DG, ItemReader: Parameters are JSONPath's", jsonata(ItemReader={"Resource": LIST, "Parameters": {}}),
     "ItemReader.Parameters", "query-language"),
    ("DG, ItemReader: Arguments", jsonata(ItemReader={"Resource": LIST, "Arguments": "lake"}), "ItemReader.Arguments",
     "type"),
    ("SPEC, ItemBatcher", distributed(ItemBatcher=10), "ItemBatcher", "type"),
    ("DG, ItemBatcher: one of the limits", distributed(ItemBatcher={"BatchInput": {}}), "ItemBatcher", "required"),
    ("DG, ItemBatcher", distributed(ItemBatcher={"MaxItemsPerBatch": -1}), "ItemBatcher.MaxItemsPerBatch", "value"),
    ("DG, ItemBatcher: 256 KiB", distributed(ItemBatcher={"MaxInputBytesPerBatch": 262_145}),
     "ItemBatcher.MaxInputBytesPerBatch", "value"),
    ("MEASURED, floci issue 3733: one of both",
     distributed(ItemBatcher={"MaxItemsPerBatch": 1, "MaxItemsPerBatchPath": "$.n"}), "ItemBatcher", "both"),
    ("MEASURED, floci issue 3733: JSONPath's Path forms", jsonata(ItemBatcher={"MaxItemsPerBatchPath": "$.n"}),
     "ItemBatcher.MaxItemsPerBatchPath", "query-language"),
    ("SPEC, ItemBatcher: BatchInput", distributed(ItemBatcher={"MaxItemsPerBatch": 1, "BatchInput": {"a.$": "x"}}),
     "ItemBatcher.BatchInput.a.$", "path"),
    ("SPEC, ResultWriter", distributed(ResultWriter=[]), "ResultWriter", "type"),
    ("DG, ResultWriter: Resource", writer(Resource=GET, Parameters={"Bucket": "b"}), "ResultWriter.Resource",
     "resource"),
    ("DG, ResultWriter: Parameters", writer(Resource=PUT), "ResultWriter", "required"),
    ("DG, ResultWriter: Resource", writer(Parameters={"Bucket": "b"}), "ResultWriter", "required"),
    ("DG, ResultWriter: WriterConfig",
     writer(WriterConfig={"OutputType": "CSV"}), "ResultWriter.WriterConfig.OutputType",
     "value"),
    ("DG, ResultWriter: WriterConfig", writer(WriterConfig={"Transformation": []}),
     "ResultWriter.WriterConfig.Transformation", "value"),
    ("DG, Items", jsonata(Items="items"), "Items", "type"),
    ("DG, Items are JSONata's", inline(Items=[]), "Items", "query-language"),
    ("DG, ItemsPath is JSONPath's", jsonata(ItemsPath="$.items"), "ItemsPath", "query-language"),
    ("DG, JSONata: ItemSelector has no result", jsonata(ItemSelector="{% $states.result %}"), "ItemSelector",
     "jsonata"),
    ("DG, variables: an inline Map reads those around", {
        **inline(ItemProcessor=child(B={"Type": "Pass", "Assign": {"a": 1}, "End": True})), "Assign": {"a": 2}},
     "ItemProcessor.States.B.Assign.a", "variable"),
    ("DG, Express: no tokens", processor(EXPRESS, child(B=TOKEN)), "ItemProcessor.States.B.Resource", "express"),
    ("DG, Express: no jobs", processor(EXPRESS, child(B=JOB)), "ItemProcessor.States.B.Resource", "express"),
    ("DG, Express: no activities", processor(EXPRESS, child(B=ACTIVITY)), "ItemProcessor.States.B.Resource", "express"),
    ("DG, Express: no distributed Map", processor(EXPRESS, child(M=distributed())), "ItemProcessor.States.M",
     "express"),
    ("DG, Express: in a Parallel too", processor(EXPRESS, child(P={
        "Type": "Parallel", "Branches": [child(B=JOB)], "End": True})),
     "ItemProcessor.States.P.Branches[0].States.B.Resource", "express"),
]  # fmt: skip


@pytest.mark.parametrize(("section", "state"), ACCEPTED)
def test_what_is_accepted(section: str, state: Any) -> None:
    assert findings(state) == [], section


@pytest.mark.parametrize(("section", "state", "where", "code"), REFUSED)
def test_what_is_refused(section: str, state: Any, where: str, code: str) -> None:
    assert findings(state) == [(where, code)], section


# API, DUPLICATE_LABEL_NAME; DG: "must be unique within a state machine definition".
def test_a_label_is_given_once() -> None:
    inner = distributed(Label="L")
    outer = {**processor(STANDARD, child(M=inner)), "Label": "L"}
    assert findings(outer) == [("ItemProcessor.States.M.Label", "duplicate-label")]
    assert findings({**outer, "Label": "K"}) == []
