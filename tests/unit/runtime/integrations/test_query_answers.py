"""What Athena and Glue answer to a workflow, and how they refuse.

Shapes and error codes: the API reference of the service.
"""

import json

from tests.unit.runtime.integrations.conftest import PUT, Services

from penstock.runtime.machine.home import Home


class TestQueries:
    def test_a_query_and_its_rows(self, services: Services) -> None:
        services.call("aws-sdk:s3:putObject", PUT)
        sql = "SELECT id, name, price, price > 1 AS dear, NULL AS nothing FROM orders ORDER BY id"
        done = services.call("athena:startQueryExecution.sync", {"QueryString": sql})["QueryExecution"]
        assert done["Status"]["State"] == "SUCCEEDED"
        asked = {"QueryExecutionId": done["QueryExecutionId"]}
        found = services.call("athena:getQueryResults", asked)
        types = [column["Type"] for column in found["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]]
        assert types[:4] == ["bigint", "varchar", "double", "boolean"]
        texts = [[datum.get("VarCharValue") for datum in row["Data"]] for row in found["ResultSet"]["Rows"]]
        assert texts == [["id", "name", "price", "dear", "nothing"], ["1", "pen", "1.5", "true", None]]
        one = services.call("athena:getQueryResults", asked | {"MaxResults": 1})
        rest = services.call("athena:getQueryResults", asked | {"NextToken": one["NextToken"]})
        assert len(one["ResultSet"]["Rows"]) == len(rest["ResultSet"]["Rows"]) == 1
        assert services.call("athena:getQueryExecution", asked)["QueryExecution"]["Query"] == sql
        assert services.call("athena:stopQueryExecution", asked) == {}

    def test_a_query_is_not_run_again(self, services: Services) -> None:
        ask = {"QueryString": "SELECT count(*) AS n FROM orders"}
        first = services.call("athena:startQueryExecution", ask, token="run/once")
        services.call("aws-sdk:s3:putObject", PUT)
        assert services.call("athena:startQueryExecution", ask, token="run/once") == first
        rows = services.call("athena:getQueryResults", first)["ResultSet"]["Rows"]
        assert rows[1] == {"Data": [{"VarCharValue": "0"}]}

    def test_a_query_that_failed(self, services: Services) -> None:
        started = services.call("athena:startQueryExecution", {"QueryString": "SELECT nope FROM orders"})
        found = services.call("athena:getQueryExecution", started)["QueryExecution"]
        assert found["Status"]["State"] == "FAILED"
        assert "nope" in found["Status"]["StateChangeReason"]
        error, cause = services.error("athena:getQueryResults", started)
        assert error == "Athena.InvalidRequestException"
        assert "Query did not finish successfully" in cause

    def test_an_unknown_query(self, services: Services) -> None:
        error, _ = services.error("athena:getQueryResults", {"QueryExecutionId": "../hot"})
        assert error == "Athena.InvalidRequestException"


class TestJobs:
    def test_a_job_is_a_task(self, services: Services, home: Home) -> None:
        asked = {"JobName": "load", "Arguments": {"--id": "7", "--name": "pen"}}
        done = services.call("glue:startJobRun.sync", asked)
        assert (done["JobName"], done["JobRunState"]) == ("load", "SUCCEEDED")
        (written,) = home.objects.list("raw/orders/")
        assert json.loads(home.objects.get(written.key)) == {"id": 7, "name": "pen"}

    def test_the_name_is_put_into_the_response(self, services: Services) -> None:
        answered = services.call("glue:startJobRun", {"JobName": "load"})
        assert answered == {"JobName": "load", "JobRunId": answered["JobRunId"]}
        assert services.call("aws-sdk:glue:startJobRun", {"JobName": "load"}).keys() == {"JobRunId"}

    def test_a_job_that_fails(self, services: Services) -> None:
        failing = {"JobName": "load", "Arguments": {"--fail": "yes"}}
        error, cause = services.error("glue:startJobRun.sync", failing)
        assert error == "States.TaskFailed"
        assert json.loads(cause)["JobRunState"] == "FAILED"
        assert json.loads(cause)["ErrorMessage"] == "ValueError: no such file"
        # Whoever does not wait is not told.
        assert "JobRunId" in services.call("glue:startJobRun", failing)

    def test_how_a_job_ends_is_published(self, services: Services, home: Home) -> None:
        """As the job's script does in an account."""
        services.call("glue:startJobRun.sync", {"JobName": "load"})
        services.error("glue:startJobRun.sync", {"JobName": "load", "Arguments": {"--fail": "yes"}})
        found = {
            metric.name: [value for _, value, _ in home.metrics.values(metric, 0, home.clock.now() + 1)]
            for metric in home.metrics.series()
        }
        assert found["LoadErrors"] == [0.0, 1.0]
        assert len(found["LoadDuration"]) == 2

    def test_a_job_that_is_not_there(self, services: Services) -> None:
        assert services.error("glue:startJobRun.sync", {"JobName": "nope"})[0] == "Glue.EntityNotFoundException"
