"""What a distributed Map does with its items, as pure functions: reading, batching, counting, and writing results.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html. What reads and writes is passed in.
"""

from penstock.states.distributed.batches import Batch as Batch
from penstock.states.distributed.batches import batches as batches
from penstock.states.distributed.documents import processor_document as processor_document
from penstock.states.distributed.items import Item as Item
from penstock.states.distributed.items import at_most as at_most
from penstock.states.distributed.items import given_items as given_items
from penstock.states.distributed.items import reader_failed as reader_failed
from penstock.states.distributed.manifests import Place as Place
from penstock.states.distributed.reader import Buckets as Buckets
from penstock.states.distributed.reader import read_items as read_items
from penstock.states.distributed.results import Child as Child
from penstock.states.distributed.results import ResultFiles as ResultFiles
from penstock.states.distributed.results import outputs as outputs
from penstock.states.distributed.results import transformation as transformation
from penstock.states.distributed.results import writer_failed as writer_failed
from penstock.states.distributed.tally import Counts as Counts
from penstock.states.distributed.tally import Tolerance as Tolerance
from penstock.states.distributed.tally import threshold_exceeded as threshold_exceeded
from penstock.states.map_run_names import map_run_arn as map_run_arn
from penstock.states.map_run_names import map_run_id as map_run_id
